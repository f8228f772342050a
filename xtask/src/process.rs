//! Runs the tools that xtask is made of: quietly if they are quick, with a sign of life if they are not, and with
//! their own words if they fail.

use anyhow::{Context, Result, bail};
use indicatif::{ProgressBar, ProgressStyle};
use std::fmt::Display;
use std::io::IsTerminal;
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

static SILENT: AtomicBool = AtomicBool::new(false);

/// From now on [`say`] says nothing: standard error is somebody else's.
pub fn be_silent() {
    SILENT.store(true, Ordering::Relaxed);
}

fn is_silent() -> bool {
    SILENT.load(Ordering::Relaxed)
}

/// Tells the user what is going on.
pub fn say(message: impl Display) {
    if !is_silent() {
        eprintln!("xtask: {message}");
    }
}

/// After so long a silent step tells that it is still at work.
const QUIET: Duration = Duration::from_secs(2);

/// Tells that something is being done, once it has taken two seconds; ends when dropped.
pub struct Progress {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Progress {
    /// Starts the clock of the step that `what` describes.
    #[must_use]
    pub fn start(what: &str) -> Progress {
        let (stop, stopped) = channel();
        let what = what.to_owned();
        let thread = std::thread::spawn(move || {
            let begin = Instant::now();
            if stopped.recv_timeout(QUIET) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            if std::io::stderr().is_terminal() && !is_silent() {
                spin(&what, || stopped.recv_timeout(Duration::from_millis(100)) == Err(RecvTimeoutError::Timeout));
            } else {
                say(format_args!("{what} …"));
                let _ended = stopped.recv();
            }
            say(format_args!("{what}: {:.1} s", begin.elapsed().as_secs_f64()));
        });
        Progress { stop: Some(stop), thread: Some(thread) }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.stop.take();
        if let Some(thread) = self.thread.take() {
            let _panicked = thread.join();
        }
    }
}

fn spin(what: &str, mut going_on: impl FnMut() -> bool) {
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} ({elapsed})") {
        bar.set_style(style);
    }
    bar.set_message(what.to_owned());
    while going_on() {
        bar.tick();
    }
    bar.finish_and_clear();
}

/// Runs `command` to its end and takes its output. An exit code other than zero is an error that shows what the
/// command printed.
pub fn capture(command: &mut Command, what: &str) -> Result<Output> {
    let progress = Progress::start(what);
    let output = command.stdin(Stdio::null()).output();
    drop(progress);
    let output = output.with_context(|| format!("{what}: cannot start {}", line(command)))?;
    if !output.status.success() {
        bail!(
            "{what}: {} ended with {}\n{}{}",
            line(command),
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
    }
    Ok(output)
}

/// The command as it would be typed.
#[must_use]
pub fn line(command: &Command) -> String {
    let mut words = vec![command.get_program().to_string_lossy().into_owned()];
    words.extend(command.get_args().map(|word| word.to_string_lossy().into_owned()));
    words.join(" ")
}

/// Where `program` is, if PATH has it.
#[must_use]
pub fn find(program: &str) -> Option<std::path::PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|directory| directory.join(program)).find(|file| file.is_file())
}
