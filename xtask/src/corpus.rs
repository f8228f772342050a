//! The verb `corpus`: small programs and scripts, each showing one behaviour, on Linux and on the Unix library OS. What Linux answers
//! is recorded in `tests/linux/expected`; the library OS has to answer the same, to the byte.

mod expected;
mod hostile;
mod linux;
mod programs;
mod transcript;
mod unix;

use crate::machine::DEFAULT_CPU_MODEL;
use crate::{interrupt, paths};
use anyhow::{Result, bail};
use clap::Args;
pub use hostile::{hostile_additions, hostile_names};
use std::path::PathBuf;
pub use transcript::Transcript;

/// Where sources, scripts and what they are expected to write are, from the workspace.
const DIRECTORY: &str = "tests/linux";
/// Where they are for those that run them.
const GUEST: &str = "/corpus";
/// The area of the scripts.
const SCRIPTS: &str = "scripts";

/// Options of `corpus`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Only those whose AREA/NAME contains this
    filter: Option<String>,
    /// Run them on Debian's kernel in the same emulator, not on libos-unix
    #[arg(long)]
    linux: bool,
    /// Run them on Debian's kernel and write down what they say, as what is expected from now on
    #[arg(long)]
    record: bool,
    /// CPU model of Bochs
    #[arg(long, default_value = DEFAULT_CPU_MODEL)]
    cpu_model: String,
}

/// Runs and compares, or records. The code is the process's: 0 if all answers are those expected.
pub fn verb(options: &Options) -> Result<u8> {
    interrupt::catch()?;
    let filter = options.filter.as_deref().unwrap_or("");
    let names = programs::names(filter)?;
    if names.is_empty() {
        bail!("there is no program whose name contains {filter:?}");
    }
    let transcript = if options.linux || options.record {
        linux::run(&options.cpu_model, filter)?
    } else {
        unix::run(&options.cpu_model, filter)?
    };
    if options.record {
        let count = expected::record(&names, &transcript)?;
        println!("{count} recorded in {}", paths::shown(&expected::directory()));
        return Ok(0);
    }
    let differences = expected::differences(&names, &transcript)?;
    for difference in &differences {
        println!("{difference}");
    }
    println!("{} of {} answer as recorded", names.len() - differences.len(), names.len());
    Ok(u8::from(!differences.is_empty()))
}

/// Runs all of it on the Unix library OS: how many programs there are, and what each says that does not answer as Linux does.
///
/// # Errors
/// There was no run, or nothing is recorded for a program.
pub fn differing() -> Result<(usize, Vec<String>)> {
    let names = programs::names("")?;
    let transcript = unix::run(DEFAULT_CPU_MODEL, "")?;
    Ok((names.len(), expected::differences(&names, &transcript)?))
}

fn workspace(below: &str) -> PathBuf {
    paths::workspace().join(DIRECTORY).join(below)
}
