//! The terminal in raw mode: every key goes to the machine, and what the machine writes is shown as it is.

use anyhow::{Context, Result};
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use std::io::stdin;
use std::sync::{Mutex, PoisonError};

/// The mode that the terminal had, while it is in raw mode.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// The terminal in raw mode; dropping it brings the former mode back, and so does a panic, which may unwind nothing. Signals that would end
/// xtask end the run instead ([`crate::interrupt`]).
pub(super) struct RawTerminal(());

impl RawTerminal {
    /// Says how to get out, and enters raw mode.
    pub(super) fn enter() -> Result<RawTerminal> {
        let before = tcgetattr(stdin()).context("standard input is no terminal")?;
        eprintln!("xtask: the terminal is the machine's; Ctrl-] ends the run");
        let mut raw = before.clone();
        raw.make_raw();
        *BEFORE.lock().unwrap_or_else(PoisonError::into_inner) = Some(before);
        let report = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |panic| {
            leave();
            report(panic);
        }));
        tcsetattr(stdin(), OptionalActions::Now, &raw).context("the terminal does not enter raw mode")?;
        Ok(RawTerminal(()))
    }
}

impl Drop for RawTerminal {
    fn drop(&mut self) {
        leave();
    }
}

/// Brings the former mode back, if it has not been yet.
fn leave() {
    if let Some(before) = BEFORE.lock().unwrap_or_else(PoisonError::into_inner).take() {
        let _terminal_gone = tcsetattr(stdin(), OptionalActions::Now, &before);
    }
}
