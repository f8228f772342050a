//! Taking frames from the kernel and giving them back, in as few calls as there are. Nothing here knows where the frames go.

use super::choice::Wanted;
use super::list::{List, RUNS, parts};
use crate::call::{Failure, Kernel};
use crate::page_table::MapError;
use core::fmt;
use exo_abi::boot_page::FrameRun;
use exo_abi::call::{ALLOCATE_MAX, FRAMES_MAX};
use exo_abi::error::Error;

/// How often a choice is made anew because somebody else was faster.
const ATTEMPTS: u32 = 16;

/// Why frames were not had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FramesError {
    /// No such frames are free.
    Exhausted,
    /// The kernel refused.
    Refused(Failure),
    /// The window cannot be extended to them.
    Window(MapError),
    /// They lie beyond what the pool keeps.
    Beyond,
}

impl From<Failure> for FramesError {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

impl fmt::Display for FramesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            FramesError::Exhausted => f.write_str("no such frames are free"),
            FramesError::Refused(failure) => failure.fmt(f),
            FramesError::Window(error) => error.fmt(f),
            FramesError::Beyond => f.write_str("the frames lie beyond what the pool keeps"),
        }
    }
}

impl core::error::Error for FramesError {}

/// Frames that came with one pair of calls.
pub(super) struct Batch {
    runs: [FrameRun; RUNS],
    length: usize,
}

impl Batch {
    pub(super) fn runs(&self) -> &[FrameRun] {
        &self.runs[..self.length]
    }

    pub(super) fn frames(&self) -> u64 {
        self.runs().iter().map(|run| run.count).sum()
    }
}

/// Cuts what is wanted into parts that one call may have, and takes each. What is wanted in one piece is one part, whatever
/// its size.
pub(super) fn each_batch(
    wanted: Wanted,
    mut take: impl FnMut(Wanted) -> Result<u64, FramesError>,
) -> Result<(), FramesError> {
    if wanted.contiguous {
        return take(wanted).map(drop);
    }
    let mut left = wanted.count;
    while left != 0 {
        left -= take(Wanted { count: left.min(ALLOCATE_MAX), ..wanted })?.min(left);
    }
    Ok(())
}

/// Allocates and binds frames that `choose` chooses, under `credential` and in `slot` of the environment itself.
pub(super) fn acquire<K: Kernel>(
    kernel: &mut K,
    list: &mut List<'_>,
    credential: u8,
    slot: u8,
    rights: u64,
    wanted: Wanted,
    mut choose: impl FnMut(Wanted, &mut [FrameRun]) -> Option<usize>,
) -> Result<Batch, FramesError> {
    for _ in 0..ATTEMPTS {
        let length = choose(wanted, list.runs).ok_or(FramesError::Exhausted)?;
        match allocate(kernel, list, length, credential) {
            Err(Failure { error: Error::FrameTaken, .. }) => continue,
            other => other?,
        }
        let mut batch = Batch { runs: [FrameRun::default(); RUNS], length };
        batch.runs[..length].copy_from_slice(&list.runs[..length]);
        if let Err(failure) = bind(kernel, list, length, slot, rights) {
            // SAFETY: the frames are new; nobody refers to them.
            batch.runs().iter().for_each(|&run| _ = unsafe { release_run(kernel, credential, run, true) });
            return Err(failure.into());
        }
        return Ok(batch);
    }
    Err(FramesError::Refused(Error::FrameTaken.into()))
}

fn allocate<K: Kernel>(kernel: &mut K, list: &List<'_>, length: usize, credential: u8) -> Result<(), Failure> {
    match *list.runs {
        [run, ..] if length == 1 => {
            for FrameRun { first, count } in parts(run, ALLOCATE_MAX) {
                if let Err(failure) = kernel.allocate_run(credential, first, count) {
                    let before = FrameRun { first: run.first, count: first - run.first };
                    // SAFETY: the frames are new; nobody refers to them.
                    unsafe { release_run(kernel, credential, before, false) };
                    return Err(failure);
                }
            }
            Ok(())
        }
        _ => kernel.allocate_list(credential, list.physical, length as u64).map(drop),
    }
}

fn bind<K: Kernel>(kernel: &mut K, list: &List<'_>, length: usize, slot: u8, rights: u64) -> Result<(), Failure> {
    // SAFETY: the frames are new; nobody refers to them.
    unsafe {
        match *list.runs {
            [run, ..] if length == 1 => parts(run, FRAMES_MAX).try_for_each(|FrameRun { first, count }| {
                kernel.bind_run(0, 0, slot.into(), rights, first, count).map(drop)
            }),
            _ => kernel.bind_list(0, 0, slot.into(), rights, list.physical, length as u64).map(drop),
        }
    }
}

/// Frees frames of the environment, unbound before where they are `bound`, whatever state each is in: what it has lost meanwhile is passed over. How many
/// were freed.
///
/// # Safety
/// Nobody uses the frames.
pub(super) unsafe fn release_run<K: Kernel>(kernel: &mut K, credential: u8, run: FrameRun, bound: bool) -> u64 {
    let mut freed = 0;
    for part in parts(run, FRAMES_MAX) {
        // SAFETY: the caller promises that nobody uses the frames.
        let unbound = !bound || unsafe { kernel.unbind_run(credential, 0, 0, part.first, part.count) }.is_ok();
        if unbound && kernel.free_run(credential, part.first, part.count).is_ok() {
            freed += part.count;
            continue;
        }
        for frame in part.first..part.first + part.count {
            // SAFETY: as above. Where it fails the frame is not bound, or not the environment's.
            let _ = unsafe { kernel.unbind_run(credential, 0, 0, frame, 1) };
            freed += u64::from(kernel.free_run(credential, frame, 1).is_ok());
        }
    }
    freed
}

/// Unbinds and frees up to `count` frames that `withdraw` hands over, from frame `from` on, run by run in ascending order; how many.
///
/// # Safety
/// Nobody uses the frames that `withdraw` hands over.
pub(crate) unsafe fn give<K: Kernel>(
    kernel: &mut K,
    list: &mut List<'_>,
    credential: u8,
    mut from: u64,
    count: u64,
    mut withdraw: impl FnMut(u64, u64) -> Option<FrameRun>,
) -> u64 {
    let mut given = 0;
    loop {
        let (mut length, mut frames) = (0, 0);
        for place in list.runs.iter_mut() {
            let most = (count - given - frames).min(FRAMES_MAX - frames);
            let Some(run) = withdraw(from, most) else { break };
            *place = run;
            from = run.first + run.count;
            length += 1;
            frames += run.count;
        }
        if length == 0 {
            return given;
        }
        // SAFETY: the caller promises that nobody uses the frames.
        given += unsafe { release(kernel, list, length, credential) };
    }
}

/// # Safety
/// Nobody uses the frames of the list.
unsafe fn release<K: Kernel>(kernel: &mut K, list: &List<'_>, length: usize, credential: u8) -> u64 {
    let runs = &list.runs[..length];
    if length > 1 {
        // SAFETY: the caller promises that nobody uses the frames.
        let unbound = unsafe { kernel.unbind_list(credential, 0, 0, list.physical, length as u64) };
        if unbound.is_ok() && kernel.free_list(credential, list.physical, length as u64).is_ok() {
            return runs.iter().map(|run| run.count).sum();
        }
    }
    // SAFETY: as above.
    runs.iter().map(|&run| unsafe { release_run(kernel, credential, run, true) }).sum()
}
