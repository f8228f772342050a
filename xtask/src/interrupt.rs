//! Ctrl-C and termination: noted, so that what is running can be ended in order.

use anyhow::{Context, Result};
use std::sync::atomic::{AtomicBool, Ordering};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C is noted and does not end the process.
pub fn catch() -> Result<()> {
    ctrlc::set_handler(|| REQUESTED.store(true, Ordering::Relaxed)).context("cannot catch Ctrl-C")
}

/// Whether Ctrl-C was typed since [`catch`].
#[must_use]
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}
