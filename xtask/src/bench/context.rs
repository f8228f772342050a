//! What figures depend on beside the code: they compare only where this is the same.

use crate::toolchain::Toolchain;
use crate::{machine, process};
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::process::Command;

/// Where a run's figures come from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Version of the compiler for the bare machine.
    pub compiler: String,
    /// The emulator and its version.
    pub emulator: String,
    /// The CPU model that it shows.
    pub cpu_model: String,
    /// Package of the kernel of the Linux column; nothing without one.
    pub linux_kernel: Option<String>,
}

/// The emulator and its package's version.
pub fn emulator() -> Result<String> {
    let package = machine::BOCHS_PACKAGES[0];
    let mut command = Command::new("dpkg-query");
    let output = process::capture(
        command.args(["--show", "--showformat=${Package} ${Version}", package]),
        "asking for the emulator's version",
    )?;
    String::from_utf8(output.stdout).context("the emulator's version is not UTF-8")
}

/// The version of the compiler for the bare machine.
pub fn compiler() -> Result<String> {
    Toolchain::find(true)?.version()
}
