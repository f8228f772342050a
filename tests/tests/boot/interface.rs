//! The interface used as it is meant to be: sharing, children, virtual CPUs, waiting, slices, guarantees, events.

use ravelin_tests::{boot, passed, wrote};
use std::time::Duration;
use xtask::machine::Spec;
use xtask::manifest::Environment;

const SCENARIOS: [&str; 19] = [
    "giver",
    "taker",
    "child",
    "guarantee",
    "virtual-cpus",
    "timer",
    "predicate",
    "directed-yield",
    "slices",
    "masking",
    "halting",
    "undisturbed",
    "gate-calls",
    "gate-nested",
    "gate-one-way",
    "gate-limits",
    "gate-server",
    "gate-release",
    "ring",
];

/// All scenarios at once, spread over the CPUs, beside a witness that has the kernel check itself in the end.
fn works_on(cpus: u32, cpu_model: &str) {
    let scenario = |(number, name): (usize, &str)| Environment {
        name: name.to_owned(),
        cpu: u32::try_from(number).expect("few scenarios") % cpus,
        arguments: name.to_owned(),
        ..Environment::new("interface")
    };
    let mut environments: Vec<Environment> = SCENARIOS.into_iter().enumerate().map(scenario).collect();
    environments.push(Environment { audit: true, arguments: "1 last".to_owned(), ..Environment::new("witness") });
    let outcome = boot(&Spec {
        cpus,
        memory: 128,
        cpu_model: cpu_model.to_owned(),
        environments,
        kernel_arguments: "slice_us=2000".to_owned(),
        timeout: Duration::from_secs(180),
        ..Spec::default()
    });
    for name in SCENARIOS {
        wrote(&outcome, name, &[&format!("{name} works")]);
    }
    wrote(&outcome, "witness", &["the kernel's invariants hold"]);
    passed(&outcome);
}

#[test]
fn works_on_one_cpu() {
    works_on(1, &Spec::default().cpu_model);
}

#[test]
fn works_on_two_cpus() {
    works_on(2, &Spec::default().cpu_model);
}

#[test]
fn works_on_four_cpus() {
    works_on(4, &Spec::default().cpu_model);
}

/// Without #VE, VMFUNC, accessed and dirty flags.
#[test]
fn works_on_an_older_cpu() {
    works_on(2, "corei7_ivy_bridge_3770k");
}
