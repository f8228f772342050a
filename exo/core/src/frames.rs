//! The table of frames: one exposed record for each frame of the machine, by number.
//!
//! A frame moves one way: free → owned → (bound, unbound) → free, dirty. What is taken away by force is quarantined between its
//! unbinding and the flush.

mod differences;

pub(crate) use differences::Differences;

use crate::environment::EnvironmentId;
use core::fmt;
use core::ops::Range;
use exo_abi::boot_page::FrameRun;
use exo_abi::capability::Name;
use exo_abi::info::{FrameRecord, frame_flags, frame_state};

/// Why frames cannot be had at boot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// The alignment is not a power of two.
    Alignment,
    /// No run of free frames is long enough at that alignment.
    NoRun,
    /// A run reaches beyond the table.
    OutsideTable,
    /// A frame has been declared before.
    Declared {
        /// Its number.
        frame: u64,
    },
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Alignment => f.write_str("the alignment is not a power of two"),
            Self::NoRun => f.write_str("no run of free frames is long enough at that alignment"),
            Self::OutsideTable => f.write_str("a run reaches beyond the machine's frames"),
            Self::Declared { frame } => write!(f, "frame {frame} has been declared before"),
        }
    }
}

impl core::error::Error for FrameError {}

/// The table: record n is frame number n.
#[derive(Debug)]
pub struct FrameTable<'a> {
    records: &'a mut [FrameRecord],
}

/// The owner that a record names, if any.
#[must_use]
pub fn owner(record: &FrameRecord) -> Option<EnvironmentId> {
    let id = EnvironmentId { index: record.owner_index.into(), generation: record.owner_generation };
    (id.generation != 0).then_some(id)
}

/// Has a record name an owner.
pub(crate) fn set_owner(record: &mut FrameRecord, owner: EnvironmentId) {
    // An index is below 64.
    record.owner_index = u16::try_from(owner.index).unwrap_or(u16::MAX);
    record.owner_generation = owner.generation;
}

/// Gives a frame to an environment, clean and unbound.
pub(crate) fn own(record: &mut FrameRecord, id: EnvironmentId, guard: Name) {
    *record = owned(id, guard);
}

/// The record of a frame of an environment's, clean and unbound.
pub(crate) fn owned(id: EnvironmentId, guard: Name) -> FrameRecord {
    let mut record = FrameRecord { state: frame_state::OWNED, guard, ..FrameRecord::default() };
    set_owner(&mut record, id);
    record
}

/// Makes a frame free that was owned. It keeps its owner's name, who alone may have it back as it is.
pub(crate) fn free(record: &mut FrameRecord) {
    (record.state, record.flags, record.guard) = (frame_state::FREE, frame_flags::DIRTY, Name::ROOT);
}

/// Makes a frame free for one environment.
pub(crate) fn promise(record: &mut FrameRecord, claimant: EnvironmentId) {
    *record = promised(claimant);
}

/// The record of a frame that is free for one environment.
pub(crate) fn promised(claimant: EnvironmentId) -> FrameRecord {
    let mut record = FrameRecord { state: frame_state::PROMISED, flags: frame_flags::DIRTY, ..FrameRecord::default() };
    set_owner(&mut record, claimant);
    record
}

/// Whether a frame is this environment's.
#[must_use]
pub fn is_owned_by(record: &FrameRecord, id: EnvironmentId) -> bool {
    // Field by field: this is asked of every frame of every list.
    record.state == frame_state::OWNED
        && record.owner_generation == id.generation
        && u32::from(record.owner_index) == id.index
}

/// Whether `taker` may allocate a frame: it is free, or promised to the taker.
#[must_use]
pub fn is_free_for(record: &FrameRecord, taker: EnvironmentId) -> bool {
    match record.state {
        frame_state::FREE => true,
        frame_state::PROMISED => owner(record) == Some(taker),
        _ => false,
    }
}

impl<'a> FrameTable<'a> {
    pub(crate) fn new(records: &'a mut [FrameRecord]) -> Self {
        records.fill(FrameRecord::default());
        Self { records }
    }

    /// How many frames there are records of.
    #[must_use]
    pub fn frame_count(&self) -> u64 {
        number(self.records.len())
    }

    /// A frame's record; `None` beyond the table.
    #[must_use]
    pub fn get(&self, frame: u64) -> Option<&FrameRecord> {
        self.records.get(usize::try_from(frame).ok()?)
    }

