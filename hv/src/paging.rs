//! Page tables of every format as one radix tree: one walk, short formats, leaves as large as alignment allows.
//!
//! Nothing here touches hardware or knows who owns a frame: tables are read and written through [`TableMemory`], so the
//! same code runs against a map on the host. What a CPU may still have cached is a value ([`Quarantined`]) that only
//! the shootdown opens.

pub mod ept;
pub mod format;
pub mod host;
mod quarantine;
mod table_list;
#[cfg(test)]
mod tests;
mod tree;

pub use format::{Entry, Format, Level};
pub use quarantine::{FlushNeeded, Flushed, Quarantined};
pub(crate) use quarantine::{covered_now, flushed};
pub use table_list::RetiredTables;
pub use tree::{Translation, Tree};

use crate::addr::FrameNumber;
use core::fmt;
use core::ops::Range;

/// Entries of a table of any level.
pub const TABLE_ENTRIES: usize = 512;

/// Where table frames come from and how their words are reached.
pub trait TableMemory {
    /// Reads entry `index` (below [`TABLE_ENTRIES`]) of a table taken from here.
    fn read(&self, table: FrameNumber, index: usize) -> u64;
    /// Writes entry `index` (below [`TABLE_ENTRIES`]) of a table taken from here, in program order with other writes.
    fn write(&mut self, table: FrameNumber, index: usize, value: u64);
    /// The entries of a range joined: a bit that is clear here is clear in all of them.
    fn joined(&self, table: FrameNumber, entries: Range<usize>) -> u64 {
        entries.fold(0, |joined, index| joined | self.read(table, index))
    }
    /// What the entries of a range have in common: a bit that is set here is set in all of them.
    fn common(&self, table: FrameNumber, entries: Range<usize>) -> u64 {
        entries.fold(u64::MAX, |common, index| common & self.read(table, index))
    }
    /// Writes entries that follow one another, each `step` more than the one before, as [`write`](Self::write) does.
    fn fill(&mut self, table: FrameNumber, entries: Range<usize>, first: u64, step: u64) {
        for (index, number) in entries.zip(0..) {
            self.write(table, index, first.wrapping_add(step.wrapping_mul(number)));
        }
    }
    /// Takes a zeroed frame; `None` where there is none left.
    fn take(&mut self) -> Option<FrameNumber>;
    /// Gives a frame back that was taken from here, whatever it now holds.
    fn give(&mut self, table: FrameNumber);
}

/// Why a tree refuses a change. Nothing has changed then.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum MapError {
    /// The change needs this many table frames and [`TableMemory`] does not have them.
    NoTableFrame {
        /// How many frames the whole change needs.
        needed: u64,
    },
    /// This is the first page of the range that is already mapped.
    AlreadyMapped {
        /// Its number.
        page: u64,
    },
    /// This is the first page of the range that is not mapped.
    NotMapped {
        /// Its number.
        page: u64,
    },
    /// The pages are beyond what four levels name, or the frames beyond physical memory.
    OutOfRange,
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NoTableFrame { needed } => write!(f, "{needed} table frames are needed and not available"),
            Self::AlreadyMapped { page } => write!(f, "page {page:#x} is already mapped"),
            Self::NotMapped { page } => write!(f, "page {page:#x} is not mapped"),
            Self::OutOfRange => f.write_str("pages or frames beyond what the tables can name"),
        }
    }
}

impl core::error::Error for MapError {}
