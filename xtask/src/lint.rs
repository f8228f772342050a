//! The verb `lint`: everything that can be said about the source without running it.

mod abi;
mod assembly;
mod blessed;
mod layers;
mod ledger;
mod length;
mod source;

pub use abi::Bless;

use crate::toolchain::{TARGET, Toolchain};
use crate::{cargo, paths, process};
use anyhow::{Result, bail};

/// Libraries that run without an operating system: each must build with stable features only.
const BARE: [&str; 7] = ["hv", "exo-abi", "exo-core", "exo-kernel", "exo-user", "boot", "measure"];

/// Packages with binaries for the bare machine; their libraries are checked with them.
const BARE_BINARIES: [&str; 4] = ["boot", "guests", "libos-unix", "libos-db"];

/// Checks everything and reports every failure. What `bless` says is written instead: the unsafe ledger and the contract.
pub fn verb(bless: Bless) -> Result<()> {
    let sources = source::all()?;
    let checks: [(&str, &dyn Fn() -> Result<()>); 9] = [
        ("formatting", &format),
        ("layers", &|| layers::check(&cargo::metadata()?)),
        ("privileged instructions", &|| assembly::check(&sources)),
        ("unsafe ledger", &|| ledger::check(&sources, bless.document)),
        ("the contract", &|| abi::check(&sources, bless)),
        ("file lengths", &|| length::check(&sources)),
        ("no_std libraries on stable", &bare_libraries),
        ("clippy", &clippy),
        ("clippy for the bare machine", &bare_clippy),
    ];
    let mut failed = Vec::new();
    for (name, check) in checks {
        match check() {
            Ok(()) => println!("lint: {name}: ok"),
            Err(error) => {
                println!("lint: {name}: FAILED\n{error:#}");
                failed.push(name);
            }
        }
    }
    if !failed.is_empty() {
        bail!("lint: {}", failed.join(", "));
    }
    Ok(())
}

fn format() -> Result<()> {
    process::capture(cargo::host().args(["fmt", "--all", "--check", "--", "--color", "never"]), "cargo fmt").map(drop)
}

fn bare_libraries() -> Result<()> {
    let mut command = cargo::host();
    command.args(["check", "--quiet", "--lib"]);
    BARE.iter().for_each(|name| {
        command.args(["--package", name]);
    });
    process::capture(&mut command, "checking the no_std libraries").map(drop)
}

fn clippy() -> Result<()> {
    let metadata = cargo::metadata()?;
    let mut command = cargo::host();
    command.args(["clippy", "--quiet", "--lib", "--tests"]);
    for package in cargo::host_packages(&metadata) {
        command.args(["--package", package.name.as_str()]);
    }
    process::capture(command.args(["--", "--deny", "warnings"]), "cargo clippy").map(drop)
}

/// What the host build leaves out: binaries, and code for the bare machine only.
fn bare_clippy() -> Result<()> {
    let mut command = Toolchain::find(true)?.clippy()?;
    command.args(["--quiet", "--release", "--target", TARGET, "--target-dir"]).arg(paths::build("target")?);
    for name in BARE_BINARIES {
        command.args(["--package", name]);
    }
    process::capture(command.args(["--", "--deny", "warnings"]), "cargo clippy for the bare machine").map(drop)
}
