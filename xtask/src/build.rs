//! Builds what runs on the bare machine: the kernel, the guests, the library OSes.

use crate::toolchain::{TARGET, Toolchain};
use crate::{paths, process};
use anyhow::{Context, Result, bail};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

/// The kernel's package and binary.
pub const KERNEL: (&str, &str) = ("boot", "ravelin");
/// The package that holds guests, one for each file of its `src/bin`.
const GUESTS: &str = "guests";
/// Packages with one binary of the same name.
const LIBRARY_OSES: [&str; 2] = ["libos-unix", "libos-db"];

/// The kernel image, built if it is out of date.
pub fn kernel() -> Result<PathBuf> {
    binary(KERNEL.0, KERNEL.1)
}

/// The image that a manifest means by `name`: a library OS, a guest, or a path to an ELF file.
pub fn image(name: &str, base: &Path) -> Result<PathBuf> {
    if LIBRARY_OSES.contains(&name) {
        return binary(name, name);
    }
    if is_guest(name) {
        return binary(GUESTS, name);
    }
    let file = base.join(name);
    if file.is_file() {
        return Ok(file);
    }
    bail!("there is no image {name}: not a library OS, not a guest ({}), not a file", guests()?.join(", "))
}

/// Names of all guests, sorted.
pub fn guests() -> Result<Vec<String>> {
    let directory = guest_sources();
    let entries = std::fs::read_dir(&directory).with_context(|| format!("cannot list {}", directory.display()))?;
    let mut names = Vec::new();
    for entry in entries {
        let path = entry?.path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        if is_guest(&name) {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

fn guest_sources() -> PathBuf {
    paths::workspace().join("tests/guests/src/bin")
}

fn is_guest(name: &str) -> bool {
    let directory = guest_sources();
    !name.contains('/')
        && (directory.join(format!("{name}.rs")).is_file() || directory.join(name).join("main.rs").is_file())
}

/// The verb `build`: the kernel, or all of it.
pub fn verb(everything_too: bool) -> Result<()> {
    let built = if everything_too { everything()? } else { vec![kernel()?] };
    for path in built {
        println!("{}", paths::shown(&path));
    }
    Ok(())
}

/// Builds kernel, guests and library OSes.
pub fn everything() -> Result<Vec<PathBuf>> {
    let mut built = vec![kernel()?];
    for guest in guests()? {
        built.push(binary(GUESTS, &guest)?);
    }
    for name in LIBRARY_OSES {
        built.push(binary(name, name)?);
    }
    Ok(built)
}

/// Builds one binary, once in the life of this process: the boot tests ask for the same kernel again and again.
fn binary(package: &str, name: &str) -> Result<PathBuf> {
    static BUILT: OnceLock<Mutex<HashMap<String, PathBuf>>> = OnceLock::new();
    let mut built = BUILT.get_or_init(Mutex::default).lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(path) = built.get(name) {
        return Ok(path.clone());
    }
    let toolchain = toolchain()?;
    let directory = paths::build("target")?;
    let mut command = toolchain.cargo();
    command
        .args(["build", "--release", "--target", TARGET, "--package", package, "--bin", name])
        .arg("--target-dir")
        .arg(&directory);
    let output = process::capture(&mut command, &format!("building {name}"))?;
    let warnings = String::from_utf8_lossy(&output.stderr);
    if warnings.contains("warning:") {
        process::say(warnings.trim_end());
    }
    let path = directory.join(TARGET).join("release").join(name);
    if !path.is_file() {
        bail!("building {name}: cargo left no {}", path.display());
    }
    built.insert(name.to_owned(), path.clone());
    Ok(path)
}

fn toolchain() -> Result<Toolchain> {
    static FOUND: OnceLock<Toolchain> = OnceLock::new();
    if let Some(toolchain) = FOUND.get() {
        return Ok(toolchain.clone());
    }
    let toolchain = Toolchain::find(true)?;
    Ok(FOUND.get_or_init(|| toolchain).clone())
}
