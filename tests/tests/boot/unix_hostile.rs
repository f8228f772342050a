//! Programs that abuse the Unix library OS, one after the other in one boot: each audits the library OS, and a witness audits itself
//! beside it.

use ravelin_tests::{boot, exited, passed, wrote};
use std::time::Duration;
use xtask::corpus::{hostile_additions, hostile_names};
use xtask::machine::{DEFAULT_CPU_MODEL, Spec};
use xtask::manifest::Environment;
use xtask::run;

/// Slices of the library OS for one of the witness.
const SLICES: u32 = 8;

#[test]
fn no_program_harms_the_library_os_the_others_or_the_neighbour() {
    let names = hostile_names().unwrap();
    assert!(names.len() >= 6, "{names:?}");
    let command = format!("for name in {}; do /hostile/$name || echo $name: $?; done", names.join(" "));
    let additions = hostile_additions().unwrap();
    let spec = run::command_spec(&command, additions, DEFAULT_CPU_MODEL, Duration::from_secs(600)).unwrap();
    let mut environments = spec.environments;
    for unix in &mut environments {
        (unix.slices, unix.memory) = (SLICES, 64);
    }
    environments.push(Environment { arguments: "5 last".to_owned(), audit: true, ..Environment::new("witness") });
    let outcome = boot(&Spec { memory: 192, environments, ..spec });
    exited(&outcome, run::UNIX, 0);
    exited(&outcome, "witness", 0);
    wrote(&outcome, "witness", &["the kernel's invariants hold"]);
    let console = outcome.console(run::UNIX).map(|console| console.text()).unwrap_or_default();
    for name in names {
        let last = console.lines().find(|line| line.starts_with(&format!("{name}: ")) && line.ends_with("all well"));
        assert!(last.is_some(), "{name} found something broken");
    }
    passed(&outcome);
}
