//! The verb `bench`: measures Ravelin and stock Linux in the same emulator, sets both beside the targets, and says what got worse.

mod baseline;
mod context;
mod data;
mod linux;
mod measured;
mod page;
mod ravelin;
mod row;
mod targets;
mod terminal;
mod unix;

use crate::host::Host;
use crate::machine::{self, Emulator};
use anyhow::{Context, Result, bail};
use baseline::Baseline;
use clap::{Args, ValueEnum};
use context::Origin;
use data::Cost;
use linux::{Kernel, Start};
use measured::{Control, Measured};
use row::{Material, Row};
use serde::Serialize;
use std::path::{Path, PathBuf};

pub use linux::Kernel as LinuxKernel;

/// Options of `bench`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// Show only operations with these ids, or whose ids contain one of these
    filter: Vec<String>,
    /// Write the report to this file
    #[arg(long)]
    json: Option<PathBuf>,
    /// Write the report to this file as a page
    #[arg(long)]
    html: Option<PathBuf>,
    /// Fail where an operation shown got worse than tests/bench/baseline.json has it; leaves Linux out
    #[arg(long, conflicts_with = "save")]
    check: bool,
    /// Write tests/bench/baseline.json
    #[arg(long)]
    save: bool,
    /// Leave Linux out
    #[arg(long)]
    no_linux: bool,
    /// What runs it; kvm reports cycles, which nothing else here compares with
    #[arg(long, value_enum, default_value_t = Choice::Bochs)]
    emu: Choice,
    /// CPU model of Bochs
    #[arg(long, default_value = machine::DEFAULT_CPU_MODEL)]
    cpu_model: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Choice {
    Bochs,
    Kvm,
}

impl Options {
    /// Compares all operations with the baseline.
    #[must_use]
    pub fn check() -> Options {
        Options {
            filter: Vec::new(),
            json: None,
            html: None,
            check: true,
            save: false,
            no_linux: true,
            emu: Choice::Bochs,
            cpu_model: machine::DEFAULT_CPU_MODEL.to_owned(),
        }
    }

    /// Whether an operation is to be shown: a filter that is an id means that operation alone.
    fn shows(&self, id: &str, rows: &[Row]) -> bool {
        let is_id = |filter: &str| rows.iter().any(|row| row.id == filter);
        let wanted = |filter: &String| if is_id(filter) { filter == id } else { id.contains(filter.as_str()) };
        self.filter.is_empty() || self.filter.iter().any(wanted)
    }
}

/// All that a run found out.
#[derive(Serialize)]
struct Report {
    origin: Origin,
    rows: Vec<Row>,
    controls: Vec<Control>,
    costs: Vec<Cost>,
}

/// Measures and reports.
pub fn verb(options: &Options) -> Result<()> {
    let report = match options.emu {
        Choice::Bochs => emulated(options)?,
        Choice::Kvm => on_hardware(options)?,
    };
    let shown: Vec<&Row> = report.rows.iter().filter(|row| options.shows(&row.id, &report.rows)).collect();
    if shown.is_empty() {
        bail!("no operation's id contains {}", options.filter.join(" or "));
    }
    terminal::print(&shown);
    if let Some(file) = &options.json {
        write(file, serde_json::to_string_pretty(&report)? + "\n")?;
    }
    if let Some(file) = &options.html {
        write(file, page::render(&report.rows, &report.origin, &report.costs, &data::published()?))?;
    }
    if options.save {
        let baseline = Baseline::new(&report.origin, &report.rows);
        let baseline = match Baseline::load()? {
            Some(older) => baseline.after(&older),
            None => baseline,
        };
        baseline.save()?;
    }
    if options.check { check(&report.origin, &shown) } else { Ok(()) }
}

fn write(file: &Path, text: String) -> Result<()> {
    std::fs::write(file, text).with_context(|| format!("cannot write {}", file.display()))
}

fn emulated(options: &Options) -> Result<Report> {
    let model = &options.cpu_model;
    // A check measures Ravelin only: it must not depend on a kernel that may have to be fetched.
    let kernel = if options.no_linux || options.check { None } else { Some(Kernel::ensure()?) };
    let (mut here, mut controls) = ravelin::measure(Emulator::Bochs, model)?;
    if !options.check {
        controls.extend(ravelin::count_cr3(Emulator::Bochs, model, &mut here)?);
    }
    let on_linux = |start| -> Result<Vec<Measured>> {
        let Some(kernel) = &kernel else { return Ok(Vec::new()) };
        Ok(measured::read(&linux::output(kernel, model, start)?)?.rows)
    };
    let (default, off) = (on_linux(Start::Default)?, on_linux(Start::MitigationsOff)?);
    let costs = data::costs()?;
    let material =
        Material { here: &here, linux: [&default, &off], costs: &costs, emulator: "bochs", cpu_model: model };
    let rows = material.rows()?;
    let origin = Origin {
        compiler: context::compiler()?,
        emulator: context::emulator()?,
        cpu_model: model.clone(),
        linux_kernel: kernel.map(|kernel| kernel.package),
    };
    Ok(Report { origin, rows, controls, costs })
}

/// Cycles of the host's CPU, under nested KVM. No figure of the emulator is set beside them.
fn on_hardware(options: &Options) -> Result<Report> {
    if options.check || options.save {
        bail!("--emu kvm has no baseline: cycles differ from host to host and from run to run");
    }
    if let Some(reason) = Host::probe().against_kvm() {
        bail!("--emu kvm: {reason}");
    }
    let (here, controls) = ravelin::measure(Emulator::Kvm, &options.cpu_model)?;
    let costs = data::costs()?;
    let cpu_model = "host".to_owned();
    let material = Material { here: &here, linux: [&[], &[]], costs: &costs, emulator: "kvm", cpu_model: &cpu_model };
    let rows = material.rows()?;
    let origin = Origin { compiler: context::compiler()?, emulator: "kvm".to_owned(), cpu_model, linux_kernel: None };
    Ok(Report { origin, rows, controls, costs })
}

fn check(origin: &Origin, shown: &[&Row]) -> Result<()> {
    let baseline = Baseline::load()?.context("there is no baseline to check against; `bench --save` makes one")?;
    let verdict = baseline.compare(origin, shown);
    if let Some(unlike) = &verdict.unlike {
        let targets = if baseline.origin.cpu_model == origin.cpu_model { "; targets that were met are" } else { "" };
        println!("bench: not comparable with the baseline ({unlike}){targets}");
    }
    if !verdict.worse.is_empty() {
        bail!("worse than the baseline:\n    {}", verdict.worse.join("\n    "));
    }
    println!("bench: nothing is worse than the baseline");
    Ok(())
}
