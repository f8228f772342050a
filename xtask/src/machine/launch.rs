//! One run: starts the emulator, feeds it, listens to it, and sees it to its end.

use super::wire::Wire;
use super::{Emulator, Input, Kind, Outcome, Spec, Watcher, bochs, feed, qemu};
use crate::image::{self, ImageSpec, Module};
use crate::{interrupt, paths};
use anyhow::{Context, Result};
use std::fs::File;
use std::io::Read;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// After its finish line or a panic the machine gets so long to end by itself.
const GRACE: Duration = Duration::from_secs(3);
/// How often Ctrl-C is looked at.
pub(super) const TICK: Duration = Duration::from_millis(50);
/// So many runs keep their logs.
const KEPT_RUNS: usize = 64;

/// How often an emulator is started again that found no port for its display.
pub(super) const STARTS: u32 = 8;

/// Builds all that a run of `spec` needs, so that [`run`] only starts the machine. The image.
pub fn prepare(spec: &Spec) -> Result<PathBuf> {
    image::build(&image_spec(spec)?)
}

/// Boots `spec` and stays with it to the end. An error means that there was no run at all.
pub fn run(spec: &Spec, watcher: &mut dyn Watcher) -> Result<Outcome> {
    let mut start = 1;
    loop {
        let outcome = run_once(spec, watcher)?;
        if start == STARTS || !found_no_display_port(&outcome) {
            return Ok(outcome);
        }
        std::thread::sleep(Duration::from_millis(100) * start);
        start += 1;
    }
}

/// Bochs shows its screen on a port, needed or not. Two that start in the same moment can spoil each other's search for one:
/// then no machine has run yet.
fn found_no_display_port(outcome: &Outcome) -> bool {
    outcome.kind == Kind::Died(None) && outcome.log.is_empty() && could_not_show(&outcome.directory)
}

pub(super) fn could_not_show(directory: &Path) -> bool {
    let log = std::fs::read_to_string(directory.join("emulator.log")).unwrap_or_default();
    log.contains("RFB could not bind any port")
}

fn run_once(spec: &Spec, watcher: &mut dyn Watcher) -> Result<Outcome> {
    let image = prepare(spec)?;
    let directory = run_directory()?;
    // Bochs' serial line is a socket only if something will be typed: it waits for the other end.
    let port = match (spec.emulator, &spec.input) {
        (Emulator::Bochs, Input::Text(_) | Input::Stream | Input::Terminal) => Some(free_port()?),
        _ => None,
    };
    let mut command = match spec.emulator {
        Emulator::Bochs => bochs::command(spec, &image, &directory, port)?,
        Emulator::Kvm | Emulator::Qemu => qemu::command(spec, &image, &directory)?,
    };
    let mut machine = Machine::start(&mut command, &directory)?;
    machine.feed(&spec.input, port)?;
    let mut wire = Wire::new(spec.keep);
    let end = listen(&mut machine, &mut wire, spec.timeout, watcher)?;
    wire.close();
    std::fs::write(directory.join("kernel.log"), &wire.log)?;
    let kind = match (wire.report.finish(), wire.report.panic(), end) {
        (_, Some(panic), _) => Kind::Died(Some(panic)),
        (Some((true, _)), ..) => Kind::Passed,
        (Some((false, reason)), ..) => Kind::Failed(reason),
        (None, None, End::Gone) => Kind::Died(None),
        (None, None, End::TimeUp) => Kind::Hung,
        (None, None, End::Interrupted) => Kind::Interrupted,
    };
    let consoles = wire.take_consoles();
    Ok(Outcome { kind, log: wire.log, report: wire.report, consoles, directory })
}

