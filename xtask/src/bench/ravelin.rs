//! Measures Ravelin: boots the bench guests and the Unix library OS, and reads what they write.

use super::measured::{self, Control, Measured};
use super::unix;
use crate::machine::{self, Emulator, Kind, Silent, Spec};
use crate::manifest::{Capability, Environment};
use crate::paths;
use crate::process::Progress;
use anyhow::{Context, Result, bail};
use exo_abi::capability::{Name, rights};
use std::time::Duration;

/// A run. The environment `bench` reports.
struct Run {
    what: &'static str,
    kernel_arguments: &'static str,
    environments: Vec<Environment>,
}

fn bench(name: &str, arguments: &str) -> Environment {
    Environment {
        name: name.to_owned(),
        memory: 16,
        arguments: arguments.to_owned(),
        background: name != "bench",
        ..Environment::new("bench")
    }
}

/// A caller, and two that it may call.
fn gates() -> Vec<Environment> {
    let over = |slot: u8, position: u8| {
        let name = Name::new(&[position + 1]).unwrap_or(Name::ROOT);
        Capability { slot, name, rights: rights::CALL }
    };
    let caller = Environment { capabilities: vec![over(5, 1), over(6, 2)], ..bench("bench", "gates") };
    let callee = |name: &str| Environment { memory: 4, ..bench(name, name) };
    vec![caller, callee("callee"), callee("full-callee")]
}

fn runs() -> [Run; 3] {
    // A long slice, so that no slice ends inside a measurement; and a short one, so that deadlines, which are counted in slices, come soon.
    let (long, short) = ("slice_us=1000000", "slice_us=200");
    let claims = vec![bench("bench", "claims"), bench("victim", "victim"), bench("partner", "partner")];
    [
        Run { what: "what one environment does", kernel_arguments: long, environments: vec![bench("bench", "alone")] },
        Run { what: "calls through gates", kernel_arguments: long, environments: gates() },
        Run { what: "what takes several", kernel_arguments: short, environments: claims },
    ]
}

/// All machines to boot: what is measured, who writes the lines, and the machine. With `count_cr3` loads of CR3 are exits, and counted.
fn machines(emulator: Emulator, cpu_model: &str, count_cr3: bool) -> Result<Vec<(&'static str, &'static str, Spec)>> {
    let guests = runs().into_iter().map(|mut run| {
        for environment in run.environments.iter_mut().filter(|_| count_cr3) {
            environment.count_cr3 = true;
            environment.arguments.push_str(" cr3");
        }
        let spec = Spec {
            emulator,
            cpu_model: cpu_model.to_owned(),
            environments: run.environments,
            kernel_arguments: run.kernel_arguments.to_owned(),
            timeout: Duration::from_secs(300),
            ..Spec::default()
        };
        Ok((run.what, "bench", spec))
    });
    let unix = || Ok(("what Linux programs do", crate::run::UNIX, unix::spec(emulator, cpu_model, count_cr3)?));
    guests.chain(std::iter::once_with(unix)).collect()
}

/// What was measured, and the controls: in a first pass ticks and exits, in a second one, where loads of CR3 exit, only those.
pub fn measure(emulator: Emulator, cpu_model: &str) -> Result<(Vec<Measured>, Vec<Control>)> {
    let (mut rows, mut controls) = (Vec::new(), Vec::new());
    for (what, writer, spec) in machines(emulator, cpu_model, false)? {
        let output = boot(what, writer, &spec)?;
        // Without this a row without exits might only say that nobody counts them.
        output.controlled("cpuid")?;
        rows.extend(output.rows);
        controls.extend(output.controls);
    }
    Ok((rows, controls))
}

/// Adds the loads of CR3.
pub fn count_cr3(emulator: Emulator, cpu_model: &str, rows: &mut [Measured]) -> Result<Vec<Control>> {
    let mut controls = Vec::new();
    for (what, writer, spec) in machines(emulator, cpu_model, true)? {
        let output = boot(what, writer, &spec)?;
        output.controlled("cr3")?;
        for counted in output.rows {
            if let Some(row) = rows.iter_mut().find(|row| row.id == counted.id) {
                row.transitions.cr3 = counted.transitions.cr3;
            }
        }
        controls.extend(output.controls);
    }
    Ok(controls)
}

fn boot(what: &str, writer: &str, spec: &Spec) -> Result<measured::Output> {
    let progress = Progress::start(&format!("measuring {what}"));
    let outcome = machine::run(spec, &mut Silent)?;
    drop(progress);
    if outcome.kind != Kind::Passed {
        let errors = outcome.consoles.iter().map(|console| String::from_utf8_lossy(&console.errors).into_owned());
        let log = paths::shown(&outcome.directory.join("kernel.log"));
        bail!("the bench run {}; see {log}; its environments said:\n{}", outcome.kind, errors.collect::<String>());
    }
    measured::read(&outcome.console(writer).with_context(|| format!("{writer} wrote nothing"))?.text())
}
