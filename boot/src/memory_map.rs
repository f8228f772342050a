//! Which frames are free once the kernel runs, and how they are split between the kernel and the environments.
//!
//! Available memory is rounded inward to whole frames, everything that must stay is rounded outward, so that a frame
//! listed here is free to its last byte. The first MiB is never listed: firmware and the starting of CPUs use it.

use crate::boot_data::{MAX_RANGES, MemoryRange, Range};
use crate::list::List;
use core::fmt;
use exo_abi::boot_page::FrameRun;
use exo_abi::layout::FRAME_SIZE;

#[cfg(test)]
mod tests;

/// Most runs of free frames.
pub const MAX_RUNS: usize = 256;
/// Most ranges that must stay (the memory map's own and those of the caller).
pub const MAX_RESERVED: usize = 256;
/// Most runs of frames for environments: the pool may split one in two.
pub const MAX_ENVIRONMENT_RUNS: usize = MAX_RUNS + 1;

const LOW_MEMORY: Range = Range { start: 0, end: 1 << 20 };
const LARGE_FRAMES: u64 = 512;
const LEAST_POOL_FRAMES: u64 = (8 << 20) / FRAME_SIZE;
const POOL_SHARE: u64 = 16;
/// Firmware writes to the first 64 KiB and lies about the memory just below 640 KiB.
const TRAMPOLINE_FRAMES: [core::ops::Range<u64>; 2] = [0x10..0x90, 0x1..0xa0];

/// The free frames of the machine.
#[derive(Clone, Debug, PartialEq)]
pub struct MemoryMap {
    /// Runs of free frames above the first MiB: sorted, disjoint, none adjoining the next.
    pub runs: List<FrameRun, MAX_RUNS>,
    /// One more than the number of the highest frame of available memory, free or not.
    pub frame_limit: u64,
    /// A free frame below 1 MiB in which a CPU can start, if there is one.
    pub trampoline: Option<u64>,
}

/// The free frames after the kernel took its own.
#[derive(Clone, Debug, PartialEq)]
pub struct Division {
    /// The kernel's own frames, one run.
    pub pool: FrameRun,
    /// The frames for environments: sorted, disjoint.
    pub environments: List<FrameRun, MAX_ENVIRONMENT_RUNS>,
}

/// Why the memory cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryMapError {
    /// No run is long enough for the kernel's own pool, or nothing would be left for environments.
    TooLittle {
        /// Free frames in all.
        free: u64,
        /// Frames in the longest run.
        longest: u64,
        /// Frames that the kernel needs in one run.
        pool: u64,
    },
    /// More than [`MAX_RESERVED`] ranges must stay.
    TooManyReserved,
    /// The free memory is in more than [`MAX_RUNS`] pieces.
    TooManyRuns,
}

impl fmt::Display for MemoryMapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooLittle { free, longest, pool } => write!(
                f,
                "too little memory: {free} frames are free, {longest} of them in one run, and the kernel needs \
                 {pool} in one run and environments at least one more"
            ),
            Self::TooManyReserved => write!(f, "more than {MAX_RESERVED} ranges of memory are reserved"),
            Self::TooManyRuns => write!(f, "the free memory is in more than {MAX_RUNS} pieces"),
        }
    }
}

impl core::error::Error for MemoryMapError {}

impl MemoryMap {
    /// The free frames: what `memory` calls available, without what it calls otherwise, `reserved` (the kernel
    /// image and [`BootData::occupied`](crate::boot_data::BootData::occupied)) and the first MiB.
    ///
    /// # Errors
    /// Too many pieces; never for what the ranges say.
    pub fn new(memory: &[MemoryRange], reserved: impl IntoIterator<Item = Range>) -> Result<Self, MemoryMapError> {
        let mut available: List<Range, MAX_RANGES> = List::new();
        let mut holes: List<Range, MAX_RESERVED> = List::new();
        for entry in memory {
            let taken = if entry.available { available.push(entry.range) } else { holes.push(entry.range) };
            if !taken {
                return Err(MemoryMapError::TooManyReserved);
            }
        }
        for range in reserved.into_iter().chain([LOW_MEMORY]) {
            if !holes.push(range) {
                return Err(MemoryMapError::TooManyReserved);
            }
        }
        sort_and_join(&mut available);
        let trampoline = trampoline(&available, &holes);
        for hole in holes.as_mut_slice() {
            *hole = outward(*hole);
        }
        sort_and_join(&mut holes);
        let mut map = Self { runs: List::new(), frame_limit: 0, trampoline };
        for range in available.iter() {
            let frames = inward(*range);
            if frames.length() != 0 {
                map.frame_limit = map.frame_limit.max(frames.end / FRAME_SIZE);
                map.add_between(frames, &holes)?;
            }
        }
        Ok(map)
    }

