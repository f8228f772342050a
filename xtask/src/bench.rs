//! The verb `bench`: boots the guest `bench` and sets what it measures beside the targets.

mod context;
mod linux;
mod page;
mod row;
mod targets;

use crate::machine::{self, Kind, Silent, Spec};
use crate::manifest::{Capability, Environment};
use crate::paths;
use crate::process::Progress;
use anyhow::{Context, Result, bail};
use clap::Args;
use exo_abi::capability::{Name, rights};
use row::{Measured, Row};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// Options of `bench`.
#[derive(Clone, Debug, Default, Args)]
pub struct Options {
    /// Show only operations with these ids, or whose ids contain one of these
    filter: Vec<String>,
    /// Write all rows to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write all rows to this file as a page
    #[arg(long)]
    html: Option<PathBuf>,
    /// Fail where an operation shown was not measured or misses its target
    #[arg(long)]
    check: bool,
    /// CPU model of Bochs
    #[arg(long, default_value = machine::DEFAULT_CPU_MODEL)]
    cpu_model: String,
}

impl Options {
    /// Checks operations against their targets.
    #[must_use]
    pub fn check(ids: &[&str]) -> Options {
        let cpu_model = machine::DEFAULT_CPU_MODEL.to_owned();
        let filter = ids.iter().map(|&id| id.to_owned()).collect();
        Options { filter, check: true, cpu_model, ..Options::default() }
    }

    /// Whether an operation is to be shown: a filter that is an id means that operation alone.
    fn shows(&self, id: &str, rows: &[Row]) -> bool {
        let is_id = |filter: &str| rows.iter().any(|row| row.id == filter);
        let wanted = |filter: &String| if is_id(filter) { filter == id } else { id.contains(filter.as_str()) };
        self.filter.is_empty() || self.filter.iter().any(wanted)
    }
}

#[derive(Serialize)]
struct Report<'a> {
    rows: &'a [Row],
}

/// Measures and reports.
pub fn verb(options: &Options) -> Result<()> {
    let kernel = linux::Kernel::ensure()?;
    for start in [linux::Start::Default, linux::Start::MitigationsOff] {
        println!("{}", linux::output(&kernel, &options.cpu_model, start)?);
    }
    let rows = measure(&options.cpu_model)?;
    let shown: Vec<&Row> = rows.iter().filter(|row| options.shows(&row.id, &rows)).collect();
    if shown.is_empty() {
        bail!("no operation's id contains {}", options.filter.join(" or "));
    }
    table(&shown);
    if let Some(file) = &options.json {
        let text = serde_json::to_string_pretty(&Report { rows: &rows })?;
        std::fs::write(file, text + "\n").with_context(|| format!("cannot write {}", file.display()))?;
    }
    if let Some(file) = &options.html {
        std::fs::write(file, page::render(&rows)).with_context(|| format!("cannot write {}", file.display()))?;
    }
    let missed: Vec<&str> = shown.iter().filter(|row| row.met() != Some(true)).map(|row| row.id.as_str()).collect();
    if options.check && !missed.is_empty() {
        bail!("targets missed: {}", missed.join(", "));
    }
    Ok(())
}

fn measure(cpu_model: &str) -> Result<Vec<Row>> {
    let bench = |name: &str, arguments: &str| Environment {
        name: name.to_owned(),
        memory: 16,
        arguments: arguments.to_owned(),
        background: name != "bench",
        ..Environment::new("bench")
    };
    // A long slice, so that no slice ends inside a measurement.
    let mut measured = boot(cpu_model, "slice_us=1000000", vec![bench("bench", "")])?;
    measured.extend(boot(cpu_model, "slice_us=1000000", gates())?);
    // A short one, so that deadlines, which are counted in slices, come soon.
    let three = vec![bench("bench", "claims"), bench("victim", "victim"), bench("partner", "partner")];
    measured.extend(boot(cpu_model, "slice_us=200", three)?);
    Row::all(&measured, "bochs", cpu_model)
}

/// A caller, and two that it may call.
fn gates() -> Vec<Environment> {
    let over = |slot: u8, position: u8| {
        let name = Name::new(&[position + 1]).unwrap_or(Name::ROOT);
        Capability { slot, name, rights: rights::CALL }
    };
    let callee = |name: &str| Environment {
        name: name.to_owned(),
        memory: 4,
        arguments: name.to_owned(),
        background: true,
        ..Environment::new("bench")
    };
    let bench = Environment {
        name: "bench".to_owned(),
        memory: 16,
        arguments: "gates".to_owned(),
        capabilities: vec![over(5, 1), over(6, 2)],
        ..Environment::new("bench")
    };
    vec![bench, callee("callee"), callee("full-callee")]
}

/// Boots environments, and reads what the one called `bench` has measured.
fn boot(cpu_model: &str, arguments: &str, environments: Vec<Environment>) -> Result<Vec<Measured>> {
    let spec = Spec {
        cpu_model: cpu_model.to_owned(),
        environments,
        kernel_arguments: arguments.to_owned(),
        timeout: Duration::from_secs(300),
        ..Spec::default()
    };
    let progress = Progress::start("measuring");
    let outcome = machine::run(&spec, &mut Silent)?;
    drop(progress);
    if outcome.kind != Kind::Passed {
        let said: String =
            outcome.consoles.iter().map(|console| String::from_utf8_lossy(&console.errors).into_owned()).collect();
        let log = paths::shown(&outcome.directory.join("kernel.log"));
        bail!("the bench run {}; see {log}; its environments said:\n{said}", outcome.kind);
    }
    let console = outcome.console("bench").context("the bench guest wrote nothing")?.text();
    let mut measured = Vec::new();
    for line in console.lines() {
        measured.extend(row::parse(line)?);
    }
    Ok(measured)
}

fn table(rows: &[&Row]) {
    println!(
        "{:<15}{:>9}{:>9}{:>7}{:>15}{:>9}{:>9}{:>7}  ",
        "id", "ticks", "p99", "exits", "cycles", "Linux", "target", "exits"
    );
    for row in rows {
        let verdict = match row.met() {
            Some(true) => "met",
            Some(false) => "MISSED",
            None => "not built",
        };
        let exits = row.transitions.and_then(|transitions| transitions.exits);
        let cycles = row.modelled_cycles.map(|[low, high]| format!("{low:.0}–{high:.0}")).unwrap_or_default();
        let linux = row.linux.map(|linux| linux.median.to_string()).unwrap_or_default();
        println!(
            "{:<15}{:>9}{:>9}{:>7}{:>15}{:>9}{:>9}{:>7}  {verdict}",
            row.id,
            show(row.median),
            show(row.p99),
            show(exits),
            cycles,
            linux,
            show(row.target.ticks),
            show(row.target.exits)
        );
    }
}

/// A figure without needless decimals; nothing for none.
fn show(value: Option<f64>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}
