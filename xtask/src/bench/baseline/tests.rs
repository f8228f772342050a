//! What counts as worse.

use super::{Baseline, Verdict};
use crate::bench::context::Origin;
use crate::bench::row::{Material, Row};
use crate::bench::{data, measured};

fn rows(call: &str, bind: &str) -> Vec<Row> {
    let text = format!(
        "bench id=null-call unit=ticks median={call} ring=0 p99=99 min=1 iterations=200 runs=200\n\
         histogram id=null-call each=1 45:200\n\
         bench id=bind100 unit=ticks median={bind} p99=99 min=1 iterations=20000 runs=200\n\
         histogram id=bind100 each=100 4500:200\n"
    );
    let here = measured::read(&text).unwrap().rows;
    let costs = data::costs().unwrap();
    Material { here: &here, linux: [&[], &[]], costs: &costs, emulator: "bochs", cpu_model: "m" }.rows().unwrap()
}

fn origin() -> Origin {
    let text = |text: &str| text.to_owned();
    Origin { compiler: text("c"), emulator: text("e"), cpu_model: text("m"), linux_kernel: None }
}

fn compared(call: &str, bind: &str, now: &Origin) -> Verdict {
    let baseline = Baseline::new(&origin(), &rows("50 exits=1", "60 exits=0.010"));
    let now_rows = rows(call, bind);
    baseline.compare(now, &now_rows.iter().collect::<Vec<_>>())
}

#[test]
fn a_little_more_is_no_news() {
    assert_eq!(compared("52.5 exits=1", "60 exits=0.014", &origin()), Verdict::default());
}

#[test]
fn more_ticks_and_one_more_exit_are() {
    assert_eq!(compared("53 exits=1", "60 exits=0.010", &origin()).worse, ["null-call: 53 ticks, were 50"]);
    assert_eq!(compared("50 exits=1", "60 exits=0.020", &origin()).worse, ["bind100: 0.02 exits, were 0.01"]);
    let twice = compared("50 exits=2", "60 exits=0.010", &origin()).worse;
    assert_eq!(twice, ["null-call: 2 exits, were 1", "null-call: misses its target, which was met"]);
    assert_eq!(compared("50", "60 exits=0.010", &origin()).worse.len(), 2, "exits that nobody counts any more");
}

#[test]
fn another_compiler_compares_with_targets_only() {
    let other = Origin { compiler: "d".to_owned(), ..origin() };
    let verdict = compared("59 exits=1", "90 exits=0.010", &other);
    assert_eq!((verdict.worse.len(), verdict.unlike.as_deref()), (0, Some("compiler: c then, d now")));
    let verdict = compared("61 exits=1", "90 exits=0.010", &other);
    assert_eq!(verdict.worse, ["null-call: misses its target, which was met"]);
    let model = Origin { cpu_model: "n".to_owned(), ..origin() };
    assert_eq!(compared("61 exits=1", "60 exits=0.010", &model).worse.len(), 0);
}

#[test]
fn a_row_that_is_gone_is_noticed_and_a_new_one_is_not() {
    let full = rows("50 exits=1", "60 exits=0.010");
    let mut baseline = Baseline::new(&origin(), &full);
    baseline.rows.retain(|row| row.id == "null-call");
    let shown: Vec<&Row> = full.iter().collect();
    assert_eq!(baseline.compare(&origin(), &shown), Verdict::default());
    let costs = data::costs().unwrap();
    let none =
        Material { here: &[], linux: [&[], &[]], costs: &costs, emulator: "bochs", cpu_model: "m" }.rows().unwrap();
    let shown: Vec<&Row> = none.iter().collect();
    assert_eq!(baseline.compare(&origin(), &shown).worse, ["null-call: was measured, and is not"]);
}

#[test]
fn a_target_that_was_met_once_is_remembered() {
    let older = Baseline::new(&origin(), &rows("50 exits=1", "60 exits=0.010"));
    let missed = rows("70 exits=1", "60 exits=0.010");
    let shown: Vec<&Row> = missed.iter().collect();
    let baseline = Baseline::new(&origin(), &missed).after(&older);
    assert_eq!(baseline.compare(&origin(), &shown).worse, ["null-call: misses its target, which was met"]);
    let elsewhere = Baseline { origin: Origin { cpu_model: "n".to_owned(), ..origin() }, ..older };
    assert_eq!(Baseline::new(&origin(), &missed).after(&elsewhere).compare(&origin(), &shown), Verdict::default());
}

#[test]
fn it_survives_being_written() {
    let baseline = Baseline::new(&origin(), &rows("50 exits=1", "60 exits=0.010"));
    let text = serde_json::to_string(&baseline).unwrap();
    assert_eq!(serde_json::from_str::<Baseline>(&text).unwrap(), baseline);
}
