//! Takes apart what comes out of the machine: noise of emulator and firmware, the kernel's log, console records.

use super::Watcher;
use crate::report::{self, EnvironmentId, Event};
use exo_abi::console::{Decoder, Piece, Stream};
use std::collections::BTreeMap;

/// What one environment wrote.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Console {
    /// The environment's name, empty if the kernel never told it.
    pub name: String,
    /// Ordinary output.
    pub output: Vec<u8>,
    /// Error output.
    pub errors: Vec<u8>,
    /// The exit status that came over the console.
    pub status: Option<u32>,
    status_bytes: Vec<u8>,
}

impl Console {
    /// Ordinary output as text.
    #[must_use]
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.output).into_owned()
    }
}

/// The log's lines for tools, in order, each with its tick count.
#[derive(Clone, Debug, Default)]
pub struct Report {
    /// The events.
    pub events: Vec<(u64, Event)>,
    /// Lines that break the contract of `docs/command-line.md`.
    pub broken: Vec<String>,
}

impl Report {
    /// The message of the kernel's panic.
    #[must_use]
    pub fn panic(&self) -> Option<String> {
        self.events.iter().find_map(|(_, event)| match event {
            Event::Panic(message) => Some(message.clone()),
            _ => None,
        })
    }

    /// Why the kernel started nothing.
    #[must_use]
    pub fn refused(&self) -> Option<&str> {
        self.events.iter().find_map(|(_, event)| match event {
            Event::Refused { reason } => Some(reason.as_str()),
            _ => None,
        })
    }

    /// Whether the kernel says that the run passed, and if not, why; `None` without a finish line.
    #[must_use]
    pub fn finish(&self) -> Option<(bool, String)> {
        self.events.iter().find_map(|(_, event)| match event {
            Event::Finish { passed, reason } => Some((*passed, reason.clone().unwrap_or_default())),
            _ => None,
        })
    }

    /// How the environment that started with this name ended, and its exits. Environments may take any name later.
    #[must_use]
    pub fn ending(&self, wanted: &str) -> Option<(&report::Ending, u64)> {
        let started = self.events.iter().find_map(|(_, event)| match event {
            Event::Start { name, id, .. } if name == wanted => Some(id),
            _ => None,
        })?;
        self.events.iter().find_map(|(_, event)| match event {
            Event::End { id, ending, exits, .. } if id == started => Some((ending, *exits)),
            _ => None,
        })
    }
}

/// Collects a run's output.
#[derive(Debug, Default)]
pub(super) struct Wire {
    decoder: Decoder,
    line: Vec<u8>,
    began: bool,
    pub(super) log: String,
    pub(super) report: Report,
    consoles: BTreeMap<u8, Console>,
    /// What the consoles write is kept.
    keep: bool,
}

impl Wire {
    pub(super) fn new(keep: bool) -> Wire {
        Wire { keep, ..Wire::default() }
    }

    /// Takes the next bytes; console bytes go to `watcher` at once.
    pub(super) fn push(&mut self, bytes: &[u8], watcher: &mut dyn Watcher) {
        let mut run: Option<(u8, Stream, Vec<u8>)> = None;
        for &byte in bytes {
            match self.decoder.push(byte) {
                None => {}
                Some(Piece::Log(byte)) => self.log_byte(byte),
                Some(Piece::Console { channel, stream, byte }) => match &mut run {
                    Some((last, kind, bytes)) if *last == channel && *kind == stream => bytes.push(byte),
                    _ => {
                        self.deliver(run.replace((channel, stream, vec![byte])), watcher);
                    }
                },
            }
        }
        self.deliver(run, watcher);
    }

    /// The last line may lack its end.
    pub(super) fn close(&mut self) {
        if !self.line.is_empty() {
            self.log_byte(b'\n');
        }
    }

    /// The consoles by environment index.
    pub(super) fn take_consoles(&mut self) -> Vec<Console> {
        std::mem::take(&mut self.consoles).into_values().collect()
    }

    fn deliver(&mut self, run: Option<(u8, Stream, Vec<u8>)>, watcher: &mut dyn Watcher) {
        let Some((channel, stream, bytes)) = run else { return };
        let console = self.consoles.entry(channel).or_default();
        match stream {
            Stream::Output if self.keep => console.output.extend(&bytes),
            Stream::Errors if self.keep => console.errors.extend(&bytes),
            Stream::Output | Stream::Errors => {}
            Stream::ExitStatus => {
                console.status_bytes.extend(&bytes);
                console.status = console.status_bytes.last_chunk().map(|&bytes| u32::from_le_bytes(bytes));
                return;
            }
        }
        if console.name.is_empty() {
            watcher.console(&format!("environment {channel}"), stream, &bytes);
        } else {
            watcher.console(&console.name, stream, &bytes);
        }
    }

    fn log_byte(&mut self, byte: u8) {
        if byte != b'\n' {
            self.line.push(byte);
            return;
        }
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).trim_end_matches('\r').to_owned();
        if self.report.finish().is_some() {
            return; // the emulator's farewell
        }
        let Some(line) = self.kernels_part(&line) else { return };
        self.log.push_str(line);
        self.log.push('\n');
        if let Some(parsed) = report::line(line) {
            match report::event(parsed.message) {
                Ok(Some(event)) => self.event(parsed.ticks, event),
                Ok(None) => {}
                Err(error) => self.report.broken.push(format!("{error:#}")),
            }
        }
    }

    fn event(&mut self, ticks: u64, event: Event) {
        if let Event::Start { name, id: EnvironmentId { index, .. }, .. } = &event
            && let Ok(channel) = u8::try_from(*index)
        {
            self.consoles.entry(channel).or_default().name.clone_from(name);
        }
        self.report.events.push((ticks, event));
    }

    /// Before the kernel's first line everything is noise, also what firmware left at the beginning of that line.
    fn kernels_part<'a>(&mut self, line: &'a str) -> Option<&'a str> {
        if !self.began {
            let after_noise = |(position, _): (usize, &str)| {
                let head = line[..position].trim_end_matches(|character: char| character.is_ascii_digit());
                Some(&line[head.trim_end_matches(' ').len()..]).filter(|rest| report::line(rest).is_some())
            };
            let found = line.match_indices(" cpu").find_map(after_noise)?;
            self.began = true;
            return Some(found);
        }
        Some(line)
    }
}

#[cfg(test)]
#[path = "wire/tests.rs"]
mod tests;
