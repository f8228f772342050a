//! What has been typed: lines that are complete, and the one that is being edited.

use crate::errno::Result;
use crate::io::Destination;
use alloc::collections::VecDeque;
use alloc::vec::Vec;

/// Bytes that wait, at most (Linux: N_TTY_BUF_SIZE).
const MOST: usize = 4096;

/// What has been typed.
#[derive(Debug, Default)]
pub(super) struct Input {
    /// Bytes that can be read.
    bytes: VecDeque<u8>,
    /// How many of them each line has, its end included. An end of file on an empty line is a line of none.
    lines: VecDeque<usize>,
    /// The line that is being edited.
    pub(super) edited: Vec<u8>,
    /// The next character means nothing.
    pub(super) literal: bool,
}

impl Input {
    pub(super) fn has_line(&self) -> bool {
        !self.lines.is_empty()
    }

    /// Bytes that wait, whatever lines they are in.
    pub(super) fn count(&self) -> usize {
        self.bytes.len()
    }

    /// Bytes that still have a place.
    pub(super) fn room(&self) -> usize {
        MOST.saturating_sub(self.bytes.len() + self.edited.len())
    }

    pub(super) fn is_full(&self) -> bool {
        self.bytes.len() + self.edited.len() >= MOST
    }

    /// The edited line is complete.
    pub(super) fn end_line(&mut self) {
        self.lines.push_back(self.edited.len());
        self.bytes.extend(self.edited.drain(..));
    }

    /// A byte that needs no line.
    pub(super) fn push(&mut self, byte: u8) {
        self.bytes.push_back(byte);
    }

    /// The settings say from now on that there are lines, or that there are none.
    pub(super) fn change(&mut self, canonical: bool) {
        self.bytes.extend(self.edited.drain(..));
        self.lines.clear();
        if canonical && !self.bytes.is_empty() {
            self.lines.push_back(self.bytes.len());
        }
    }

    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.lines.clear();
        self.edited.clear();
        self.literal = false;
    }

    /// Gives what is left of the first line, or as much as fits.
    pub(super) fn take_line(&mut self, to: &mut dyn Destination) -> Result<usize> {
        let length = self.lines.front().copied().unwrap_or(0);
        let count = self.give(length, to)?;
        match self.lines.front_mut() {
            Some(line) if count < length => *line -= count,
            _ => drop(self.lines.pop_front()),
        }
        Ok(count)
    }

    /// Gives bytes, whatever lines they are in.
    pub(super) fn take(&mut self, to: &mut dyn Destination) -> Result<usize> {
        self.give(self.bytes.len(), to)
    }

    fn give(&mut self, most: usize, to: &mut dyn Destination) -> Result<usize> {
        let wanted = most.min(to.remaining());
        let bytes: Vec<u8> = self.bytes.iter().take(wanted).copied().collect();
        let count = to.put(&bytes)?;
        self.bytes.drain(..count);
        Ok(count)
    }
}
