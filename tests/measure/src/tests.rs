//! The sampling loop and its lines.

use crate::line::Report;
use crate::{Bench, Counts, Plan, Samples, Transitions, Uncounted, returning};
use std::cell::Cell;

#[test]
fn lines_are_for_one_operation_and_histograms_for_runs() {
    let plan = Plan::of(100).with_rings(150);
    let ticks = (0..200).map(|run| 4_010 + run / 199).collect();
    let samples = Samples::new(ticks, 10, Some(Counts { exits: 200, cr3: Some(1) }));
    let text = Report { id: "bind100", plan: &plan, samples: &samples }.to_string();
    let expected = "bench id=bind100 unit=ticks median=40 p99=40 min=40 iterations=20000 runs=200 exits=0.010 cr3=0.000 vmfunc=0 \
        ring=1.500 exception=0\nhistogram id=bind100 each=100 4000:199,4001:1";
    assert_eq!(text, expected);
}

#[test]
fn distributions_are_bounded_and_complete() {
    let spread: Vec<u64> = (0..10_000).map(|run| run * run).collect();
    let samples = Samples::new(spread, 0, None);
    let bars = samples.distribution();
    assert!(bars.len() <= crate::samples::BARS && bars.len() > 10, "{}", bars.len());
    assert_eq!(bars.iter().map(|(_, count)| count).sum::<u64>(), 10_000);
    assert!(bars.is_sorted_by(|one, other| one.0 < other.0));
    assert_eq!(Samples::default().percentile(50), 0);
}

#[test]
fn an_operation_without_effect_has_no_figures() {
    let mut lines = Vec::new();
    let mut bench = Bench::new(Uncounted, |line| lines.push(line.to_string()));
    let plan = Plan { warm_up: 0, ..Plan::default() };
    let failure = bench.row("empty", &plan, &mut returning(|_| (), |_| 0)).unwrap_err();
    assert_eq!((failure.wrong, failure.runs), (10_000, 10_000));
    bench.row("real", &plan.at_most(300), &mut returning(|_| (), |nonce| nonce)).unwrap();
    assert!(lines.len() == 1 && lines[0].contains("id=real") && lines[0].contains("iterations=300 "), "{lines:?}");
    assert!(!lines[0].contains("exits="), "nothing was counted");
}

/// Counts what is done to it.
struct Counter<'a>(&'a Cell<u64>);

impl Transitions for Counter<'_> {
    fn so_far(&self) -> Option<Counts> {
        Some(Counts { exits: self.0.get(), cr3: None })
    }
}

#[test]
fn only_what_the_run_causes_is_counted() {
    let exits = Cell::new(0);
    let mut lines = Vec::new();
    let mut bench = Bench::new(Counter(&exits), |line| lines.push(line.to_string()));
    let prepare = |_| exits.set(exits.get() + 7);
    let run = |nonce| {
        exits.set(exits.get() + 2);
        nonce
    };
    bench.row("two", &Plan::default(), &mut returning(prepare, run)).unwrap();
    bench.control("one", 1_000, |counts| counts.exits, || exits.set(exits.get() + 1));
    assert!(lines[0].contains(" exits=2\n"), "{lines:?}");
    assert_eq!(lines[1], "control id=one done=1000 counted=1000");
}
