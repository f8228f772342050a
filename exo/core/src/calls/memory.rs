//! Memory arguments: physical, checked against the caller's bindings, copied once.

use super::{At, Context, Failure};
use core::ops::Range;
use exo_abi::boot_page::FrameRun;
use exo_abi::call::LIST_MAX;
use exo_abi::capability::rights;
use exo_abi::error::Error;
use exo_abi::layout::FRAME_SIZE;
use zerocopy::IntoBytes;

/// Runs copied at a time: they lie on the kernel's stack.
const RUNS: usize = 16;

impl Context<'_, '_> {
    /// Checks that the caller's bindings allow `rights` in every frame of a range of memory. An empty range is in no frame.
    pub(super) fn check_memory(&self, physical: u64, length: u64, most: u64, rights: u64) -> Result<(), Failure> {
        if length > most {
            return Err(Error::TooLong.into());
        }
        let end = physical.checked_add(length).ok_or(Error::TooLong)?;
        if length == 0 {
            return Ok(());
        }
        for frame in physical / FRAME_SIZE..=(end - 1) / FRAME_SIZE {
            let binding = self.machine.binding(self.caller.place(), frame);
            if binding.is_none_or(|binding| binding.rights & rights != rights) {
                return Err(Error::NotBound.at(frame));
            }
        }
        Ok(())
    }

    /// Copies bytes from memory that has been checked. An empty range may be anywhere, even where nothing is: the machine does not
    /// hear of it.
    pub(super) fn copy_in(&mut self, physical: u64, to: &mut [u8]) {
        if !to.is_empty() {
            self.machine.copy_from_frames(physical, to);
        }
    }

    /// Copies a list of runs and checks that it names frames that exist, at most `most` in all. The runs are then in `core.list`.
    pub(super) fn take_list(&mut self, physical: u64, length: u64, most: u64) -> Result<Range<usize>, Failure> {
        if length > LIST_MAX {
            return Err(Error::TooLong.into());
        }
        let bytes = length * size_of::<FrameRun>() as u64;
        self.check_memory(physical, bytes, bytes, rights::READ)?;
        let count = usize::try_from(length).map_err(|_| Error::TooLong)?;
        let list = self.core.list.get_mut(..count).ok_or(Error::TooLong)?;
        let mut from = physical;
        for runs in list.chunks_mut(RUNS) {
            self.machine.copy_from_frames(from, runs.as_mut_bytes());
            from += size_of_val(runs) as u64;
        }
        self.check_runs(0..count, most)
    }

    /// The same for one run in registers.
    pub(super) fn take_run(&mut self, first: u64, count: u64, most: u64) -> Result<Range<usize>, Failure> {
        *self.core.list.first_mut().ok_or(Error::TooLong)? = self.run(first, count, most)?;
        Ok(0..1)
    }

    /// A run in registers, checked like a list, for calls that need no list of it.
    pub(super) fn run(&self, first: u64, count: u64, most: u64) -> Result<FrameRun, Failure> {
        let end = first.checked_add(count).filter(|_| count <= most).ok_or(Error::TooLong)?;
        let limit = self.core.frames.frame_count();
        if end > limit { Err(Error::NoSuchFrame.at(first.max(limit))) } else { Ok(FrameRun { first, count }) }
    }

    fn check_runs(&self, runs: Range<usize>, most: u64) -> Result<Range<usize>, Failure> {
        let (mut total, mut last) = (0_u64, 0);
        for run in &self.core.list[runs.clone()] {
            total = total.checked_add(run.count).filter(|&total| total <= most).ok_or(Error::TooLong)?;
            let end = run.first.checked_add(run.count).ok_or(Error::TooLong)?;
            if run.first < last {
                return Err(Error::NotAscending.at(run.first));
            }
            last = end;
            if end > self.core.frames.frame_count() {
                return Err(Error::NoSuchFrame.at(run.first.max(self.core.frames.frame_count())));
            }
        }
        Ok(runs)
    }

    /// The frame numbers of the runs: ascending, so that none comes twice.
    pub(super) fn frames_of(&self, runs: Range<usize>) -> impl Iterator<Item = u64> + '_ {
        self.core.list[runs].iter().flat_map(|run| run.first..run.first + run.count)
    }
}
