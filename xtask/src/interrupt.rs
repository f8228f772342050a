//! Ctrl-C and termination: noted, so that what is running can be ended in order.

use anyhow::{Context, Result};
use std::sync::atomic::{AtomicBool, Ordering};

static REQUESTED: AtomicBool = AtomicBool::new(false);

/// From now on Ctrl-C is noted and does not end the process.
pub fn catch() -> Result<()> {
    ctrlc::set_handler(|| REQUESTED.store(true, Ordering::Relaxed)).context("cannot catch Ctrl-C")
}

/// Has the run end as if Ctrl-C had been typed.
pub fn request() {
    REQUESTED.store(true, Ordering::Relaxed);
}

/// Whether Ctrl-C was typed since [`catch`].
#[must_use]
pub fn requested() -> bool {
    REQUESTED.load(Ordering::Relaxed)
}
