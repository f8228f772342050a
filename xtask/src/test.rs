//! The verb `test`: unit tests on the host, then the boot tests. The test runner's summary ends the output.

use crate::{build, cargo, process};
use anyhow::{Context, Result};
use clap::ValueEnum;
use std::process::Command;

/// The package and the integration test that boot machines.
const BOOT_TESTS: (&str, &str) = ("ravelin-tests", "boot");
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
    let metadata = cargo::metadata()?;
    let mut command = cargo::host();
    command.args(["test", "--no-fail-fast", "--lib"]);
    for package in metadata.workspace_packages().into_iter().filter(|package| cargo::has_library(package)) {
        command.args(["--package", package.name.as_str()]);
        for name in cargo::integration_tests(package).filter(|name| *name != BOOT_TESTS.1) {
            command.args(["--test", name]);
        }
    }
    passes(command.arg("--").args(filter))
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
