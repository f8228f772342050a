//! The verb `test`: unit tests on the host, then the boot tests. The test runner's summary ends the output.

use crate::{build, cargo, paths, process};
use anyhow::{Context, Result};
use clap::ValueEnum;
use std::process::Command;

/// The package and the integration test that boot machines.
const BOOT_TESTS: (&str, &str) = ("ravelin-tests", "boot");
/// The module with the tests for `loom`.
const LOOM_TESTS: &str = "loom_tests";
/// Machines at work at the same time.
const MACHINES: &str = "2";

/// Which tests.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Which {
    /// Those that run on the host
    Host,
    /// Those that boot a machine
    Boot,
    /// Both
    All,
}

/// Runs the tests whose names contain `filter`. The code is 0 if all passed and 1 if not; nothing is printed after
/// the test runner's summary.
pub fn verb(which: Which, filter: Option<&str>) -> Result<u8> {
    let host_passed = which == Which::Boot || host(filter)?;
    let boot_passed = which == Which::Host || boot(filter)?;
    Ok(u8::from(!(host_passed && boot_passed)))
}

fn host(filter: Option<&str>) -> Result<bool> {
    // First, for their summary is the shortest and the output ends with the longest.
    let every_order = filter.is_some_and(|filter| !LOOM_TESTS.contains(filter)) || memory_orders()?;
    let metadata = cargo::metadata()?;
    let mut command = cargo::host();
    command.args(["test", "--no-fail-fast", "--lib"]);
    for package in metadata.workspace_packages().into_iter().filter(|package| cargo::has_library(package)) {
        command.args(["--package", package.name.as_str()]);
        for name in cargo::integration_tests(package).filter(|name| *name != BOOT_TESTS.1) {
            command.args(["--test", name]);
        }
    }
    Ok(passes(command.arg("--").args(filter))? && every_order)
}

/// What CPUs share without a lock, in every order that the memory model allows: a build of its own, in which `loom` takes the place
/// of atomics.
fn memory_orders() -> Result<bool> {
    let mut command = cargo::host();
    command.args(["test", "--release", "--package", "hv", "--lib", "--target-dir"]);
    command.arg(paths::build("loom")?).arg("--").arg(LOOM_TESTS);
    passes(command.env("RUSTFLAGS", "--cfg loom"))
}

fn boot(filter: Option<&str>) -> Result<bool> {
    // First, so that a build error is one message and not one for each test.
    build::kernel()?;
    let mut command = cargo::host();
    command.args(["test", "--package", BOOT_TESTS.0, "--test", BOOT_TESTS.1, "--"]);
    passes(command.args(["--test-threads", MACHINES]).args(filter))
}

fn passes(command: &mut Command) -> Result<bool> {
    let status = command.status().with_context(|| format!("cannot start {}", process::line(command)))?;
    Ok(status.success())
}
