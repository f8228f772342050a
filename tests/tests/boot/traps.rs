//! Exceptions and virtual memory of a library OS: without exits, with nothing lost, and with an end where a stack has one.

use ravelin_tests::{boot, exited, passed, wrote};
use xtask::machine::{Kind, Outcome, Spec};
use xtask::manifest::Environment;

/// What is done a thousand times each.
const ITEMS: [&str; 32] = [
    "registers-and-red-zone",
    "registers-and-red-zone-full",
    "any-register-changed",
    "nested",
    "nested-full",
    "page-fault-told",
    "general-protection-told",
    "divide-error-full",
    "handler-of-the-other-kind",
    "foreign-access-told",
    "switch-in-handler",
    "resume",
    "leave-nested-handlers",
    "attempts-in-handlers",
    "ring-3-fast",
    "ring-3-full",
    "ring-3-page-fault",
    "ring-3-fault-in-handler",
    "trap",
    "dirty",
    "prot1",
    "prot100-unprot100",
    "appel1",
    "appel2",
    "trap-large",
    "dirty-large",
    "appel1-large",
    "appel2-large",
    "snapshots",
    "snapshots-large",
    "snapshot-given-back",
    "region-given-back",
];

/// Runs all items; the exits of a thousand accesses to foreign memory depend on the CPU.
fn work_on(cpu_model: &str, arguments: &str, told: u64) {
    let outcome = boot(&Spec {
        cpu_model: cpu_model.to_owned(),
        environments: vec![Environment { memory: 32, arguments: arguments.to_owned(), ..Environment::new("traps") }],
        timeout: std::time::Duration::from_secs(180),
        ..Spec::default()
    });
    let exits = |what| if what == "foreign-access-told" { told } else { 0 };
    let lines = ITEMS.map(|what| format!("traps what={what} count=1000 exits={}", exits(what)));
    wrote(&outcome, "traps", &lines.each_ref().map(String::as_str));
    // What must cost exits does, so the zeros mean something.
    for control in ["traps what=debug-handlers count=1000 exits=1000", "traps what=cpuid count=1000 exits=1000"] {
        wrote(&outcome, "traps", &[control, "traps work"]);
    }
    passed(&outcome);
}

#[test]
fn cost_no_exit_and_lose_nothing() {
    work_on(&Spec::default().cpu_model, "", 0);
}

#[test]
fn work_where_the_kernel_tells_of_foreign_memory() {
    work_on("corei7_ivy_bridge_3770k", "told-by-the-kernel", 1000);
}

/// An exception that nothing handles ends the environment with this status.
const STATUS_EXCEPTION: u32 = 1002;

/// A guest that ends so must say why.
fn ends(how: &str) -> Outcome {
    let environments = vec![Environment { arguments: how.to_owned(), ..Environment::new("traps") }];
    let outcome = boot(&Spec { environments, ..Spec::default() });
    exited(&outcome, "traps", STATUS_EXCEPTION);
    assert!(matches!(outcome.kind, Kind::Failed(_)), "{}", outcome.kind);
    outcome
}

fn said(outcome: &Outcome, what: &str) {
    let errors = outcome.console("traps").map(|console| String::from_utf8_lossy(&console.errors).into_owned());
    assert!(errors.unwrap_or_default().contains(what), "traps did not say: {what}");
}

#[test]
fn handlers_that_nest_for_ever_end_with_a_message() {
    said(&ends("nested"), "the stacks of exceptions are exhausted: 8 are nested");
}

#[test]
fn a_handler_beyond_its_stack_ends_with_a_message() {
    for how in ["overflow", "fast-overflow"] {
        said(&ends(how), "the stack of an exception's handler is exhausted");
    }
}

/// The example of `manifests/pager.toml`: 4 MiB of data in an environment of 2 MiB, the rest in a neighbour's frames.
#[test]
fn data_beyond_memory_is_paged_to_a_neighbour() {
    let part = |name: &str, cpu| Environment {
        name: name.to_owned(),
        cpu,
        memory: 2,
        arguments: name.to_owned(),
        ..Environment::new("pager")
    };
    for cpus in [1, 2] {
        let outcome = boot(&Spec {
            cpus,
            environments: vec![part("keeper", 0), part("pager", cpus - 1)],
            kernel_arguments: "slice_us=2000".to_owned(),
            timeout: std::time::Duration::from_secs(180),
            ..Spec::default()
        });
        let line = "paged 1024 pages through 96 frames: 0 wrong, 0 exits, thousands of evictions";
        wrote(&outcome, "pager", &[line]);
        wrote(&outcome, "keeper", &["kept 1024 pages, nearly all of them filled"]);
        passed(&outcome);
    }
}

#[test]
fn virtual_cpus_take_exceptions_at_the_same_time() {
    for cpus in [1, 2] {
        let outcome = boot(&Spec {
            cpus,
            environments: vec![Environment { arguments: "together".to_owned(), ..Environment::new("traps") }],
            kernel_arguments: "slice_us=2000".to_owned(),
            ..Spec::default()
        });
        wrote(&outcome, "traps", &["two virtual CPUs took exceptions on stacks of their own"]);
        passed(&outcome);
    }
}
