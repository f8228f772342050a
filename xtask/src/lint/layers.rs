//! The layering rule: which of our crates may depend on which, and which foreign crates reach the hardware.

use anyhow::{Result, bail};
use cargo_metadata::{DependencyKind, Metadata};

/// Each package and what it may depend on. Dependencies of tests are free.
const ALLOWED: [(&str, &[&str]); 13] = [
    ("hv", &[]),
    ("exo-abi", &[]),
    ("exo-core", &["exo-abi"]),
    ("exo-kernel", &["exo-core", "exo-abi", "hv"]),
    ("boot", &["exo-kernel", "exo-core", "exo-abi", "hv"]),
    ("exo-user", &["exo-abi"]),
    ("libos-unix", &["exo-user", "exo-abi"]),
    ("libos-db", &["exo-user", "exo-abi"]),
    ("guests", &["exo-user", "exo-abi", "measure"]),
    ("linux-bench", &["measure"]),
    ("measure", &[]),
    ("xtask", &["exo-abi"]),
    ("ravelin-tests", &["xtask", "exo-abi"]),
];

/// Foreign crates that hold privileged instructions, and the only packages that may use them: mechanism below, and
/// guests, which own their ring 0.
const PRIVILEGED: [&str; 2] = ["x86", "x86_64"];
const PRIVILEGED_USERS: [&str; 3] = ["hv", "exo-user", "guests"];

/// Compares the workspace with the table.
pub fn check(metadata: &Metadata) -> Result<()> {
    let ours: Vec<&str> = metadata.workspace_packages().iter().map(|package| package.name.as_str()).collect();
    let mut wrong = Vec::new();
    for package in metadata.workspace_packages() {
        let name = package.name.as_str();
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| *known == name) else {
            wrong.push(format!("{name} is not in the table of layers"));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|each| each.kind != DependencyKind::Development) {
            let on = dependency.name.as_str();
            if ours.contains(&on) && !allowed.contains(&on) {
                wrong.push(format!("{name} must not depend on {on}"));
            }
            if PRIVILEGED.contains(&on) && !PRIVILEGED_USERS.contains(&name) {
                wrong.push(format!("{name} must not depend on {on}: privileged instructions live in hv"));
            }
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    Ok(())
}
