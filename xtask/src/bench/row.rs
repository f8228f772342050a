//! Rows of the report: what was measured beside what it must be, and beside Linux.

use super::data::{Cost, Transition};
use super::measured::{Histogram, Measured, Transitions};
use super::targets::{TARGETS, Target};
use anyhow::{Result, bail};
use serde::Serialize;

/// Transitions that nothing counts: the bench source declares them.
const DECLARED: [&str; 3] = ["vmfunc", "ring", "exception"];

/// One row.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Name of the operation.
    pub id: String,
    /// `ok` or `not-built`.
    pub status: &'static str,
    /// Unit of the figures: `ticks` in the emulator, `cycles` on a CPU.
    pub unit: &'static str,
    /// Half the runs took at most so much.
    pub median: Option<f64>,
    /// 99 of 100 runs took at most so much.
    pub p99: Option<f64>,
    /// The best run.
    pub min: Option<f64>,
    /// How many operations were measured.
    pub iterations: Option<u64>,
    /// In how many runs: that is how often the clock was looked at.
    pub runs: Option<u64>,
    /// Transitions of one operation.
    pub transitions: Option<Transitions>,
    /// Which of them nothing counted.
    pub declared: &'static [&'static str],
    /// Low and high estimate for real hardware.
    pub modelled_cycles: Option<[f64; 2]>,
    /// The same operation on Linux in the same emulator.
    pub linux: Option<Linux>,
    /// How many times as many ticks Linux takes.
    pub ratio: Option<f64>,
    /// What it may cost.
    pub target: Limits,
    /// What ran it.
    pub emulator: &'static str,
    /// The emulator's CPU model.
    pub cpu_model: String,
    /// The distribution.
    pub histogram: Option<Histogram>,
}

/// What Linux costs.
#[derive(Clone, Debug, Serialize)]
pub struct Linux {
    /// What was measured there.
    pub what: &'static str,
    /// As Debian ships it.
    #[serde(flatten)]
    pub default: Figures,
    /// With `mitigations=off`.
    pub mitigations_off: Option<Figures>,
}

/// Figures of one row on Linux.
#[derive(Clone, Debug, Serialize)]
pub struct Figures {
    /// Half the runs took at most so much.
    pub median: f64,
    /// 99 of 100 runs took at most so much.
    pub p99: f64,
    /// The best run.
    pub min: f64,
    /// How many operations were measured.
    pub iterations: u64,
    /// Low and high estimate for real hardware.
    pub modelled_cycles: [f64; 2],
    /// How many times as many ticks it takes as here.
    pub ratio: Option<f64>,
    /// The distribution.
    pub histogram: Histogram,
}

/// What an operation may cost; `None` is no limit.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Limits {
    /// Most ticks.
    pub ticks: Option<f64>,
    /// Most exits.
    pub exits: Option<f64>,
}

/// What rows are made of.
#[derive(Debug)]
pub struct Material<'a> {
    /// What was measured here.
    pub here: &'a [Measured],
    /// What was measured on Linux, as it is shipped and with `mitigations=off`.
    pub linux: [&'a [Measured]; 2],
    /// The cost table.
    pub costs: &'a [Cost],
    /// What ran it: `bochs` or `kvm`.
    pub emulator: &'static str,
    /// The CPU model.
    pub cpu_model: &'a str,
}

