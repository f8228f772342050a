//! Builds `core` and `alloc` for the bare machine from Debian's library source, once for each compiler version. With
//! the result everything else is built as a rustup user builds it: stable features only.

use crate::toolchain::{TARGET, TARGET_FLAGS, clean, holds_core};
use crate::{paths, process};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// Changes whenever the way of building below changes.
const RECIPE: &str = "1";

const MANIFEST: &str = "[package]\nname = \"empty\"\nversion = \"0.0.0\"\nedition = \"2024\"\n\n\
    [workspace]\n\n[profile.release]\npanic = \"abort\"\ndebug = 1\nopt-level = 3\n";

/// The sysroot for this compiler, built if it is missing.
pub fn ensure(cargo: &Path, rustc: &Path) -> Result<PathBuf> {
    let mut command = clean(&rustc.display().to_string());
    let version = process::capture(command.arg("-vV"), "asking for the compiler's version")?.stdout;
    let digest = Sha256::new().chain_update(RECIPE).chain_update(&version).chain_update(TARGET_FLAGS).finalize();
    let key: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let sysroot = paths::build("sysroot")?.join(key);
    if holds_core(&libraries_of(&sysroot)) {
        return Ok(sysroot);
    }
    let scratch = tempfile::Builder::new().prefix("building-").tempdir_in(paths::build("sysroot")?)?;
    let built = compile(cargo, rustc, scratch.path())?;
    let staged = scratch.path().join("staged");
    copy_libraries(&built, &libraries_of(&staged))?;
    match std::fs::rename(&staged, &sysroot) {
        Ok(()) => Ok(sysroot),
        // Somebody else was quicker.
        Err(_) if holds_core(&libraries_of(&sysroot)) => Ok(sysroot),
        Err(error) => Err(error).with_context(|| format!("cannot move the library to {}", sysroot.display())),
    }
}

fn libraries_of(sysroot: &Path) -> PathBuf {
    sysroot.join("lib/rustlib").join(TARGET).join("lib")
}

fn compile(cargo: &Path, rustc: &Path, scratch: &Path) -> Result<PathBuf> {
    let package = scratch.join("empty");
    std::fs::create_dir_all(package.join("src"))?;
    std::fs::write(package.join("Cargo.toml"), MANIFEST)?;
    std::fs::write(package.join("src/lib.rs"), "#![no_std]\n")?;
    let target_directory = scratch.join("target");
    let mut command = clean(&cargo.display().to_string());
    command
        .current_dir(&package)
        .args(["build", "--release", "--target", TARGET])
        .args(["-Zbuild-std=core,alloc,compiler_builtins", "-Zbuild-std-features=compiler-builtins-mem"])
        .env("RUSTC_BOOTSTRAP", "1")
        .env("RUSTC", rustc)
        .env("CARGO_TARGET_DIR", &target_directory)
        // The kernel is linked with LTO, which needs the library's bitcode.
        .env("CARGO_TARGET_X86_64_UNKNOWN_NONE_RUSTFLAGS", format!("{TARGET_FLAGS} -C embed-bitcode=yes"));
    process::capture(&mut command, "building core and alloc for the bare machine (once for each compiler)")?;
    Ok(target_directory.join(TARGET).join("release/deps"))
}

fn copy_libraries(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    let entries = std::fs::read_dir(from).with_context(|| format!("cannot list {}", from.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if name.ends_with(".rlib") && !name.starts_with("libempty-") {
            std::fs::copy(&path, to.join(&name)).with_context(|| format!("cannot copy {}", path.display()))?;
        }
    }
    if !holds_core(to) {
        bail!("cargo left no libcore in {}", from.display());
    }
    Ok(())
}
