//! Boots an image that is not Ravelin's: nothing but text comes back.

use super::launch::{Machine, STARTS, TICK, could_not_show, run_directory};
use super::{Input, Spec, bochs};
use crate::interrupt;
use anyhow::Result;
use std::path::{Path, PathBuf};
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

/// What is left of a machine that ran something else.
#[derive(Clone, Debug)]
pub struct Foreign {
    /// It ended by itself.
    pub ended: bool,
    /// What it wrote to the emulator's console, among what the emulator says.
    pub text: String,
    /// Directory with logs.
    pub directory: PathBuf,
}

/// Boots `image` in Bochs with one CPU and so many MiB, and listens until it ends the machine, or for so long.
pub fn run_foreign(image: &Path, cpu_model: &str, memory: u32, timeout: Duration) -> Result<Foreign> {
    let spec = Spec { cpu_model: cpu_model.to_owned(), memory, timeout, ..Spec::default() };
    let mut start = 1;
    loop {
        let directory = run_directory()?;
        let mut machine = Machine::start(&mut bochs::command(&spec, image, &directory, None)?, &directory)?;
        machine.feed(&Input::None, None)?;
        let (mut bytes, deadline) = (Vec::new(), Instant::now() + timeout);
        let ended = loop {
            match machine.output.recv_timeout(TICK) {
                Ok(more) => bytes.extend(more),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break true,
            }
            if Instant::now() >= deadline || interrupt::requested() {
                break false;
            }
        };
        let text = String::from_utf8_lossy(&bytes).into_owned();
        std::fs::write(directory.join("console.log"), &text)?;
        if !ended || start == STARTS || !could_not_show(&directory) {
            return Ok(Foreign { ended, text, directory });
        }
        std::thread::sleep(Duration::from_millis(100) * start);
        start += 1;
    }
}
