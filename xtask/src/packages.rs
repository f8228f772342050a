//! Debian packages: which are missing, and how they come in.

use crate::process;
use anyhow::{Result, bail};
use std::process::Command;

/// Makes sure that `names` are installed. With `install` and as root apt is called; otherwise the error says which
/// command to type.
pub fn ensure(names: &[&str], install: bool) -> Result<()> {
    let missing: Vec<&str> = names.iter().copied().filter(|name| !installed(name)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let command = format!("apt-get install --no-install-recommends {}", missing.join(" "));
    if !install {
        bail!("missing: {}. Type\n    sudo {command}", missing.join(" "));
    }
    if !rustix::process::geteuid().is_root() {
        bail!("missing: {}, and only root may install. Type\n    sudo {command}", missing.join(" "));
    }
    if process::find("apt-get").is_none() {
        bail!("missing: {}, and this system has no apt-get. Install them by its own means", missing.join(" "));
    }
    process::say(format_args!("installing {}", missing.join(" ")));
    let apt = |arguments: &[&str], what: &str| {
        process::capture(Command::new("apt-get").env("DEBIAN_FRONTEND", "noninteractive").args(arguments), what)
    };
    let mut arguments = vec!["install", "--yes", "--no-install-recommends"];
    arguments.extend(&missing);
    if apt(&arguments, "apt-get install").is_err() {
        // The lists may be old; a second failure is the user's to read.
        apt(&["update"], "apt-get update")?;
        apt(&arguments, "apt-get install")?;
    }
    Ok(())
}

/// Whether dpkg knows `name` as installed.
#[must_use]
pub fn installed(name: &str) -> bool {
    let output = Command::new("dpkg-query").args(["--show", "--showformat=${db:Status-Status}", name]).output();
    output.is_ok_and(|output| output.status.success() && output.stdout == b"installed")
}
