//! From options and manifest to the machine that is booted.

use super::{Choice, Options, UNIX};
use crate::host::Host;
use crate::machine::{DEFAULT_CPU_MODEL, Emulator, Input, Spec};
use crate::manifest::{self, Environment, Manifest};
use crate::root::{Addition, Root, Source};
use crate::{paths, process};
use anyhow::{Result, bail};
use exo_abi::boot_page::MAX_ARGUMENTS;
use std::io::IsTerminal;
use std::path::Path;
use std::time::Duration;

/// What stands before a command in the arguments of the Unix library OS.
const EXEC: &str = "exec ";
/// The arguments of a Unix library OS that has the terminal.
const INTERACTIVE: &str = "interactive";
/// Where a command lies that does not fit the arguments.
const LONG_COMMAND: &str = "/etc/exec";
/// How long a run may take that nobody waits for.
const PATIENCE: Duration = Duration::from_secs(300);
const ENDLESS: Duration = Duration::from_secs(u32::MAX as u64);

/// The machine of a run without `--exec`.
pub(super) fn ordinary(options: &Options) -> Result<Spec> {
    let (path, mut manifest) = read(options)?;
    let cpus = options.cpus.or(manifest.machine.cpus).unwrap_or(1);
    let additions = options.additions();
    let unix = manifest.environments.iter_mut().find(|environment| environment.name == UNIX);
    let on_terminal = std::io::stdin().is_terminal();
    let mut input = if options.interactive || on_terminal { Input::Stream } else { Input::None };
    match unix {
        Some(unix) => {
            add(unix, additions)?;
            if unix.input && on_terminal && std::io::stdout().is_terminal() {
                unix.arguments = INTERACTIVE.to_owned();
                input = Input::Terminal;
            }
        }
        None if !additions.is_empty() => bail!("--add: {} has no environment {UNIX}", paths::shown(&path)),
        None => {}
    }
    let patience = if input == Input::None { PATIENCE } else { ENDLESS };
    let wall_clock = input != Input::None;
    finish(options, &path, manifest, Spec { cpus, input, wall_clock, timeout: patience, ..Spec::default() })
}

/// The machine on which one command runs: nobody but the Unix library OS is on it.
pub(super) fn exec(options: &Options, command: &str) -> Result<Spec> {
    let (path, mut manifest) = read(options)?;
    manifest.environments.retain(|environment| environment.name == UNIX);
    let Some(unix) = manifest.environments.first_mut() else {
        bail!("--exec: {} has no environment {UNIX}", paths::shown(&path));
    };
    let (arguments, file) = arguments_of(command);
    unix.arguments = arguments;
    unix.input = true;
    unix.background = false;
    add(unix, options.additions().into_iter().chain(file).collect())?;
    let cpus = options.cpus.unwrap_or(unix.cpu + 1);
    finish(options, &path, manifest, Spec { cpus, input: Input::Stream, timeout: ENDLESS, ..Spec::default() })
}

/// The machine on which `command` runs as with `--exec`, in a root with these additions and with plenty of memory; for xtask itself.
pub fn command_spec(command: &str, additions: Vec<Addition>, cpu_model: &str, timeout: Duration) -> Result<Spec> {
    let path = paths::workspace().join("manifests/default.toml");
    let mut manifest = manifest::read(&path)?;
    manifest.environments.retain(|environment| environment.name == UNIX);
    let Some(unix) = manifest.environments.first_mut() else {
        bail!("{} has no environment {UNIX}", paths::shown(&path));
    };
    let (arguments, file) = arguments_of(command);
    unix.arguments = arguments;
    unix.memory = 256;
    add(unix, additions.into_iter().chain(file).collect())?;
    let base = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let memory = memory(manifest.machine.memory, unix.data_length(&base)?);
    let environments = manifest.environments;
    Ok(Spec { memory, cpu_model: cpu_model.to_owned(), environments, base, timeout, ..Spec::default() })
}

