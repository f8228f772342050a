//! The Unix library OS: what Linux answers, a shell at a terminal, and that none of it asks the kernel.

use crate::terminal::Session;
use ravelin_tests::boot;
use std::collections::BTreeSet;
use std::time::Duration;
use xtask::machine::{DEFAULT_CPU_MODEL, Outcome};
use xtask::report::Event;
use xtask::run;

/// What the shell shows when it waits for a line: the prompt, and a question for the place of the cursor.
const PROMPT: &str = "~# \x1b[6n";
/// What differs from Linux and is known to, a name and a reason a line.
const KNOWN: &str = include_str!("../../linux/differs.txt");

#[test]
fn programs_answer_as_on_linux() {
    let (count, differences) = xtask::corpus::differing().unwrap();
    let names: BTreeSet<&str> = differences.iter().filter_map(|text| text.split(':').next()).collect();
    let known = KNOWN.lines().filter(|line| !line.starts_with('#')).filter_map(|line| line.split_whitespace().next());
    let known: BTreeSet<&str> = known.collect();
    println!("{}", differences.join("\n"));
    println!("{} of {count} answer as on Linux", count - names.len());
    let new: Vec<&&str> = names.difference(&known).collect();
    assert!(new.is_empty(), "these do not answer as on Linux: {new:?}");
    let mended: Vec<&&str> = known.difference(&names).collect();
    assert!(mended.is_empty(), "these are as on Linux by now; take them out of tests/linux/differs.txt: {mended:?}");
}

fn command(text: &str) -> Outcome {
    let spec = run::command_spec(text, Vec::new(), DEFAULT_CPU_MODEL, Duration::from_secs(300));
    let spec = spec.unwrap_or_else(|error| panic!("{error:#}"));
    boot(&spec)
}

/// Exits of the library OS for reasons that are its own doing; the end of a slice is not.
fn exits(outcome: &Outcome) -> u64 {
    let own = outcome.report.events.iter().filter_map(|(_, event)| match event {
        Event::Exits { reason, count, .. } if !reason.contains("interrupt") && !reason.contains("timer") => Some(count),
        _ => None,
    });
    own.sum()
}

/// Makes processes and pipes with a shell's own means, so often; what it printed, and the exits that this cost.
fn rounds(count: u32) -> (String, u64) {
    let round = "x=$(echo $i | { read y; (exit 3); echo $((y * 2 + $?)); }); s=$((s + x)); i=$((i + 1))";
    let outcome = command(&format!("i=0; s=0; while [ $i -lt {count} ]; do {round}; done; echo $s"));
    let text = outcome.console(run::UNIX).map(|console| console.text()).unwrap_or_default();
    (text, exits(&outcome))
}

#[test]
fn processes_pipes_and_faults_cause_no_exits() {
    let ((few, before), (many, after)) = (rounds(10), rounds(110));
    // 2i + 3, summed.
    assert_eq!((few.as_str(), many.as_str()), ("120\n", "12320\n"));
    println!("{before} exits, then {after}");
    // 400 more processes. Memory is taken from the kernel in bulk, if at all.
    assert!(after <= before + 8, "{before} exits for 40 processes, {after} for 440");
}

#[test]
fn a_shell_at_a_terminal_edits_lines_and_controls_jobs() {
    let directory = tempfile::tempdir().unwrap();
    let manifest = directory.path().join("manifest.toml");
    let text =
        "[[environment]]\nname = \"libos-unix\"\nimage = \"libos-unix\"\nmemory = 64\ninput = true\nroot = true\n";
    std::fs::write(&manifest, text).unwrap();
    let mut session = Session::begin(&manifest).unwrap();
    session.sees(PROMPT);
    let mut at_prompt = |keys: &[u8], shows: &str| {
        session.forget();
        session.types(keys);
        session.sees(shows);
        session.sees(PROMPT);
    };
    at_prompt(b"tty; stty size\r", "/dev/console\r\n33 99\r\n");
    // Two to the left, a character less, to the end, a word less.
    at_prompt(b"echo 1x2\x1b[D\x7f\x05 junk\x17$((6 * 7))\r", "\r\n12 42\r\n");
    session.forget();
    // It says when it has the terminal: what is typed before is the shell's, or nobody's.
    session.types(b"sh -c 'trap \"echo again\" CONT; echo started; while :; do sleep 0.1; done'\r");
    session.sees("started\r\n");
    let mut at_prompt = |keys: &[u8], shows: &str| {
        session.forget();
        session.types(keys);
        session.sees(shows);
        session.sees(PROMPT);
    };
    at_prompt(b"\x1a", "[1]+  Stopped                    sh -c");
    at_prompt(b"bg; jobs\r", "Running");
    session.sees("again\r\n");
    session.forget();
    session.types(b"fg\r");
    session.sees("again\r\n");
    session.forget();
    session.types(b"\x03");
    session.sees(PROMPT);
    session.forget();
    session.types(b"echo ready; cat > /tmp/file\r");
    session.sees("ready\r\n");
    session.types(b"one\rtwp\x7fo\r\x04");
    session.sees(PROMPT);
    session.forget();
    session.types(b"wc -l < /tmp/file; tr a-z A-Z < /tmp/file\r");
    session.sees("2\r\nONE\r\nTWO\r\n");
    session.sees(PROMPT);
    session.types(b"exit 5\r");
    session.sees("libos-unix exited with 5");
}
