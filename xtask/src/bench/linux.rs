//! The Linux column: Debian's cloud kernel in the same emulator, running the same measuring source.
//!
//! Each way of starting the kernel is one boot, whose output is kept by everything that can change it, so that it is the figures of
//! this run as long as nothing has.

mod kernel;

pub use kernel::Kernel;

use crate::cpio::{Archive, Entry};
use crate::{cargo, image, machine, paths, process};
use anyhow::{Context, Result, bail};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The package with the program, and the triple that it is built for.
const PROGRAM: (&str, &str) = ("linux-bench", "x86_64-unknown-linux-gnu");
/// What the program's figures depend on, beside kernel, emulator and compiler.
const SOURCES: [&str; 3] = ["tests/linux/bench", "tests/measure", "Cargo.lock"];
/// Makes the kernel quiet and quick to start, and all runs alike; changes nothing that is measured.
const ARGUMENTS: &str = "quiet nokaslr norandmaps cryptomgr.notests rdinit=/init";
const MEMORY: u32 = 512;
const TIMEOUT: Duration = Duration::from_secs(1_200);

/// How the kernel is started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// As Debian ships it.
    Default,
    /// Without what it does against faults of CPUs.
    MitigationsOff,
}

/// What the program wrote, measured now or when the same kernel, emulator, model, compiler and source were.
pub fn output(kernel: &Kernel, cpu_model: &str, start: Start) -> Result<String> {
    let arguments = match start {
        Start::Default => ARGUMENTS.to_owned(),
        Start::MitigationsOff => format!("{ARGUMENTS} mitigations=off"),
    };
    let kept = paths::build("linux")?.join(format!("{}.txt", digest(kernel, cpu_model, &arguments)?));
    if let Ok(text) = std::fs::read_to_string(&kept) {
        return Ok(text);
    }
    let image = image::build_linux(&kernel.image, &initramfs()?, &arguments)?;
    let progress = process::Progress::start(&format!("measuring Linux ({start:?})"));
    let run = machine::run_foreign(&image, cpu_model, MEMORY, TIMEOUT)?;
    drop(progress);
    let text = said(&run.text);
    if !run.ended || !text.ends_with("linux-bench finished\n") {
        bail!("Linux did not finish its benches: see {}", paths::shown(&run.directory.join("console.log")));
    }
    std::fs::write(&kept, &text).with_context(|| format!("cannot write {}", kept.display()))?;
    Ok(text)
}

/// The program's own lines, out of what the emulator wrote.
fn said(text: &str) -> String {
    let lines = text.lines().skip_while(|line| !line.ends_with("linux-bench begins"));
    let mut said = String::new();
    for line in lines {
        said.push_str(line);
        said.push('\n');
        if line == "linux-bench finished" {
            break;
        }
    }
    said
}

fn digest(kernel: &Kernel, cpu_model: &str, arguments: &str) -> Result<String> {
    let mut digest = Sha256::new();
    for part in [&kernel.package, &super::context::emulator()?, &super::context::compiler()?, cpu_model, arguments] {
        digest.update(format!("{}:{part}", part.len()));
    }
    for source in SOURCES {
        let files = walkdir::WalkDir::new(paths::workspace().join(source)).sort_by_file_name();
        for entry in files {
            let entry = entry?;
            if entry.file_type().is_file() {
                digest.update(std::fs::read(entry.path())?);
            }
        }
    }
    Ok(digest.finalize().iter().take(12).map(|byte| format!("{byte:02x}")).collect())
}

/// The program, as the only thing that the kernel starts.
fn initramfs() -> Result<PathBuf> {
    let program = program()?;
    let mut archive = Archive::default();
    let init = std::fs::read(&program).with_context(|| format!("cannot read {}", program.display()))?;
    archive.add(b"dev", &Entry::directory(0o755))?;
    archive.add(b"dev/console", &Entry::device(0o600, 5, 1))?;
    archive.add(b"dev/null", &Entry::device(0o600, 1, 3))?;
    archive.add(b"init", &Entry::file(0o755, init))?;
    let file = paths::build("linux")?.join("initramfs");
    std::fs::write(&file, archive.finish()?).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(file)
}

/// The program, which the Unix library OS runs too, built so that it needs no libraries.
pub(super) fn program() -> Result<PathBuf> {
    let directory = paths::build("target-linux")?;
    let mut command = cargo::host();
    command
        .args(["build", "--release", "--package", PROGRAM.0, "--target", PROGRAM.1, "--target-dir"])
        .arg(&directory)
        .env("RUSTFLAGS", "-C target-feature=+crt-static");
    process::capture(&mut command, "building the Linux program")?;
    let program = directory.join(PROGRAM.1).join("release").join(PROGRAM.0);
    let stripped = directory.join("init");
    let mut strip = std::process::Command::new("strip");
    process::capture(strip.arg("-o").arg(&stripped).arg(Path::new(&program)), "stripping the Linux program")?;
    Ok(stripped)
}
