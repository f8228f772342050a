//! The corpus on Debian's kernel, in the emulator, with the root of the Unix library OS.

use super::{GUEST, programs, transcript::Transcript};
use crate::bench::LinuxKernel;
use crate::{image, machine, paths, process};
use anyhow::{Context, Result, bail};
use std::time::Duration;

/// Quiet, quick to start, and all runs alike.
const ARGUMENTS: &str = "quiet nokaslr cryptomgr.notests";
const MEMORY: u32 = 512;
const TIMEOUT: Duration = Duration::from_secs(1_800);

/// One boot, in which everything runs whose name contains `filter`.
pub fn run(cpu_model: &str, filter: &str) -> Result<Transcript> {
    let kernel = LinuxKernel::ensure()?;
    let root = programs::root()?.archive()?;
    // What follows `--` are the runner's words.
    let arguments = format!("{ARGUMENTS} rdinit={GUEST}/runner -- boot {GUEST} {filter}");
    let image = image::build_linux(&kernel.image, &root, arguments.trim_end())?;
    let progress = process::Progress::start("running the corpus on Linux");
    let run = machine::run_foreign(&image, cpu_model, MEMORY, TIMEOUT)?;
    drop(progress);
    let log = paths::shown(&run.directory.join("console.log"));
    let transcript = Transcript::parse(&run.text).with_context(|| format!("see {log}"))?;
    if !run.ended || !transcript.complete {
        let last = transcript.answers.keys().next_back().map_or("nothing", String::as_str);
        bail!("Linux did not come to the end of the corpus, only to {last}: see {log}");
    }
    Ok(transcript)
}