fn image_spec(spec: &Spec) -> Result<ImageSpec> {
    let ends = if spec.emulator == Emulator::Bochs { "output=e9 finish=bochs" } else { "output=com1 finish=qemu" };
    let kernel_arguments = format!("{ends} {}", spec.kernel_arguments);
    let mut modules: Vec<Module> =
        spec.environments.iter().map(|environment| environment.module(&spec.base)).collect::<Result<_>>()?;
    for environment in &spec.environments {
        modules.extend(environment.data_module(&spec.base)?);
    }
    Ok(ImageSpec { kernel: spec.kernel.clone(), kernel_arguments, modules })
}

enum End {
    Gone,
    TimeUp,
    Interrupted,
}

fn listen(machine: &mut Machine, wire: &mut Wire, timeout: Duration, watcher: &mut dyn Watcher) -> Result<End> {
    let mut deadline = Instant::now() + timeout;
    let mut ending = false;
    loop {
        match machine.output.recv_timeout(TICK) {
            Ok(bytes) => wire.push(&bytes, watcher),
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => {
                machine.child.wait().context("cannot wait for the emulator")?;
                return Ok(End::Gone);
            }
        }
        if !ending && (wire.report.finish().is_some() || wire.report.panic().is_some()) {
            ending = true;
            deadline = deadline.min(Instant::now() + GRACE);
        }
        if interrupt::requested() {
            return Ok(End::Interrupted);
        }
        if Instant::now() >= deadline {
            return Ok(End::TimeUp);
        }
    }
}

/// A running emulator; it is killed when this is dropped.
pub(super) struct Machine {
    child: Child,
    pub(super) output: Receiver<Vec<u8>>,
}

impl Machine {
    pub(super) fn start(command: &mut Command, directory: &Path) -> Result<Machine> {
        let noise = File::create(directory.join("emulator.stderr"))?;
        // A group of its own: Ctrl-C is for xtask alone, which then ends the group.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(noise);
        let mut child = command.spawn().with_context(|| format!("cannot start {}", crate::process::line(command)))?;
        let (sender, output) = channel();
        if let Some(mut stdout) = child.stdout.take() {
            std::thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(length @ 1..) = stdout.read(&mut buffer) {
                    if sender.send(buffer[..length].to_vec()).is_err() {
                        break;
                    }
                }
            });
        }
        Ok(Machine { child, output })
    }

    /// Passes input on, from threads of its own.
    pub(super) fn feed(&mut self, input: &Input, port: Option<u16>) -> Result<()> {
        match (port, self.child.stdin.take()) {
            (Some(port), _) => feed::begin(input, self.connect(port)?),
            (None, Some(stdin)) => feed::begin(input, stdin),
            (None, None) => {}
        }
        Ok(())
    }

    fn connect(&mut self, port: u16) -> Result<TcpStream> {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
                Ok(stream) => {
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
                Err(error) if Instant::now() >= deadline || self.child.try_wait()?.is_some() => {
                    return Err(error).context("the emulator's serial line does not answer");
                }
                Err(_) => std::thread::sleep(TICK),
            }
        }
    }
}

impl Drop for Machine {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        let pid = i32::try_from(self.child.id()).ok().and_then(rustix::process::Pid::from_raw);
        if let Some(pid) = pid {
            let _already_gone = rustix::process::kill_process_group(pid, rustix::process::Signal::KILL);
        }
        let _reaped = self.child.wait();
    }
}

fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on the loopback address")?;
    Ok(listener.local_addr()?.port())
}

/// A new directory for this run's logs; the oldest ones go.
pub(super) fn run_directory() -> Result<PathBuf> {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    let logs = paths::build("logs")?;
    let mut runs: Vec<PathBuf> = std::fs::read_dir(&logs)?.flatten().map(|entry| entry.path()).collect();
    runs.sort();
    for old in runs.iter().take(runs.len().saturating_sub(KEPT_RUNS)) {
        let _somebody_was_quicker = std::fs::remove_dir_all(old);
    }
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let directory = logs.join(format!("{now}-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&directory).with_context(|| format!("cannot make {}", directory.display()))?;
    Ok(directory)
}