    /// How many frames are free.
    #[must_use]
    pub fn free_frames(&self) -> u64 {
        self.runs.iter().map(|run| run.count).sum()
    }

    /// Takes the kernel's own pool off the free frames: a sixteenth of them, 8 MiB at least, in whole 2 MiB, as
    /// low as possible, at a 2 MiB boundary where some run allows it.
    ///
    /// # Errors
    /// [`MemoryMapError::TooLittle`] where no run is long enough or nothing would be left.
    pub fn divide(&self) -> Result<Division, MemoryMapError> {
        let free = self.free_frames();
        let pool = (free / POOL_SHARE).max(LEAST_POOL_FRAMES).next_multiple_of(LARGE_FRAMES);
        let longest = self.runs.iter().map(|run| run.count).max().unwrap_or(0);
        let too_little = MemoryMapError::TooLittle { free, longest, pool };
        let fits = |first: u64, run: &FrameRun| first + pool <= run.first + run.count;
        let aligned = self.runs.iter().map(|run| (run.first.next_multiple_of(LARGE_FRAMES), run));
        let lowest = self.runs.iter().map(|run| (run.first, run));
        let mut places = aligned.chain(lowest).filter(|&(first, run)| fits(first, run));
        let first = match places.next() {
            Some((first, _)) if free > pool => first,
            _ => return Err(too_little),
        };
        let mut environments = List::new();
        for run in self.runs.iter() {
            let (start, end) = (run.first, run.first + run.count);
            for (start, end) in [(start, end.min(first)), (start.max(first + pool), end)] {
                let count = end.saturating_sub(start);
                if count != 0 && !environments.push(FrameRun { first: start, count }) {
                    return Err(MemoryMapError::TooManyRuns);
                }
            }
        }
        Ok(Division { pool: FrameRun { first, count: pool }, environments })
    }

    /// Adds what of `frames` is in none of the `holes`, which are sorted and disjoint.
    fn add_between(&mut self, frames: Range, holes: &[Range]) -> Result<(), MemoryMapError> {
        let mut start = frames.start;
        let end = Range { start: frames.end, end: frames.end };
        for hole in holes.iter().filter(|hole| hole.overlaps(&frames)).chain([&end]) {
            let count = hole.start.saturating_sub(start) / FRAME_SIZE;
            if count != 0 && !self.runs.push(FrameRun { first: start / FRAME_SIZE, count }) {
                return Err(MemoryMapError::TooManyRuns);
            }
            start = start.max(hole.end);
        }
        Ok(())
    }
}

/// The lowest frame in which a CPU can start, best places first.
fn trampoline(available: &[Range], holes: &[Range]) -> Option<u64> {
    let free = |frame: &u64| {
        let range = Range { start: frame * FRAME_SIZE, end: (frame + 1) * FRAME_SIZE };
        let mut others = holes.iter().filter(|hole| **hole != LOW_MEMORY);
        available.iter().any(|memory| memory.contains(&range)) && !others.any(|hole| hole.overlaps(&range))
    };
    TRAMPOLINE_FRAMES.into_iter().flatten().find(free)
}

/// Sorts ranges and joins those that overlap or adjoin; empty ones go.
fn sort_and_join<const N: usize>(ranges: &mut List<Range, N>) {
    let all = ranges.as_mut_slice();
    all.sort_unstable_by_key(|range| range.start);
    let mut kept = 0;
    for index in 0..all.len() {
        let range = all[index];
        match all[..kept].last_mut() {
            _ if range.length() == 0 => {}
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => {
                all[kept] = range;
                kept += 1;
            }
        }
    }
    ranges.truncate(kept);
}

/// The whole frames within a range.
fn inward(range: Range) -> Range {
    let start = range.start.checked_next_multiple_of(FRAME_SIZE).unwrap_or(range.end);
    Range { start, end: range.end / FRAME_SIZE * FRAME_SIZE }
}

/// The frames that a range touches; an empty one touches none.
fn outward(range: Range) -> Range {
    let last = u64::MAX / FRAME_SIZE * FRAME_SIZE;
    let end = range.end.checked_next_multiple_of(FRAME_SIZE).unwrap_or(last);
    if range.length() == 0 { range } else { Range { start: range.start / FRAME_SIZE * FRAME_SIZE, end } }
}
