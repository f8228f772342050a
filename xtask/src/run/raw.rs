//! The terminal in raw mode: every key goes to the machine, and what the machine writes is shown as it is.

use anyhow::{Context, Result};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::stdin;

/// The terminal in raw mode; dropping it brings the former mode back. Panics unwind through it, and signals that would end xtask end the
/// run instead ([`crate::interrupt`]).
pub(super) struct RawTerminal {
    before: Termios,
}

impl RawTerminal {
    /// Says how to get out, and enters raw mode.
    pub(super) fn enter() -> Result<RawTerminal> {
        let before = tcgetattr(stdin()).context("standard input is no terminal")?;
        eprintln!("xtask: the terminal is the machine's; Ctrl-] ends the run");
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(stdin(), OptionalActions::Now, &raw).context("the terminal does not enter raw mode")?;
        Ok(RawTerminal { before })
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        let _terminal_gone = tcsetattr(stdin(), OptionalActions::Now, &self.before);
    }
}
