//! Input as an event: whoever has nothing to do sleeps until something comes, and not a byte is lost.

use ravelin_tests::{boot, exited, passed};
use xtask::machine::{Input, Spec};
use xtask::manifest::Environment;

/// More than the kernel keeps, in one burst.
const BYTES: usize = 20_000;

/// Sends a burst and its end to a guest that copies it, with others beside it.
fn copied(cpus: u32, cpu: u32, others: &[Environment]) {
    let sent: Vec<u8> = (0..BYTES).map(|place| b"0123456789abcdef\n"[place % 17]).collect();
    let copy = Environment { input: true, arguments: "exec copy 0".to_owned(), cpu, ..Environment::new("command") };
    let environments = [&[copy], others].concat();
    let input = Input::Text([&sent[..], b"\x1eE"].concat());
    let outcome = boot(&Spec { cpus, environments, input, ..Spec::default() });
    passed(&outcome);
    exited(&outcome, "command", 0);
    let came = outcome.console("command").map(|console| &console.output[..]).unwrap_or_default();
    assert!(came == sent, "{} of {BYTES} bytes came back, or others", came.len());
    // Were it asking again and again it would make far more calls than there are bytes.
    let exits = outcome.report.ending("command").map(|(_, exits)| exits);
    assert!(exits.is_some_and(|exits| exits < BYTES as u64 * 2), "{exits:?} exits");
}

fn witness(cpu: u32) -> Environment {
    Environment { arguments: "20".to_owned(), cpu, ..Environment::new("witness") }
}

#[test]
fn a_burst_arrives_whole_where_nobody_else_runs() {
    copied(1, 0, &[]);
}

#[test]
fn a_burst_arrives_whole_beside_a_guest_that_runs() {
    copied(1, 0, &[witness(0)]);
}

#[test]
fn a_burst_arrives_whole_on_another_cpu_than_the_one_that_is_interrupted() {
    copied(2, 1, &[witness(0), Environment { name: "other".to_owned(), ..witness(1) }]);
}
