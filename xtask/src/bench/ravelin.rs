//! Measures Ravelin: boots the bench guests and reads what they write.

use super::measured::{self, Control, Measured};
use crate::machine::{self, Emulator, Kind, Silent, Spec};
use crate::manifest::{Capability, Environment};
use crate::paths;
use crate::process::Progress;
use anyhow::{Context, Result, bail};
use exo_abi::capability::{Name, rights};
use std::time::Duration;

/// A run: its name, the kernel's arguments, and the bench guests in it by name and argument. The guest `bench` reports.
type Run = (&'static str, &'static str, &'static [(&'static str, &'static str)]);

const RUNS: [Run; 3] = [
    // A long slice, so that no slice ends inside a measurement.
    ("what one environment does", "slice_us=1000000", &[("bench", "alone")]),
    (
        "calls through gates",
        "slice_us=1000000",
        &[("bench", "gates"), ("callee", "callee"), ("full-callee", "full-callee")],
    ),
    // A short one, so that deadlines, which are counted in slices, come soon.
    ("what takes several", "slice_us=200", &[("bench", "claims"), ("victim", "victim"), ("partner", "partner")]),
];

/// What was measured, and the controls.
pub fn measure(emulator: Emulator, cpu_model: &str) -> Result<(Vec<Measured>, Vec<Control>)> {
    let (mut rows, mut controls) = (Vec::new(), Vec::new());
    for run in RUNS {
        let output = boot(emulator, cpu_model, run)?;
        // Without this a row without exits might only say that nobody counts them.
        output.controlled("cpuid")?;
        rows.extend(output.rows);
        controls.extend(output.controls);
    }
    Ok((rows, controls))
}

/// The one that measures comes first, and may call the others: slots 5 and up are over them.
fn over_others(guests: usize) -> Vec<Capability> {
    let positions = (1..guests).filter_map(|position| u8::try_from(position).ok());
    positions
        .filter_map(|position| {
            Some(Capability { slot: 4 + position, name: Name::new(&[position + 1])?, rights: rights::CALL })
        })
        .collect()
}

fn boot(emulator: Emulator, cpu_model: &str, (what, arguments, guests): Run) -> Result<measured::Output> {
    let environments = guests.iter().map(|&(name, arguments)| Environment {
        name: name.to_owned(),
        memory: 16,
        arguments: arguments.to_owned(),
        background: name != "bench",
        capabilities: if name == "bench" { over_others(guests.len()) } else { Vec::new() },
        ..Environment::new("bench")
    });
    let spec = Spec {
        emulator,
        cpu_model: cpu_model.to_owned(),
        environments: environments.collect(),
        kernel_arguments: arguments.to_owned(),
        timeout: Duration::from_secs(300),
        ..Spec::default()
    };
    let progress = Progress::start(&format!("measuring {what}"));
    let outcome = machine::run(&spec, &mut Silent)?;
    drop(progress);
    if outcome.kind != Kind::Passed {
        let errors = outcome.consoles.iter().map(|console| String::from_utf8_lossy(&console.errors).into_owned());
        let log = paths::shown(&outcome.directory.join("kernel.log"));
        bail!("the bench run {}; see {log}; its environments said:\n{}", outcome.kind, errors.collect::<String>());
    }
    measured::read(&outcome.console("bench").context("the bench guest wrote nothing")?.text())
}
