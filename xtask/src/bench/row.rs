//! Rows of the bench report: what was measured beside what it must be.

use super::targets::{TARGETS, Target};
use crate::words;
use anyhow::{Context, Result, bail};
use serde::Serialize;

/// Cycles of one transition on real hardware, low and high: (exit and entry, VMFUNC, CR3 load, ring switch).
const CYCLES: [(f64, f64); 4] = [(500.0, 1_550.0), (134.0, 169.0), (100.0, 190.0), (70.0, 180.0)];

/// One row.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Name of the operation.
    pub id: String,
    /// `ok` or `not-built`.
    pub status: &'static str,
    /// Unit of the figures.
    pub unit: &'static str,
    /// Half the runs took at most so much.
    pub median: Option<f64>,
    /// 99 of 100 runs took at most so much.
    pub p99: Option<f64>,
    /// The best run.
    pub min: Option<f64>,
    /// How many runs.
    pub iterations: Option<u64>,
    /// Transitions of one operation.
    pub transitions: Option<Transitions>,
    /// Low and high estimate for real hardware.
    pub modelled_cycles: Option<[f64; 2]>,
    /// The same operation on Linux in the same emulator.
    pub linux: Option<Linux>,
    /// What it may cost.
    pub target: Limits,
    /// What ran it.
    pub emulator: &'static str,
    /// The emulator's CPU model.
    pub cpu_model: String,
}

/// Transitions of one operation; `None` is unknown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Transitions {
    /// VM exits.
    pub exits: Option<f64>,
    /// VMFUNC.
    pub vmfunc: Option<f64>,
    /// CR3 loads.
    pub cr3: Option<f64>,
    /// Ring switches there and back.
    pub ring: Option<f64>,
}

/// What Linux costs.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Linux {
    /// Half the runs took at most so much.
    pub median: u64,
}

/// What an operation may cost; `None` is no limit.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Limits {
    /// Most ticks.
    pub ticks: Option<f64>,
    /// Most exits.
    pub exits: Option<f64>,
}

/// What one line of the bench guest says.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    id: String,
    median: f64,
    p99: f64,
    min: f64,
    iterations: u64,
    transitions: Transitions,
}

/// Reads a line `bench id=… unit=ticks median=… p99=… min=… iterations=… exits=…`; other lines are nothing.
pub fn parse(line: &str) -> Result<Option<Measured>> {
    let Some(rest) = line.strip_prefix("bench ") else { return Ok(None) };
    read(rest).with_context(|| format!("the bench guest wrote: {line}")).map(Some)
}

fn read(rest: &str) -> Result<Measured> {
    let words = words::parse(rest)?;
    let text = |key: &str| words.iter().find(|word| word.key == key).and_then(|word| word.value.as_deref());
    let optional = |key: &str| match text(key) {
        Some(value) => value.parse::<f64>().with_context(|| format!("{key}={value}")).map(Some),
        None => Ok(None),
    };
    let number = |key: &str| optional(key)?.with_context(|| format!("{key} is missing"));
    if text("unit") != Some("ticks") {
        bail!("the unit must be ticks");
    }
    Ok(Measured {
        id: text("id").context("id is missing")?.to_owned(),
        median: number("median")?,
        p99: number("p99")?,
        min: number("min")?,
        iterations: text("iterations").and_then(|value| value.parse().ok()).context("iterations is missing")?,
        transitions: Transitions {
            exits: Some(number("exits")?),
            vmfunc: optional("vmfunc")?,
            cr3: optional("cr3")?,
            ring: optional("ring")?,
        },
    })
}

impl Row {
    /// A row for every target, in order, filled where `measured` has it.
    pub fn all(measured: &[Measured], emulator: &'static str, cpu_model: &str) -> Result<Vec<Row>> {
        let unknown = measured.iter().find(|each| !TARGETS.iter().any(|target| target.id == each.id));
        if let Some(unknown) = unknown {
            bail!("there is no target for bench {}", unknown.id);
        }
        let find = |target: &Target| measured.iter().find(|each| each.id == target.id);
        Ok(TARGETS.iter().map(|target| Row::new(target, find(target), emulator, cpu_model)).collect())
    }

    fn new(target: &Target, measured: Option<&Measured>, emulator: &'static str, cpu_model: &str) -> Row {
        Row {
            id: target.id.to_owned(),
            status: if measured.is_some() { "ok" } else { "not-built" },
            unit: "ticks",
            median: measured.map(|each| each.median),
            p99: measured.map(|each| each.p99),
            min: measured.map(|each| each.min),
            iterations: measured.map(|each| each.iterations),
            transitions: measured.map(|each| each.transitions),
            modelled_cycles: measured.map(|each| modelled(each.median, &each.transitions)),
            linux: target.linux.map(|median| Linux { median }),
            target: Limits { ticks: target.ticks, exits: target.exits },
            emulator,
            cpu_model: cpu_model.to_owned(),
        }
    }

    /// What the operation is.
    #[must_use]
    pub fn what(&self) -> &'static str {
        TARGETS.iter().find(|target| target.id == self.id).map_or("", |target| target.what)
    }

    /// Whether the target is met; `None` where nothing was measured.
    #[must_use]
    pub fn met(&self) -> Option<bool> {
        let within = |value: f64, limit: Option<f64>| limit.is_none_or(|limit| value <= limit);
        let exits = self.transitions.and_then(|transitions| transitions.exits).unwrap_or(0.0);
        self.median.map(|median| within(median, self.target.ticks) && within(exits, self.target.exits))
    }
}

fn modelled(ticks: f64, transitions: &Transitions) -> [f64; 2] {
    let counts = [transitions.exits, transitions.vmfunc, transitions.cr3, transitions.ring];
    let mut sum = [ticks, ticks];
    for (count, (low, high)) in counts.into_iter().zip(CYCLES) {
        let count = count.unwrap_or(0.0);
        sum[0] += count * low;
        sum[1] += count * high;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::{Row, parse};

    const LINE: &str = "bench id=null-call unit=ticks median=45 p99=46 min=45 iterations=20000 exits=1.003";

    #[test]
    fn a_line_becomes_a_row_beside_its_target() {
        let measured = parse(LINE).unwrap().unwrap();
        let rows = Row::all(&[measured], "bochs", "x").unwrap();
        let row = rows.iter().find(|row| row.id == "null-call").unwrap();
        assert_eq!((row.status, row.median, row.iterations), ("ok", Some(45.0), Some(20_000)));
        assert_eq!(row.met(), Some(false), "1.003 exits are more than one");
        let [low, high] = row.modelled_cycles.unwrap();
        assert!(low > 545.0 && high > 1_595.0 && high < 1_600.0);
        let pct = rows.iter().find(|row| row.id == "pct").unwrap();
        assert_eq!((pct.status, pct.met(), pct.linux.unwrap().median), ("not-built", None, 12_957));
    }

    #[test]
    fn broken_or_unknown_lines_are_errors() {
        assert!(parse("hello").unwrap().is_none());
        assert!(parse(&LINE.replace("median=45", "")).is_err());
        assert!(parse(&LINE.replace("ticks", "cycles")).is_err());
        let stranger = parse(&LINE.replace("null-call", "stranger")).unwrap().unwrap();
        assert!(Row::all(&[stranger], "bochs", "x").is_err());
    }
}