/// The arguments for a command. One that is too long for them, or that has characters which the boot loader does not pass on, goes
/// into a file that the shell reads instead.
fn arguments_of(command: &str) -> (String, Option<Addition>) {
    if EXEC.len() + command.len() <= MAX_ARGUMENTS && !command.contains(char::is_control) {
        return (format!("{EXEC}{command}"), None);
    }
    let file = Addition { source: Source::Bytes(command.as_bytes().to_vec()), guest: Some(LONG_COMMAND.into()) };
    (format!("{EXEC}. {LONG_COMMAND}"), Some(file))
}

/// Puts additions into an environment's root.
fn add(environment: &mut Environment, additions: Vec<Addition>) -> Result<()> {
    if additions.is_empty() {
        return Ok(());
    }
    if environment.data.is_some() {
        bail!("--add: the manifest gives {} a file of its own instead of a root", environment.name);
    }
    environment.root.get_or_insert_with(Root::default).additions.extend(additions);
    Ok(())
}

fn read(options: &Options) -> Result<(std::path::PathBuf, Manifest)> {
    let path = paths::from_caller(&options.manifest);
    let manifest = manifest::read(&path)?;
    Ok((path, manifest))
}

/// What is the same with and without `--exec`.
fn finish(options: &Options, path: &Path, manifest: Manifest, spec: Spec) -> Result<Spec> {
    let Manifest { machine, environments } = manifest;
    if let Some(environment) = environments.iter().find(|environment| environment.cpu >= spec.cpus) {
        bail!("environment {} wants CPU {}, and the machine has {}", environment.name, environment.cpu, spec.cpus);
    }
    let mut kernel_arguments = options.kernel_arguments.clone();
    for (key, value) in [("slice_us", machine.slice_us), ("grace_us", machine.grace_us)] {
        if let Some(value) = value {
            kernel_arguments = format!("{key}={value} {kernel_arguments}");
        }
    }
    let base = path.parent().map(Path::to_path_buf).unwrap_or_default();
    let mut data = 0;
    for environment in &environments {
        data += environment.data_length(&base)?;
    }
    Ok(Spec {
        emulator: emulator(options.emu)?,
        firmware: options.firmware,
        memory: options.mem.unwrap_or_else(|| memory(machine.memory, data)),
        cpu_model: options.cpu_model.clone().or(machine.cpu_model).unwrap_or_else(|| DEFAULT_CPU_MODEL.to_owned()),
        kernel: options.kernel.clone(),
        kernel_arguments,
        environments,
        base,
        timeout: options.timeout.map_or(spec.timeout, Duration::from_secs),
        keep: false,
        today: true,
        ..spec
    })
}

/// MiB of the machine: what the manifest says, and room for data twice, where the boot loader puts them and where they are used.
fn memory(stated: Option<u32>, data: u64) -> u32 {
    let data = u32::try_from(2 * data.div_ceil(1 << 20)).unwrap_or(u32::MAX);
    stated.unwrap_or(512).saturating_add(data)
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
            process::say(format_args!("--emu auto: {emulator:?}, because {reason}"));
            Ok(emulator)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{LONG_COMMAND, arguments_of, memory};
    use crate::root::Source;

    #[test]
    fn a_command_that_does_not_fit_becomes_a_file() {
        assert_eq!(arguments_of("echo 'a  b' \"c\""), ("exec echo 'a  b' \"c\"".to_owned(), None));
        let longest = "x".repeat(2043);
        assert_eq!(arguments_of(&longest), (format!("exec {longest}"), None));
        for command in [format!("{longest}x"), "echo a\necho b".to_owned()] {
            let (arguments, file) = arguments_of(&command);
            assert_eq!(arguments, format!("exec . {LONG_COMMAND}"));
            assert_eq!(file.unwrap().source, Source::Bytes(command.into_bytes()));
        }
    }

    #[test]
    fn data_do_not_take_the_machines_memory() {
        assert_eq!((memory(None, 0), memory(Some(64), 1), memory(Some(64), (100 << 20) + 1)), (512, 66, 266));
    }
}
