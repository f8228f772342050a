//! Many well-behaved environments at once: nothing of one shows in another, on one CPU and across CPUs.

use ravelin_tests::{boot, passed, wrote};
use std::time::Duration;
use xtask::machine::Spec;
use xtask::manifest::Environment;

fn witnesses_stay_intact(count: u32, cpus: u32, kernel_arguments: &str) {
    let environments: Vec<Environment> = (0..count)
        .map(|number| Environment {
            name: format!("witness{number}"),
            cpu: number % cpus,
            arguments: "5".to_owned(),
            ..Environment::new("witness")
        })
        .collect();
    let names: Vec<String> = environments.iter().map(|environment| environment.name.clone()).collect();
    let kernel_arguments = kernel_arguments.to_owned();
    let timeout = Duration::from_secs(120);
    let outcome = boot(&Spec { cpus, environments, kernel_arguments, timeout, ..Spec::default() });
    passed(&outcome);
    for name in names {
        wrote(&outcome, &name, &["witness intact rounds=5"]);
    }
}

#[test]
fn four_on_one_cpu() {
    witnesses_stay_intact(4, 1, "slice_us=1000");
}

#[test]
fn four_on_two_cpus() {
    witnesses_stay_intact(4, 2, "slice_us=1000");
}

#[test]
fn eight_on_four_cpus() {
    witnesses_stay_intact(8, 4, "slice_us=1000");
}

#[test]
fn what_others_do_to_their_own_time_interrupts_nobody() {
    let storm = |cpu| Environment {
        name: format!("storm{cpu}"),
        cpu,
        arguments: "kick-storm".to_owned(),
        background: true,
        ..Environment::new("hostile")
    };
    let victim = Environment { cpu: 1, arguments: "undisturbed".to_owned(), ..Environment::new("interface") };
    let outcome = boot(&Spec {
        cpus: 2,
        environments: vec![storm(0), victim],
        kernel_arguments: "slice_us=2000".to_owned(),
        timeout: Duration::from_secs(60),
        ..Spec::default()
    });
    passed(&outcome);
    wrote(&outcome, "interface", &["undisturbed works"]);
}
