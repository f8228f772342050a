//! Guests that break rules, beside a witness that audits itself. `docs/hostile-guests.md` is the table of cases and of
//! how each must end; one test boots one section of it.

use ravelin_tests::{boot, exited, wrote};
use std::collections::BTreeSet;
use std::time::Duration;
use xtask::machine::{Kind, Outcome, Spec};
use xtask::manifest::Environment;
use xtask::report::{Ending, Event};

const TABLE: &str = "docs/hostile-guests.md";
/// Witnesses look at themselves so often, and then until only witnesses run; the first one stays to the end,
const ROUNDS: [&str; 2] = ["5 last", "5 beside"];
/// and so often beside guests that never end.
const ROUNDS_BESIDE_ENDLESS: [&str; 2] = ["2 audit", "2"];

/// How a case must end.
#[derive(Clone, Debug, PartialEq)]
enum Expected {
    Exited(u32),
    Killed(String),
    Destroyed,
    Endless,
}

#[derive(Clone, Debug)]
struct Case {
    section: String,
    name: String,
    expected: Expected,
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(xtask::paths::workspace().join(TABLE)).expect(TABLE);
    let mut section = String::new();
    let mut cases = Vec::new();
    for line in text.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            heading.clone_into(&mut section);
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let [_, name, end, ..] = cells.as_slice()
            && let Some(name) = name.strip_prefix('`').and_then(|name| name.strip_suffix('`'))
        {
            cases.push(Case { section: section.clone(), name: name.to_owned(), expected: expected(end) });
        }
    }
    cases
}

fn expected(text: &str) -> Expected {
    match text.split_once(' ') {
        Some(("exited", status)) => Expected::Exited(status.parse().expect(TABLE)),
        Some(("killed", reason)) => Expected::Killed(reason.trim_matches('"').to_owned()),
        None if text == "endless" => Expected::Endless,
        None if text == "destroyed" => Expected::Destroyed,
        _ => panic!("{TABLE}: unknown end: {text}"),
    }
}

fn environment(case: &Case) -> Environment {
    Environment {
        name: case.name.clone(),
        arguments: case.name.clone(),
        background: case.expected == Expected::Endless,
        ..Environment::new("hostile")
    }
}

/// What is wrong with how a case ended.
fn complaint(outcome: &Outcome, case: &Case) -> Option<String> {
    let ending = outcome.report.ending(&case.name).map(|(ending, _)| ending);
    let good = match (&case.expected, ending) {
        (Expected::Exited(wanted), Some(Ending::Exited { status })) => status == wanted,
        (Expected::Killed(wanted), Some(Ending::Killed { reason, .. })) => reason.starts_with(wanted.as_str()),
        (Expected::Destroyed, Some(Ending::Destroyed)) | (Expected::Endless, None) => true,
        _ => false,
    };
    (!good).then(|| format!("{}: must be {:?}, was {ending:?}", case.name, case.expected))
}

fn section(heading: &str) {
    section_on(heading, &Spec::default().cpu_model);
}

fn section_on(heading: &str, cpu_model: &str) {
    run(&[heading], &Spec { cpu_model: cpu_model.to_owned(), ..Spec::default() });
}

/// Boots all cases of these sections, spread over the CPUs, each of which has a witness.
fn run(headings: &[&str], machine: &Spec) -> Outcome {
    run_with(headings, machine, false)
}

