//! The exit budget on every CPU model, with what each lacks: the same guests, the same interface.

use ravelin_tests::{boot, exited, passed, wrote};
use xtask::machine::Spec;
use xtask::manifest::Environment;

fn budget_holds(cpu_model: &str, kernel_arguments: &str) {
    let budget = Environment { memory: 8, ..Environment::new("exit_budget") };
    let outcome = boot(&Spec {
        cpu_model: cpu_model.to_owned(),
        kernel_arguments: kernel_arguments.to_owned(),
        environments: vec![budget, Environment { arguments: "5".to_owned(), ..Environment::new("witness") }],
        ..Spec::default()
    });
    passed(&outcome);
    exited(&outcome, "exit_budget", 0);
    wrote(
        &outcome,
        "exit_budget",
        &[
            "budget what=bind-and-unbind-100 count=1000 exits=2000",
            "budget what=cpuid count=1000 exits=1000",
            "budget holds",
        ],
    );
    wrote(&outcome, "witness", &["witness intact rounds=5"]);
}

#[test]
fn with_everything() {
    budget_holds("corei7_skylake_x", "");
}

#[test]
fn with_the_preemption_timer() {
    budget_holds("corei7_skylake_x", "timer=preemption");
}

#[test]
fn without_modification_log() {
    budget_holds("corei7_haswell_4770", "");
}

#[test]
fn without_virtualisation_exceptions() {
    budget_holds("corei7_ivy_bridge_3770k", "");
}

#[test]
fn without_invpcid() {
    budget_holds("corei7_sandy_bridge_2600k", "");
}

#[test]
fn ice_lake() {
    budget_holds("corei7_icelake_u", "");
}

#[test]
fn broadwell() {
    budget_holds("broadwell_ult", "");
}

#[test]
fn tiger_lake() {
    budget_holds("tigerlake", "");
}
