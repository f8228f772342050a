//! The verb `run`: a manifest on a machine, its consoles on the terminal.

use crate::host::Host;
use crate::machine::{self, DEFAULT_CPU_MODEL, Emulator, Firmware, Input, Report, Spec};
use crate::printer::Printer;
use crate::report::{Ending, Event};
use crate::{interrupt, manifest, paths, words};
use anyhow::{Context, Result, bail};
use clap::{Args, ValueEnum};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

/// The library OS that `--exec` speaks to.
const UNIX: &str = "libos-unix";

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
    /// Seconds after which the machine counts as hung (default: 300, or none when interactive)
    #[arg(long)]
    timeout: Option<u64>,
    /// A command for the Unix library OS
    #[arg(long)]
    exec: Option<String>,
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
    let spec = spec(options)?;
    let several = spec.environments.len() > 1;
    let mut printer = Printer::new(several);
    let outcome = machine::run(&spec, &mut printer)?;
    printer.end_line();
    for broken in &outcome.report.broken {
        eprintln!("xtask: {broken}");
    }
    if outcome.kind != machine::Kind::Passed {
        let lines: Vec<&str> = outcome.log.lines().collect();
        lines.iter().skip(lines.len().saturating_sub(20)).for_each(|line| eprintln!("{line}"));
    }
    for line in summary(&outcome.report) {
        eprintln!("xtask: {line}");
    }
    eprintln!("xtask: kernel log: {}", paths::shown(&outcome.directory.join("kernel.log")));
    eprintln!("xtask: {}", outcome.kind);
    Ok(outcome.kind.code())
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

fn spec(options: &Options) -> Result<Spec> {
    let path = paths::from_caller(&options.manifest);
    let mut manifest = manifest::read(&path)?;
    if let Some(command) = &options.exec {
        let unix = manifest.environments.iter_mut().find(|environment| environment.name == UNIX);
        let unix = unix.with_context(|| format!("--exec: {} has no environment {UNIX}", paths::shown(&path)))?;
        unix.arguments = format!("exec {}", words::quoted(command));
    }
    let machine = manifest.machine;
    let cpus = options.cpus.or(machine.cpus).unwrap_or(1);
    if let Some(environment) = manifest.environments.iter().find(|environment| environment.cpu >= cpus) {
        bail!("environment {} wants CPU {}, and the machine has {cpus}", environment.name, environment.cpu);
    }
    let interactive = options.interactive || (std::io::stdin().is_terminal() && options.exec.is_none());
    let endless = Duration::from_secs(u64::from(u32::MAX));
    let mut kernel_arguments = options.kernel_arguments.clone();
    for (key, value) in [("slice_us", machine.slice_us), ("grace_us", machine.grace_us)] {
        if let Some(value) = value {
            kernel_arguments = format!("{key}={value} {kernel_arguments}");
        }
    }
    Ok(Spec {
        emulator: emulator(options.emu)?,
        firmware: options.firmware,
        cpus,
        memory: options.mem.or(machine.memory).unwrap_or(512),
        cpu_model: options.cpu_model.clone().or(machine.cpu_model).unwrap_or_else(|| DEFAULT_CPU_MODEL.to_owned()),
        kernel: options.kernel.clone(),
        kernel_arguments,
        environments: manifest.environments,
        base: path.parent().map(std::path::Path::to_path_buf).unwrap_or_default(),
        input: if interactive { Input::Stdin } else { Input::None },
        timeout: match options.timeout {
            Some(seconds) => Duration::from_secs(seconds),
            None if interactive => endless,
            None => Duration::from_secs(300),
        },
    })
}

fn emulator(choice: Choice) -> Result<Emulator> {
    let host = Host::probe();
    match choice {
        Choice::Bochs => Ok(Emulator::Bochs),
        Choice::Qemu => Ok(Emulator::Qemu),
        Choice::Kvm => match host.against_kvm() {
            None => Ok(Emulator::Kvm),
            Some(reason) => bail!("--emu kvm: {reason}"),
        },
        Choice::Auto => {
            let (emulator, reason) = host.choose();
            eprintln!("xtask: --emu auto: {emulator:?}, because {reason}");
            Ok(emulator)
        }
    }
}
