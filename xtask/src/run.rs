//! The verb `run`: a manifest on a machine, its consoles on the terminal.

mod exec;
mod raw;
mod spec;

use crate::machine::{self, Firmware, Input, Kind, Report};
use crate::printer::Printer;
use crate::report::{Ending, Event};
use crate::root::Addition;
use crate::{interrupt, paths};
use anyhow::Result;
use clap::{Args, ValueEnum};
use raw::RawTerminal;
pub use spec::command_spec;
use std::ffi::OsString;
use std::path::PathBuf;

/// The library OS that `--exec`, `--add` and a terminal speak to.
pub const UNIX: &str = "libos-unix";

/// Options of `run`.
#[derive(Clone, Debug, Args)]
pub struct Options {
    /// What runs the machine
    #[arg(long, value_enum, default_value_t = Choice::Auto)]
    emu: Choice,
    /// What starts the boot loader
    #[arg(long, value_enum, default_value_t = Firmware::Bios)]
    firmware: Firmware,
    /// How many CPUs (default: what the manifest says)
    #[arg(long, value_parser = clap::value_parser!(u32).range(1..=64))]
    cpus: Option<u32>,
    /// MiB of memory (default: what the manifest says)
    #[arg(long, value_parser = clap::value_parser!(u32).range(32..=65536))]
    mem: Option<u32>,
    /// CPU model of Bochs, such as corei7_haswell_4770
    #[arg(long)]
    cpu_model: Option<String>,
    /// What runs on it
    #[arg(long, default_value = "manifests/default.toml")]
    manifest: PathBuf,
    /// Seconds after which the machine counts as hung (default: 300, or none when interactive and with --exec)
    #[arg(long)]
    timeout: Option<u64>,
    /// A command for the Unix library OS: its output, its errors and its exit status are those of this command (125: it did not come that far)
    #[arg(long, value_name = "COMMAND")]
    exec: Option<String>,
    /// A file or a directory for the root of the Unix library OS. Without GUEST it goes to /root, where commands start
    #[arg(long, value_name = "HOST[:GUEST]")]
    add: Vec<OsString>,
    /// Pass standard input on even if it is no terminal
    #[arg(long)]
    interactive: bool,
    /// Words added to the kernel's command line, such as trace=on
    #[arg(long, default_value = "")]
    kernel_arguments: String,
    /// Another kernel than the one in this checkout
    #[arg(long)]
    kernel: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Choice {
    /// Nested KVM where the host allows it, else Bochs
    Auto,
    Bochs,
    Kvm,
    /// QEMU without KVM: Ravelin refuses it, having no VMX
    Qemu,
}

/// Runs, and gives the process's exit code.
pub fn verb(options: &Options) -> Result<u8> {
    interrupt::catch()?;
    match &options.exec {
        Some(command) => Ok(exec::verb(options, command)),
        None => ordinary(options),
    }
}

impl Options {
    fn additions(&self) -> Vec<Addition> {
        self.add.iter().map(|text| Addition::parse(text)).collect()
    }
}

/// A run whose environments all have their say.
fn ordinary(options: &Options) -> Result<u8> {
    let spec = spec::ordinary(options)?;
    let session = (spec.input == Input::Terminal).then(|| UNIX.to_owned());
    let mut printer = Printer::new(spec.environments.len() > 1, session);
    let raw = if spec.input == Input::Terminal {
        // What building has to say still comes in lines.
        machine::prepare(&spec)?;
        Some(RawTerminal::enter()?)
    } else {
        None
    };
    let outcome = machine::run(&spec, &mut printer);
    printer.end_line();
    drop(raw);
    let outcome = outcome?;
    for broken in &outcome.report.broken {
        eprintln!("xtask: {broken}");
    }
    if !matches!(outcome.kind, Kind::Passed | Kind::Interrupted) {
        last_lines(&outcome.log).for_each(|line| eprintln!("{line}"));
    }
    for line in summary(&outcome.report) {
        eprintln!("xtask: {line}");
    }
    eprintln!("xtask: kernel log: {}", paths::shown(&outcome.directory.join("kernel.log")));
    eprintln!("xtask: {}", outcome.kind);
    Ok(outcome.kind.code())
}

/// What is shown of the log of a run that did not pass.
fn last_lines(log: &str) -> impl Iterator<Item = &str> {
    let lines = log.lines().count();
    log.lines().skip(lines.saturating_sub(20))
}

/// A line for each environment that ended: how, and after which exits.
fn summary(report: &Report) -> Vec<String> {
    let ends = report.events.iter().filter_map(|(_, event)| match event {
        Event::End { name, ending, exits, .. } => Some((name, ending, exits)),
        _ => None,
    });
    ends.map(|(name, ending, exits)| {
        let how = match ending {
            Ending::Exited { status } => format!("exited with {status}"),
            Ending::Killed { reason, rip } => format!("was ended at {rip:#x}: {reason}"),
            Ending::Destroyed => "was destroyed".to_owned(),
        };
        let reasons = report.events.iter().filter_map(|(_, event)| match event {
            Event::Exits { name: whose, reason, count } if whose == name => Some(format!("{count} {reason}")),
            _ => None,
        });
        let reasons: Vec<String> = reasons.collect();
        format!("{name} {how}; {exits} exits: {}", reasons.join(", "))
    })
    .collect()
}
