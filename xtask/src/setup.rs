//! The verb `setup`: finds or installs everything, says what it finds, and may be repeated at will.

use crate::toolchain::{DEBIAN_CLIPPY_PACKAGE, Toolchain};
use crate::{bench, cargo, image, machine, packages, paths, process, root};
use anyhow::Result;
use std::time::Instant;

/// Sets this machine up. Without `install` nothing is installed: the error says which command would.
pub fn verb(install: bool) -> Result<()> {
    step("packages for boot images", || {
        packages::ensure(&image::PACKAGES, install)?;
        Ok(image::PACKAGES.join(" "))
    })?;
    step("Bochs, the emulator that has VMX on every host", || {
        packages::ensure(&machine::BOCHS_PACKAGES, install)?;
        Ok(machine::BOCHS_PACKAGES.join(" "))
    })?;
    step("QEMU, for nested KVM and UEFI", || {
        packages::ensure(&machine::QEMU_PACKAGES, install)?;
        Ok(machine::QEMU_PACKAGES.join(" "))
    })?;
    step("BusyBox, for the root of the Unix library OS", || {
        packages::ensure(&[root::PACKAGE], install)?;
        Ok(root::PACKAGE.to_owned())
    })?;
    step("a compiler for the bare machine", || {
        let toolchain = Toolchain::find(install)?;
        if let Toolchain::Debian { .. } = toolchain {
            packages::ensure(&[DEBIAN_CLIPPY_PACKAGE], install)?;
        }
        Ok(toolchain.describe())
    })?;
    step("Debian's cloud kernel, for the Linux column of `bench`", || {
        let kept = bench::LinuxKernel::kept()?;
        if let (None, false) = (&kept, install) {
            return Ok("not there; setup without --no-install fetches it".to_owned());
        }
        // Nothing but `bench` needs it: a machine that cannot fetch it is set up all the same.
        Ok(match bench::LinuxKernel::ensure() {
            Ok(kernel) => kernel.package,
            Err(error) => format!("not there: {error:#}"),
        })
    })?;
    step("the sources of all dependencies", || {
        process::capture(cargo::host().arg("fetch"), "cargo fetch")?;
        Ok("fetched; from here on everything works offline".to_owned())
    })?;
    println!("Ready. Try `cargo xtask run --manifest manifests/hello.toml`; results go to {}/build.", workspace());
    Ok(())
}

fn workspace() -> String {
    paths::workspace().display().to_string()
}

fn step(what: &str, work: impl FnOnce() -> Result<String>) -> Result<()> {
    println!("{what}");
    let begin = Instant::now();
    let found = work()?;
    println!("    {found} ({:.1} s)", begin.elapsed().as_secs_f64());
    Ok(())
}
