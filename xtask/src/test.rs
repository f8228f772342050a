//! The verb `test`: unit tests on the host, then the boot tests. The test runner's summary ends the output.

use crate::{build, cargo, process};
use anyhow::Result;
use clap::ValueEnum;

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

/// Runs the tests whose names contain `filter`.
pub fn verb(which: Which, filter: Option<&str>) -> Result<()> {
    if which != Which::Boot {
        host(filter)?;
    }
    if which != Which::Host {
        boot(filter)?;
    }
    Ok(())
}

fn host(filter: Option<&str>) -> Result<()> {
    let metadata = cargo::metadata()?;
    let mut command = cargo::host();
    command.args(["test", "--lib"]);
    for package in cargo::host_packages(&metadata) {
        command.args(["--package", package.name.as_str()]);
        for name in cargo::integration_tests(package).filter(|name| *name != BOOT_TESTS.1) {
            command.args(["--test", name]);
        }
    }
    command.arg("--").args(filter);
    process::show(&mut command, "host tests")
}

fn boot(filter: Option<&str>) -> Result<()> {
    // First, so that a build error is one message and not one for each test.
    build::everything()?;
    let mut command = cargo::host();
    command.args(["test", "--package", BOOT_TESTS.0, "--test", BOOT_TESTS.1, "--"]);
    command.args(["--test-threads", MACHINES]).args(filter);
    process::show(&mut command, "boot tests")
}