    pub(crate) fn get_mut(&mut self, frame: u64) -> Option<&mut FrameRecord> {
        self.records.get_mut(usize::try_from(frame).ok()?)
    }

    /// The records of a run; none where it reaches beyond the table.
    #[must_use]
    pub fn run(&self, run: FrameRun) -> &[FrameRecord] {
        range(run).and_then(|range| self.records.get(range)).unwrap_or_default()
    }

    /// The same to change.
    pub(crate) fn run_mut(&mut self, run: FrameRun) -> &mut [FrameRecord] {
        range(run).and_then(|range| self.records.get_mut(range)).unwrap_or_default()
    }

    /// The same for a range.
    pub(crate) fn range_mut(&mut self, range: Range<u64>) -> &mut [FrameRecord] {
        self.run_mut(FrameRun { first: range.start, count: range.end.saturating_sub(range.start) })
    }

    /// All records by number.
    pub fn iter(&self) -> impl Iterator<Item = (u64, &FrameRecord)> {
        (0..).zip(self.records.iter())
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (u64, &mut FrameRecord)> {
        (0..).zip(self.records.iter_mut())
    }

    /// The runs of frames that `id` owns, sorted, each as long as it can be.
    pub fn runs(&self, id: EnvironmentId) -> impl Iterator<Item = FrameRun> + '_ {
        let mut position = 0;
        core::iter::from_fn(move || {
            let owned = |record: &FrameRecord| is_owned_by(record, id);
            let rest = self.records.get(position..)?;
            let first = position + rest.iter().position(owned)?;
            let count = self.records[first..].iter().take_while(|record| owned(record)).count();
            position = first + count;
            Some(FrameRun { first: number(first), count: number(count) })
        })
    }

    pub(crate) fn declare_free(&mut self, run: FrameRun) -> Result<(), FrameError> {
        self.declare(run, FrameRecord { state: frame_state::FREE, flags: frame_flags::DIRTY, ..FrameRecord::default() })
    }

    pub(crate) fn declare_kernel(&mut self, run: FrameRun) -> Result<(), FrameError> {
        self.declare(run, FrameRecord { state: frame_state::KERNEL, ..FrameRecord::default() })
    }

    fn declare(&mut self, run: FrameRun, content: FrameRecord) -> Result<(), FrameError> {
        let end = run.first.checked_add(run.count).ok_or(FrameError::OutsideTable)?;
        let range = usize::try_from(run.first).ok().zip(usize::try_from(end).ok());
        let records = range.and_then(|(first, end)| self.records.get_mut(first..end));
        let records = records.ok_or(FrameError::OutsideTable)?;
        if let Some(index) = records.iter().position(|record| record.state != frame_state::UNUSABLE) {
            return Err(FrameError::Declared { frame: run.first + number(index) });
        }
        records.fill(content);
        Ok(())
    }

    /// The lowest run of `count` free frames whose first number is a multiple of `align`: for boot, which has nobody to ask.
    ///
    /// # Errors
    /// [`FrameError`].
    pub fn find_free(&self, count: u64, align: u64) -> Result<u64, FrameError> {
        if !align.is_power_of_two() {
            return Err(FrameError::Alignment);
        }
        let mut first = 0_u64;
        loop {
            let end = first.checked_add(count).filter(|&end| end <= self.frame_count()).ok_or(FrameError::NoRun)?;
            let is_taken = |frame: &u64| self.get(*frame).is_none_or(|record| record.state != frame_state::FREE);
            let Some(taken) = (first..end).rev().find(is_taken) else { return Ok(first) };
            first = (taken + 1).checked_next_multiple_of(align).ok_or(FrameError::NoRun)?;
        }
    }

    /// Makes frames metadata of an environment.
    pub(crate) fn charge(&mut self, run: FrameRun, id: EnvironmentId) {
        for frame in run.first..run.first.saturating_add(run.count) {
            if let Some(record) = self.get_mut(frame) {
                *record = FrameRecord { state: frame_state::KERNEL, ..FrameRecord::default() };
                set_owner(record, id);
            }
        }
    }
}

/// The indices of a run.
fn range(run: FrameRun) -> Option<Range<usize>> {
    let first = usize::try_from(run.first).ok()?;
    Some(first..first.checked_add(usize::try_from(run.count).ok()?)?)
}

/// A number of frames fits 64 bits on every machine that this runs on.
fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}
