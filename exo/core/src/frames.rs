//! The table of frames: one record for each frame of the machine, by number.
//!
//! A frame moves one way: free → owned → quarantined → free (dirty). Between the last two stands a [`Release`],
//! which only the begin of a release makes and only its finish takes: whoever holds one flushes before giving it back.

mod record;
mod transit;

pub use record::{FrameCounts, FrameRecord, FrameState};
pub use transit::{Allocation, FrameError, Release};

use crate::environment::EnvironmentId;
use exo_abi::boot_page::FrameRun;

/// The table, over storage that the kernel's glue provides: record n is frame number n.
#[derive(Debug)]
pub struct FrameTable<'a> {
    records: &'a mut [FrameRecord],
    counts: FrameCounts,
}

impl<'a> FrameTable<'a> {
    /// A table of as many frames as there are records, all unusable.
    #[must_use]
    pub fn new(records: &'a mut [FrameRecord]) -> Self {
        records.fill(FrameRecord::UNUSABLE);
        let unusable = number(records.len());
        Self { records, counts: FrameCounts { unusable, ..FrameCounts::default() } }
    }

    /// Says at boot that frames are free memory.
    ///
    /// # Errors
    /// A run outside the table, or a frame declared before; nothing changes then.
    pub fn declare_free(&mut self, run: FrameRun, clean: bool) -> Result<(), FrameError> {
        self.declare(run, FrameState::Free { clean })
    }

    /// Says at boot that frames are the kernel's own.
    ///
    /// # Errors
    /// As [`declare_free`](Self::declare_free).
    pub fn declare_kernel(&mut self, run: FrameRun) -> Result<(), FrameError> {
        self.declare(run, FrameState::Kernel)
    }

    /// How many frames there are records of.
    #[must_use]
    pub fn frame_count(&self) -> u64 {
        number(self.records.len())
    }

    /// What a frame is; `None` beyond the table.
    #[must_use]
    pub fn state(&self, frame: u64) -> Option<FrameState> {
        self.records.get(usize::try_from(frame).ok()?).map(|record| record.state)
    }

    /// The environment that owns a frame.
    #[must_use]
    pub fn owner(&self, frame: u64) -> Option<EnvironmentId> {
        match self.state(frame) {
            Some(FrameState::Owned(owner)) => Some(owner),
            _ => None,
        }
    }

    /// True where `owner` owns the frame.
    #[must_use]
    pub fn holds(&self, owner: EnvironmentId, frame: u64) -> bool {
        self.owner(frame) == Some(owner)
    }

    /// How many frames are in each state.
    #[must_use]
    pub fn counts(&self) -> FrameCounts {
        self.counts
    }

    /// The states of all frames, by number.
    pub fn states(&self) -> impl Iterator<Item = FrameState> + '_ {
        self.records.iter().map(|record| record.state)
    }

    /// The runs of frames that `owner` owns, sorted, each as long as it can be.
    pub fn runs(&self, owner: EnvironmentId) -> impl Iterator<Item = FrameRun> + '_ {
        let mut position = 0;
        core::iter::from_fn(move || {
            let owned = |record: &FrameRecord| record.state == FrameState::Owned(owner);
            let rest = self.records.get(position..)?;
            let first = position + rest.iter().position(owned)?;
            let count = self.records[first..].iter().take_while(|record| owned(record)).count();
            position = first + count;
            Some(FrameRun { first: number(first), count: number(count) })
        })
    }

    /// Gives `owner` the lowest run of `count` free frames whose first number is a multiple of `align`.
    pub(crate) fn allocate_run(
        &mut self,
        owner: EnvironmentId,
        count: u64,
        align: u64,
    ) -> Result<Allocation, FrameError> {
        if count == 0 {
            return Err(FrameError::EmptyRun);
        }
        if !align.is_power_of_two() {
            return Err(FrameError::Alignment);
        }
        let (count, align) = (usize::try_from(count), usize::try_from(align));
        let (Ok(count), Ok(align)) = (count, align) else { return Err(FrameError::NoRun) };
        let first = self.find_free(count, align).ok_or(FrameError::NoRun)?;
        let dirty = self.change(first, count, FrameState::Owned(owner));
        Ok(Allocation { run: FrameRun { first: number(first), count: number(count) }, dirty })
    }

    /// Takes all frames of an owner, who ends.
    pub(crate) fn begin_release(&mut self, owner: EnvironmentId) -> Release {
        let frames = self.change_all(FrameState::Owned(owner), FrameState::Quarantined(owner));
        Release { owner, frames }
    }

    /// Frees the frames of a release: no CPU can reach them any more.
    pub(crate) fn finish_release(&mut self, release: &Release) {
        self.change_all(FrameState::Quarantined(release.owner), FrameState::Free { clean: false });
    }

    fn declare(&mut self, run: FrameRun, state: FrameState) -> Result<(), FrameError> {
        let (first, count) = (usize::try_from(run.first), usize::try_from(run.count));
        let (Ok(first), Ok(count)) = (first, count) else { return Err(FrameError::OutsideTable) };
        let end = first.checked_add(count).ok_or(FrameError::OutsideTable)?;
        let records = self.records.get(first..end).ok_or(FrameError::OutsideTable)?;
        if let Some(index) = records.iter().position(|record| record.state != FrameState::Unusable) {
            return Err(FrameError::Declared { frame: number(first + index) });
        }
        self.change(first, count, state);
        Ok(())
    }

    fn find_free(&self, count: usize, align: usize) -> Option<usize> {
        let mut first = 0_usize;
        loop {
            let run = self.records.get(first..first.checked_add(count)?)?;
            let taken = run.iter().rposition(|record| !matches!(record.state, FrameState::Free { .. }));
            let Some(taken) = taken else { return Some(first) };
            first = (first + taken + 1).checked_next_multiple_of(align)?;
        }
    }

    /// Sets the state of a run that is within the table; says how many of its frames were free and dirty.
    fn change(&mut self, first: usize, count: usize, to: FrameState) -> u64 {
        let dirty_before = self.counts.free_dirty;
        for record in &mut self.records[first..first + count] {
            *self.counts.of(record.state) -= 1;
            *self.counts.of(to) += 1;
            record.state = to;
        }
        dirty_before.saturating_sub(self.counts.free_dirty)
    }

    /// Sets the state of all frames that are in one state; says how many.
    fn change_all(&mut self, from: FrameState, to: FrameState) -> u64 {
        let mut changed = 0;
        for record in self.records.iter_mut().filter(|record| record.state == from) {
            record.state = to;
            changed += 1;
        }
        *self.counts.of(from) -= changed;
        *self.counts.of(to) += changed;
        changed
    }
}

/// A number of frames fits 64 bits on every machine that this runs on.
fn number(count: usize) -> u64 {
    u64::try_from(count).unwrap_or(u64::MAX)
}

#[cfg(test)]
impl FrameTable<'_> {
    /// Breaks the cached counts: for the test that somebody would notice.
    pub(crate) fn miscount(&mut self) {
        self.counts.kernel += 1;
    }
}
