//! Finds a compiler for the bare machine: rustup's installed target, rustup's target after `rustup target add`, or
//! Debian's packages with a library built here.

use crate::{packages, paths, process, sysroot};
use anyhow::{Context, Result, bail};
use std::path::{Path, PathBuf};
use std::process::Command;

/// The triple that kernel and library OSes are built for.
pub const TARGET: &str = "x86_64-unknown-none";
/// Flags of the target that must hold whoever compiles; `.cargo/config.toml` says the same to rustup's cargo.
pub const TARGET_FLAGS: &str = "-C force-frame-pointers=yes";
/// Debian's packages that hold compiler, library source and linker.
pub const DEBIAN_PACKAGES: [&str; 4] = ["rustc-web", "cargo-web", "rust-web-src", "lld"];

/// Debian's package that holds clippy; only `lint` needs it.
pub const DEBIAN_CLIPPY_PACKAGE: &str = "rust-web-clippy";

const DEBIAN_CLIPPY: &str = "/usr/bin/cargo-clippy";
const DEBIAN_CARGO: &str = "/usr/bin/cargo";
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";

/// A compiler that can build for [`TARGET`].
#[derive(Clone, Debug)]
pub enum Toolchain {
    /// The toolchain that rustup chooses has the target.
    Rustup,
    /// Debian's compiler, with the target's library in this sysroot.
    Debian {
        /// Holds `lib/rustlib/x86_64-unknown-none`.
        sysroot: PathBuf,
    },
}

impl Toolchain {
    /// Looks in the documented order. `install` allows apt to be called.
    pub fn find(install: bool) -> Result<Toolchain> {
        if rustup_has_target() {
            return Ok(Toolchain::Rustup);
        }
        if !debian_complete() {
            if install && rustup_adds_target() {
                return Ok(Toolchain::Rustup);
            }
            packages::ensure(&DEBIAN_PACKAGES, install)?;
        }
        if !debian_complete() {
            bail!("neither rustup's target {TARGET} nor Debian's {} can be used", DEBIAN_PACKAGES.join(" "));
        }
        let sysroot = sysroot::ensure(Path::new(DEBIAN_CARGO), Path::new(DEBIAN_RUSTC))?;
        Ok(Toolchain::Debian { sysroot })
    }

    /// `cargo` for the bare machine, without its arguments.
    #[must_use]
    pub fn cargo(&self) -> Command {
        match self {
            Toolchain::Rustup => {
                let mut command = clean("cargo");
                // Inside `cargo xtask` PATH begins with one toolchain's own directory; keep that toolchain.
                if let Some(toolchain) = std::env::var_os("RUSTUP_TOOLCHAIN") {
                    command.env("RUSTUP_TOOLCHAIN", toolchain);
                }
                command
            }
            Toolchain::Debian { sysroot } => {
                let mut command = clean(DEBIAN_CARGO);
                command
                    .env("RUSTC", DEBIAN_RUSTC)
                    .env("CARGO_TARGET_X86_64_UNKNOWN_NONE_LINKER", "ld.lld")
                    .env("CARGO_TARGET_X86_64_UNKNOWN_NONE_RUSTFLAGS", flags_with_sysroot(sysroot));
                command
            }
        }
    }

    /// `cargo clippy` for the bare machine, without its further arguments.
    pub fn clippy(&self) -> Result<Command> {
        let mut command = self.cargo();
        if let Toolchain::Debian { .. } = self {
            packages::ensure(&[DEBIAN_CLIPPY_PACKAGE], true)?;
            // Started by name, because cargo would prefer rustup's.
            let variables: Vec<_> =
                command.get_envs().map(|(key, value)| (key.to_owned(), value.map(ToOwned::to_owned))).collect();
            command = Command::new(DEBIAN_CLIPPY);
            command.current_dir(paths::workspace());
            for (key, value) in variables {
                match value {
                    Some(value) => command.env(key, value),
                    None => command.env_remove(key),
                };
            }
            command.env("CARGO", DEBIAN_CARGO);
        }
        command.arg("clippy");
        Ok(command)
    }

    /// The compiler's own words for its version.
    pub fn version(&self) -> Result<String> {
        let mut command = match self {
            Toolchain::Rustup => Command::new("rustc"),
            Toolchain::Debian { .. } => clean(DEBIAN_RUSTC),
        };
        let output = process::capture(command.arg("--version"), "asking for the compiler's version")?;
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }

    /// In words, for the user.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Toolchain::Rustup => format!("rustup's toolchain with target {TARGET}"),
            Toolchain::Debian { sysroot } => {
                format!("Debian's {DEBIAN_RUSTC} with the library in {}", paths::shown(sysroot))
            }
        }
    }
}

/// A command that sees none of the variables by which one toolchain's cargo steers another's.
#[must_use]
pub fn clean(program: &str) -> Command {
    let mut command = Command::new(program);
    command.current_dir(paths::workspace());
    for (name, _) in std::env::vars_os() {
        let text = name.to_string_lossy();
        let steers = text.starts_with("CARGO_") && !matches!(text.as_ref(), "CARGO_HOME" | "CARGO_NET_OFFLINE");
        if steers || text.starts_with("RUSTC") || matches!(text.as_ref(), "RUSTUP_TOOLCHAIN" | "RUSTFLAGS" | "CARGO") {
            command.env_remove(&name);
        }
    }
    command
}

fn flags_with_sysroot(sysroot: &Path) -> String {
    format!("{TARGET_FLAGS} --sysroot {}", sysroot.display())
}

fn rustup_has_target() -> bool {
    let Ok(output) = Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output() else {
        return false;
    };
    let directory = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    output.status.success() && holds_core(&directory)
}

/// Whether a library directory holds a compiled `core`.
#[must_use]
pub fn holds_core(directory: &Path) -> bool {
    let Ok(entries) = std::fs::read_dir(directory) else { return false };
    entries.flatten().any(|entry| {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        name.starts_with("libcore-") && name.ends_with(".rlib")
    })
}

fn rustup_adds_target() -> bool {
    if process::find("rustup").is_none() {
        return false;
    }
    process::say(format_args!("trying `rustup target add {TARGET}`"));
    let mut command = Command::new("rustup");
    process::capture(command.args(["target", "add", TARGET]), "adding the target").is_ok() && rustup_has_target()
}

fn debian_complete() -> bool {
    let is_debian = |program: &str| {
        std::fs::canonicalize(program).is_ok_and(|file| file.starts_with("/usr")) && Path::new(program).is_file()
    };
    is_debian(DEBIAN_CARGO)
        && is_debian(DEBIAN_RUSTC)
        && process::find("ld.lld").is_some()
        && library_source(Path::new(DEBIAN_RUSTC)).is_ok_and(|source| source.join("core/src/lib.rs").is_file())
}

/// Where the source of the library that belongs to `rustc` is.
pub fn library_source(rustc: &Path) -> Result<PathBuf> {
    let mut command = clean(&rustc.display().to_string());
    let output = process::capture(command.args(["--print", "sysroot"]), "asking for the compiler's sysroot")?;
    let sysroot = String::from_utf8(output.stdout).context("the compiler's sysroot is not UTF-8")?;
    Ok(Path::new(sysroot.trim()).join("lib/rustlib/src/rust/library"))
}
