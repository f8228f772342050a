//! Measures the Unix library OS: it runs the same program as Linux does, which there writes the rows of that library OS.

use super::linux;
use crate::machine::{Emulator, Spec};
use crate::root::{Addition, Source};
use crate::run;
use anyhow::Result;
use std::time::Duration;

/// Where the program lies.
const PROGRAM: &str = "/bench";
const TIMEOUT: Duration = Duration::from_secs(300);

/// The machine with the library OS alone, and the program as the command that it executes. Whether loads of CR3 are counted.
pub fn spec(emulator: Emulator, cpu_model: &str, count_cr3: bool) -> Result<Spec> {
    let program = Addition { source: Source::Host(linux::program()?), guest: Some(PROGRAM.into()) };
    let command = format!("{PROGRAM} unix{}", if count_cr3 { " cr3" } else { "" });
    let mut spec = run::command_spec(&command, vec![program], cpu_model, TIMEOUT)?;
    for environment in &mut spec.environments {
        environment.count_cr3 = count_cr3;
    }
    // So long that none ends inside a measurement.
    spec.kernel_arguments = "slice_us=1000000".to_owned();
    Ok(Spec { emulator, ..spec })
}
