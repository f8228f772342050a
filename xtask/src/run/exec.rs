//! `run --exec`: one command of the Unix library OS, as if it ran here.

use super::{Options, UNIX, last_lines, spec};
use crate::machine::{self, Kind, Outcome, Watcher};
use crate::report::Ending;
use crate::{interrupt, paths, process};
use anyhow::Result;
use exo_abi::console::Stream;
use std::io::Write;

/// The exit code of a run in which the command did not come to its end.
const BROKEN: u8 = 125;
/// The exit code of a command that is no longer read, as if SIGPIPE had ended it.
const UNREAD: u8 = 141;

/// Runs a command; its exit status, or what stands for it.
pub(super) fn verb(options: &Options, command: &str) -> u8 {
    process::be_silent();
    let mut output = Transparent::default();
    match run(options, command, &mut output) {
        Ok(_) if output.unread => UNREAD,
        Ok(outcome) => match status(&outcome) {
            Ok(status) => status,
            Err(reason) => {
                eprintln!("xtask: {reason}");
                last_lines(&outcome.log).for_each(|line| eprintln!("{line}"));
                eprintln!("xtask: kernel log: {}", paths::shown(&outcome.directory.join("kernel.log")));
                BROKEN
            }
        },
        Err(error) => {
            eprintln!("xtask: {error:#}");
            BROKEN
        }
    }
}

fn run(options: &Options, command: &str, output: &mut Transparent) -> Result<Outcome> {
    machine::run(&spec::exec(options, command)?, output)
}

/// The command's exit status, or why there is none. Whatever is above 255 is the library OS's own.
fn status(outcome: &Outcome) -> Result<u8, String> {
    let status = match outcome.report.ending(UNIX) {
        Some((Ending::Exited { status }, _)) => u8::try_from(*status).map_err(|_| format!("gave up with {status}")),
        Some((Ending::Killed { reason, rip }, _)) => Err(format!("was ended at {rip:#x}: {reason}")),
        Some((Ending::Destroyed, _)) => Err("was destroyed".to_owned()),
        None if outcome.kind == Kind::Interrupted => return Ok(outcome.kind.code()),
        None => {
            let refused = outcome.report.refused().map(|reason| format!("refused: {reason}"));
            return Err(refused.unwrap_or_else(|| outcome.kind.to_string()));
        }
    };
    status.map_err(|how| format!("{UNIX} {how}"))
}

/// Passes on what the Unix library OS writes, and nothing else.
#[derive(Debug, Default)]
struct Transparent {
    /// Nobody reads the output any more.
    unread: bool,
}

impl Watcher for Transparent {
    fn console(&mut self, name: &str, stream: Stream, bytes: &[u8]) {
        if name != UNIX {
            return;
        }
        let written = if stream == Stream::Errors {
            std::io::stderr().write_all(bytes)
        } else {
            let mut stdout = std::io::stdout();
            stdout.write_all(bytes).and_then(|()| stdout.flush())
        };
        if written.is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) {
            self.unread = true;
            interrupt::request();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::status;
    use crate::machine::{Kind, Outcome, Report};
    use crate::report;

    fn outcome(kind: Kind, lines: &[&str]) -> Outcome {
        let events = lines.iter().map(|line| (0, report::event(line).unwrap().unwrap())).collect();
        let report = Report { events, ..Report::default() };
        Outcome { kind, log: String::new(), report, consoles: Vec::new(), directory: "x".into() }
    }

    #[test]
    fn only_an_exit_status_is_an_exit_status() {
        let start = "start name=libos-unix id=0.1 cpu=0 memory=1024";
        let ended = |end: &str| status(&outcome(Kind::Passed, &[start, end]));
        assert_eq!(ended("end name=libos-unix id=0.1 outcome=exited status=0 exits=1"), Ok(0));
        assert_eq!(ended("end name=libos-unix id=0.1 outcome=exited status=255 exits=1"), Ok(255));
        let refused = |result: Result<u8, String>| result.unwrap_err();
        let panicked = ended("end name=libos-unix id=0.1 outcome=exited status=1001 exits=1");
        assert_eq!(refused(panicked), "libos-unix gave up with 1001");
        let killed = ended("end name=libos-unix id=0.1 outcome=killed reason=\"triple fault\" rip=0x10 exits=1");
        assert_eq!(refused(killed), "libos-unix was ended at 0x10: triple fault");
        assert_eq!(status(&outcome(Kind::Interrupted, &[start])), Ok(130));
        assert_eq!(refused(status(&outcome(Kind::Hung, &[start]))), Kind::Hung.to_string());
        let lines = ["refused reason=\"no VMX\""];
        assert_eq!(refused(status(&outcome(Kind::Failed("refused".into()), &lines))), "refused: no VMX");
    }
}
