//! Calls cargo for the host crates, and asks it what the workspace is made of.

use crate::paths;
use anyhow::{Context, Result};
use cargo_metadata::{Metadata, MetadataCommand, Package, TargetKind};
use std::process::Command;

/// The host's cargo, in the workspace, with stable features only.
#[must_use]
pub fn host() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(paths::workspace());
    // What `cargo xtask` left behind is about xtask's own package.
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") || text == "RUSTC_BOOTSTRAP" {
            command.env_remove(&name);
        }
    }
    command
}

/// The workspace's packages and their dependencies on each other.
pub fn metadata() -> Result<Metadata> {
    let manifest = paths::workspace().join("Cargo.toml");
    MetadataCommand::new().manifest_path(manifest).no_deps().exec().context("cargo metadata")
}

/// The packages that are built and tested on the host.
#[must_use]
pub fn host_packages(metadata: &Metadata) -> Vec<&Package> {
    metadata.workspace_default_packages()
}

/// Whether `package` has a library.
#[must_use]
pub fn has_library(package: &Package) -> bool {
    package.targets.iter().any(|target| target.kind.contains(&TargetKind::Lib))
}

/// Names of the package's integration tests.
pub fn integration_tests(package: &Package) -> impl Iterator<Item = &str> {
    package.targets.iter().filter(|target| target.kind.contains(&TargetKind::Test)).map(|target| target.name.as_str())
}