impl Material<'_> {
    /// A row for every target, in order, filled where something was measured.
    pub fn rows(&self) -> Result<Vec<Row>> {
        let unknown = self.here.iter().find(|each| !TARGETS.iter().any(|target| target.id == each.id));
        if let Some(unknown) = unknown {
            bail!("there is no target for bench {}", unknown.id);
        }
        Ok(TARGETS.iter().map(|target| self.row(target)).collect())
    }

    fn row(&self, target: &Target) -> Row {
        let here = find(self.here, target.id);
        let emulated = self.emulator == "bochs";
        let linux = self.linux(target, here).filter(|_| emulated);
        Row {
            id: target.id.to_owned(),
            status: if here.is_some() { "ok" } else { "not-built" },
            unit: if emulated { "ticks" } else { "cycles" },
            median: here.map(|each| each.median),
            p99: here.map(|each| each.p99),
            min: here.map(|each| each.min),
            iterations: here.map(|each| each.iterations),
            runs: here.map(|each| each.runs),
            transitions: here.map(|each| each.transitions),
            declared: &DECLARED,
            modelled_cycles: here.filter(|_| emulated).map(|each| self.modelled(each)),
            ratio: linux.as_ref().and_then(|linux| linux.default.ratio),
            linux,
            target: Limits { ticks: target.ticks.filter(|_| emulated), exits: target.exits },
            emulator: self.emulator,
            cpu_model: self.cpu_model.to_owned(),
            histogram: here.map(|each| each.histogram.clone()),
        }
    }

    fn linux(&self, target: &Target, here: Option<&Measured>) -> Option<Linux> {
        let counterpart = target.linux?;
        let [default, off] = self.linux.map(|rows| find(rows, counterpart.id));
        let figures = |each: &Measured| Figures {
            median: each.median,
            p99: each.p99,
            min: each.min,
            iterations: each.iterations,
            modelled_cycles: self.modelled(each),
            ratio: here.filter(|here| here.median > 0.0).map(|here| each.median / here.median),
            histogram: each.histogram.clone(),
        };
        Some(Linux { what: counterpart.what, default: figures(default?), mitigations_off: off.map(figures) })
    }

    fn modelled(&self, measured: &Measured) -> [f64; 2] {
        let mut sum = [measured.median; 2];
        for cost in self.costs {
            let transitions = &measured.transitions;
            let count = match cost.transition {
                Transition::Exit => transitions.exits,
                Transition::Vmfunc => transitions.vmfunc,
                Transition::Cr3 => transitions.cr3,
                Transition::Ring => transitions.ring,
                Transition::Exception => transitions.exception,
            };
            sum[0] += count.unwrap_or(0.0) * cost.low;
            sum[1] += count.unwrap_or(0.0) * cost.high;
        }
        sum
    }
}

fn find<'a>(rows: &'a [Measured], id: &str) -> Option<&'a Measured> {
    rows.iter().find(|row| row.id == id)
}

impl Row {
    /// What the operation is.
    #[must_use]
    pub fn what(&self) -> &'static str {
        TARGETS.iter().find(|target| target.id == self.id).map_or("", |target| target.what)
    }

    /// Exits of one operation, where they were counted.
    #[must_use]
    pub fn exits(&self) -> Option<f64> {
        self.transitions.and_then(|transitions| transitions.exits)
    }

    /// Whether the target is met; `None` where nothing was measured. Where exits have a limit, exits that nobody counted miss it.
    #[must_use]
    pub fn met(&self) -> Option<bool> {
        let ticks = |median: f64| self.target.ticks.is_none_or(|limit| median <= limit);
        let exits = self.target.exits.is_none_or(|limit| self.exits().is_some_and(|exits| exits <= limit));
        self.median.map(|median| ticks(median) && exits)
    }
}

#[cfg(test)]
mod tests {
    use super::{Material, Row};
    use crate::bench::{data, measured};

    const LINES: &str = "bench id=null-call unit=ticks median=45 p99=46 min=45 iterations=200 runs=200 exits=1.003 ring=0\n\
        histogram id=null-call each=1 45:200\n";

    fn rows(here: &str, linux: &str) -> anyhow::Result<Vec<Row>> {
        let (here, linux) = (measured::read(here)?.rows, measured::read(linux)?.rows);
        let costs = data::costs()?;
        Material { here: &here, linux: [&linux, &[]], costs: &costs, emulator: "bochs", cpu_model: "x" }.rows()
    }

    #[test]
    fn a_row_stands_beside_its_target_and_beside_linux() {
        let rows = rows(LINES, &LINES.replace("median=45", "median=90").replace(" exits=1.003", "")).unwrap();
        let row = rows.iter().find(|row| row.id == "null-call").unwrap();
        assert_eq!((row.status, row.median, row.iterations), ("ok", Some(45.0), Some(200)));
        assert_eq!(row.met(), Some(false), "1.003 exits are more than one");
        let [low, high] = row.modelled_cycles.unwrap();
        assert!(low > 545.0 && high > 1_595.0 && high < 1_605.0, "{low} {high}");
        assert_eq!(row.ratio, Some(2.0));
        let unix = rows.iter().find(|row| row.id == "unix-null").unwrap();
        assert_eq!((unix.status, unix.met(), unix.ratio), ("not-built", None, None));
        assert_eq!(unix.linux.as_ref().unwrap().default.median, 90.0, "Linux does not wait for us");
    }

    #[test]
    fn exits_that_nobody_counted_miss_their_target() {
        let rows = rows(&LINES.replace(" exits=1.003", ""), "").unwrap();
        let row = rows.iter().find(|row| row.id == "null-call").unwrap();
        assert_eq!((row.met(), row.exits(), row.linux.is_none()), (Some(false), None, true));
        assert!(self::rows(&LINES.replace("null-call", "stranger"), "").is_err(), "a row without a target");
    }
}
