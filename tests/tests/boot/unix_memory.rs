//! The Unix library OS when memory is wanted: it gives the kernel what nobody uses first, and ends a process only when nothing else is
//! left to give.

use ravelin_tests::{boot, exited, passed, wrote};
use std::time::Duration;
use xtask::corpus::hostile_additions;
use xtask::machine::{DEFAULT_CPU_MODEL, Spec};
use xtask::manifest::Environment;
use xtask::run;

/// A program takes all memory that there is and is ended for it; somebody claims some of what is free now. Then one takes nearly all and
/// stays, and somebody claims more than is left.
const SCRIPT: &str = "/hostile/exhaust eat; echo $?; sleep 7; cat /etc/hostname; \
                      /hostile/exhaust eat; echo $?; /hostile/exhaust stay; echo $?; cat /etc/hostname";

#[test]
fn free_frames_are_given_first_and_then_a_process_goes() {
    let spec =
        run::command_spec(SCRIPT, hostile_additions().unwrap(), DEFAULT_CPU_MODEL, Duration::from_secs(300)).unwrap();
    let mut environments = spec.environments;
    for unix in &mut environments {
        (unix.memory, unix.guarantee) = (32, Some(16));
    }
    environments.push(Environment {
        memory: 16,
        arguments: format!("asks {}", run::UNIX),
        ..Environment::new("revocation")
    });
    environments.push(Environment { arguments: "3 last".to_owned(), audit: true, ..Environment::new("witness") });
    let outcome = boot(&Spec { memory: 128, environments, ..spec });
    exited(&outcome, "revocation", 0);
    wrote(&outcome, "revocation", &["first claim answered", "second claim answered"]);
    exited(&outcome, run::UNIX, 0);
    let lines = ["137", "ravelin", "137", "137", "ravelin"];
    wrote(&outcome, run::UNIX, &lines);
    wrote(&outcome, "witness", &["the kernel's invariants hold", "witness intact rounds=3"]);
    passed(&outcome);
}
