//! The harness of the boot tests: boots a machine and says what a run must show. Every failure shows the kernel's
//! log, because the test runner prints a failing test's output.

use xtask::machine::{self, Kind, Outcome, Silent, Spec};
use xtask::manifest::Environment;
use xtask::report::Ending;

/// Boots `spec` and prints what came out, for whoever reads a failing test.
///
/// # Panics
/// Where there was no run at all, or the kernel broke the contract of `docs/command-line.md`.
#[must_use]
pub fn boot(spec: &Spec) -> Outcome {
    let outcome = match machine::run(spec, &mut Silent) {
        Ok(outcome) => outcome,
        Err(error) => panic!("no run: {error:#}"),
    };
    println!("{}{}", outcome.log, outcome.kind);
    for console in &outcome.consoles {
        println!("--- {}\n{}{}", console.name, console.text(), String::from_utf8_lossy(&console.errors));
    }
    assert!(outcome.report.broken.is_empty(), "{:?}", outcome.report.broken);
    outcome
}

/// Boots `environments` on one CPU of the default machine.
#[must_use]
pub fn boot_environments(environments: &[Environment]) -> Outcome {
    boot(&Spec { environments: environments.to_vec(), ..Spec::default() })
}

/// Asserts that the run passed.
///
/// # Panics
/// If it did not.
pub fn passed(outcome: &Outcome) {
    assert_eq!(outcome.kind, Kind::Passed);
}

/// Asserts that the environment wrote these lines in this order, with or without others in between.
///
/// # Panics
/// At the first line that is missing.
pub fn wrote(outcome: &Outcome, name: &str, lines: &[&str]) {
    let text = outcome.console(name).map(machine::Console::text).unwrap_or_default();
    let mut written = text.lines();
    for line in lines {
        assert!(written.any(|each| each == *line), "{name} did not write: {line}");
    }
}

/// Asserts that the environment ended by its own call with this status, and that the console says the same.
///
/// # Panics
/// If it did not.
pub fn exited(outcome: &Outcome, name: &str, status: u32) {
    let ending = outcome.report.ending(name).map(|(ending, _)| ending.clone());
    assert_eq!(ending, Some(Ending::Exited { status }), "{name}");
}

/// Asserts that the kernel ended the environment, for a reason that contains `because`.
///
/// # Panics
/// If it did not.
pub fn killed(outcome: &Outcome, name: &str, because: &str) {
    match outcome.report.ending(name) {
        Some((Ending::Killed { reason, .. }, _)) => {
            assert!(reason.contains(because), "{name} was killed: {reason}, not {because}");
        }
        other => panic!("{name} was not killed: {other:?}"),
    }
}
