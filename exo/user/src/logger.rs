//! The `log` crate's messages go to the errors stream.

use crate::eprintln;
use log::{LevelFilter, Log, Metadata, Record};

struct ToConsole;

impl Log for ToConsole {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        eprintln!("{:5} {}: {}", record.level(), record.target(), record.args());
    }

    fn flush(&self) {}
}

pub(crate) fn initialise() {
    // It fails only if a logger is there already, which is then the environment's own choice.
    if log::set_logger(&ToConsole).is_ok() {
        log::set_max_level(LevelFilter::Info);
    }
}
