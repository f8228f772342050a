//! The corpus on the Unix library OS: the runner is the command that it executes.

use super::{GUEST, programs, transcript::Transcript};
use crate::{machine, paths, process, run};
use anyhow::{Context, Result};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(1_800);

/// One boot, in which everything runs whose name contains `filter`. A run that breaks off gives what it came to.
pub fn run(cpu_model: &str, filter: &str) -> Result<Transcript> {
    let command = format!("{GUEST}/runner {GUEST} {filter}");
    let spec = run::command_spec(command.trim_end(), programs::additions()?, cpu_model, TIMEOUT)?;
    let progress = process::Progress::start("running the corpus on libos-unix");
    let outcome = machine::run(&spec, &mut machine::Silent)?;
    drop(progress);
    let log = paths::shown(&outcome.directory);
    let console = outcome.console(run::UNIX).with_context(|| format!("libos-unix did not start: see {log}"))?;
    let transcript =
        Transcript::parse(&String::from_utf8_lossy(&console.output)).with_context(|| format!("see {log}"))?;
    if !transcript.complete {
        process::say(format_args!("the corpus broke off ({}): see {log}", outcome.kind));
    }
    Ok(transcript)
}
