//! The library's way with everything that an environment can own, on a machine with two CPUs.

use ravelin_tests::{boot, exited, passed, wrote};
use std::time::Duration;
use xtask::machine::Spec;
use xtask::manifest::Environment;

/// Every step of the guest, in its order.
const STEPS: [&str; 22] = [
    "frames come and go",
    "a large page",
    "frames with bindings",
    "capabilities",
    "the time of day",
    "waiting",
    "a predicate",
    "another virtual CPU",
    "a child",
    "a grandchild",
    "a child that faults",
    "a stopped child",
    "shared memory",
    "a claim that is answered",
    "a claim that is not",
    "a claim answered in the upcall",
    "a slice that is asked for",
    "a child with eight virtual CPUs",
    "more losses than are kept",
    "grace",
    "a last resort taken back",
    "the last resort",
];

#[test]
fn frames_time_children_and_claims() {
    let environments = vec![Environment::new("resources")];
    // On a machine that has other things to do.
    let timeout = Duration::from_secs(180);
    let outcome = boot(&Spec { cpus: 2, environments, timeout, ..Spec::default() });
    passed(&outcome);
    exited(&outcome, "resources", 0);
    let lines = STEPS.map(|step| format!("{step}: done"));
    wrote(&outcome, "resources", &lines.each_ref().map(String::as_str));
}
