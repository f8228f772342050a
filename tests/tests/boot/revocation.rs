//! Revocation under load: an environment below its guarantee claims from others that hold nearly all the memory and cooperate, are slow,
//! have no time, or ignore it.

use ravelin_tests::{boot, exited, passed, wrote};
use std::time::Duration;
use xtask::machine::Spec;
use xtask::manifest::Environment;

const VICTIMS: [&str; 4] = ["cooperates", "slow", "timeless", "ignores"];

fn on(cpus: u32) {
    let part = |(number, part): (usize, &str)| Environment {
        name: part.to_owned(),
        cpu: u32::try_from(number).expect("few parts") % cpus,
        arguments: part.to_owned(),
        ..Environment::new("revocation")
    };
    let parts = std::iter::once("claimant").chain(VICTIMS);
    let mut environments: Vec<Environment> = parts.enumerate().map(part).collect();
    let arguments = "3 last".to_owned();
    environments.push(Environment { audit: true, arguments, ..Environment::new("witness") });
    let kernel_arguments = "slice_us=2000".to_owned();
    let timeout = Duration::from_secs(120);
    let outcome = boot(&Spec { cpus, memory: 96, environments, kernel_arguments, timeout, ..Spec::default() });
    VICTIMS.iter().chain(&["claimant"]).for_each(|name| exited(&outcome, name, 0));
    let phases = ["from=cooperates given=64 taken=0", "from=slow given=32 taken=32", "from=timeless given=0 taken=64"];
    let phases = phases.into_iter().chain(["from=ignores given=0 taken=64"]).zip([2, 3, 3, 3]);
    let lines: Vec<String> = phases.map(|(line, phase)| format!("claim {line} phase={phase}")).collect();
    wrote(&outcome, "claimant", &lines.iter().map(String::as_str).collect::<Vec<_>>());
    for (name, lost) in VICTIMS.into_iter().zip([0, 32, 64, 64]) {
        wrote(&outcome, name, &[&format!("{name}: kept 1984 of 2048, lost {lost} by force")]);
    }
    wrote(&outcome, "witness", &["the kernel's invariants hold", "witness intact rounds=3"]);
    passed(&outcome);
}

#[test]
fn on_one_cpu() {
    on(1);
}

#[test]
fn on_two_cpus() {
    on(2);
}