/// The same, with loads of CR3 that exit to be counted, or not.
fn run_with(headings: &[&str], machine: &Spec, count_cr3: bool) -> Outcome {
    let cases: Vec<Case> = cases().into_iter().filter(|case| headings.contains(&case.section.as_str())).collect();
    assert!(!cases.is_empty(), "{TABLE} has no section {headings:?}");
    let cpu = |number: usize| u32::try_from(number).expect("few cases") % machine.cpus;
    let on = |(number, case)| Environment { cpu: cpu(number), count_cr3, ..environment(case) };
    let mut environments: Vec<Environment> = cases.iter().enumerate().map(on).collect();
    let endless = cases.iter().any(|case| case.expected == Expected::Endless);
    let arguments = if endless { ROUNDS_BESIDE_ENDLESS } else { ROUNDS };
    let witness = |cpu| Environment {
        name: witness_name(cpu),
        cpu,
        arguments: arguments[usize::from(cpu != 0)].to_owned(),
        audit: cpu == 0,
        count_cr3,
        // Rounds beside guests that never end take many slices each.
        memory: if endless { 2 } else { 4 },
        ..Environment::new("witness")
    };
    environments.extend((0..machine.cpus).map(witness));
    let kernel_arguments = "slice_us=2000".to_owned();
    let timeout = Duration::from_secs(180);
    let outcome = boot(&Spec { environments, kernel_arguments, timeout, ..machine.clone() });
    let complaints: Vec<String> = cases.iter().filter_map(|case| complaint(&outcome, case)).collect();
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
    (0..machine.cpus).for_each(|cpu| exited(&outcome, &witness_name(cpu), 0));
    wrote(&outcome, &witness_name(0), &["the kernel's invariants hold"]);
    let all_exit_with_zero = cases.iter().all(|case| matches!(case.expected, Expected::Exited(0) | Expected::Endless));
    match &outcome.kind {
        Kind::Passed => assert!(all_exit_with_zero, "the kernel calls this a success"),
        Kind::Failed(_) => assert!(!all_exit_with_zero, "the kernel calls this a failure"),
        other => panic!("{other}"),
    }
    outcome
}

fn witness_name(cpu: u32) -> String {
    format!("witness{cpu}")
}

/// Sections that misuse the interface, on machines with so many CPUs. The end of an environment and the audit look at all memory, so
/// there is little of it.
fn sections_on_cpus(headings: &[&str], counts: &[u32], memory: u32) {
    for &cpus in counts {
        run(headings, &Spec { cpus, memory, ..Spec::default() });
    }
}

macro_rules! sections {
    (alone { $($test:ident $heading:literal;)* } grouped { $($group:ident $counts:tt $memory:literal $headings:expr;)* }) => {
        $(#[test]
        fn $test() {
            section($heading);
        })*

        $(#[test]
        fn $group() {
            sections_on_cpus(&$headings, &$counts, $memory);
        })*

        #[test]
        fn every_section_is_tested() {
            let listed: BTreeSet<String> = cases().into_iter().map(|case| case.section).collect();
            let mut tested: BTreeSet<String> = [$($heading),*].map(str::to_owned).into();
            $(tested.extend($headings.map(str::to_owned));)*
            assert_eq!(listed, tested);
        }
    };
}

sections! {
    alone {
    foreign_memory "Memory that is not its own";
    told_of_foreign_memory "Being told of memory that is not its own";
    cpu_structures "The CPU's own structures";
    exceptions "Exceptions and interrupts";
    jumps_and_returns "Jumps and returns";
    debug_exceptions "Debug exceptions";
    control_registers "Control registers";
    model_specific_registers "Model-specific registers";
    instructions "Instructions";
    ring3 "Ring 3 and changing code";
    calls "Calls";
    calls_from_32_bit_code "Calls from 32-bit code";
    endless "Guests that never end";
    }
    grouped {
    interface_frames [1, 4] 256 ["Frames of others", "Frames of its own", "Lists and results", "What the kernel shows"];
    interface_authority [1, 2, 4] 256 [
        "Capabilities that it does not hold",
        "Environments",
        "Time",
        "Waiting, and the last resort",
        "Claims and requests",
    ];
    interface_gates [1, 2, 4] 256 ["Gates"];
    interface_exhaustion [1, 2] 128 ["Taking until nothing is left"];
    interface_storms [1, 4] 96 ["Storms at the interface"];
    }
}

/// Where the CPU has no #VE the kernel does its work, and the environment cannot tell.
#[test]
fn told_of_foreign_memory_by_the_kernel() {
    section_on("Being told of memory that is not its own", "corei7_ivy_bridge_3770k");
}

/// Where the kernel does the loads of CR3 that it counts, the environment cannot tell.
#[test]
fn cpu_structures_with_cr3_counted() {
    let outcome = run_with(&["The CPU's own structures", "Calls from 32-bit code"], &Spec::default(), true);
    let counted = outcome.report.events.iter().any(
        |(_, event)| matches!(event, Event::Exits { name, reason, .. } if name == "cr3-values" && reason == "control-register access"),
    );
    assert!(counted, "no load of CR3 was counted");
}
