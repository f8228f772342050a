//! The frame in which lists of runs are handed to the kernel.

use super::{FRAME_BYTES, Frame, allocate_here};
use core::slice;
use exo_abi::boot_page::FrameRun;
use spin::Mutex;

/// Runs in one list.
pub(super) const RUNS: usize = FRAME_BYTES / size_of::<FrameRun>();

static LIST: Mutex<Option<Frame>> = Mutex::new(None);

/// The parts of a run that one call may have.
pub(super) fn parts(run: FrameRun, most: u64) -> impl Iterator<Item = FrameRun> {
    let end = run.first + run.count;
    (0..run.count.div_ceil(most)).map(move |part| {
        let first = run.first + part * most;
        FrameRun { first, count: most.min(end - first) }
    })
}

/// A place for a list, and its physical address.
pub(crate) struct List<'l> {
    pub(super) runs: &'l mut [FrameRun],
    pub(super) physical: u64,
}

pub(super) fn initialise() {
    *LIST.lock() = allocate_here();
}

pub(super) fn is_busy() -> bool {
    LIST.is_locked()
}

/// Does something with the list. Without a frame for it there is room for nothing, which a list of one run does not need.
pub(super) fn with<R>(work: impl FnOnce(&mut List<'_>) -> R) -> R {
    let mut list = LIST.lock();
    let mut single = [FrameRun::default()];
    match list.as_mut() {
        Some(frame) => {
            let physical = frame.physical();
            let bytes = frame.bytes();
            // SAFETY: a frame is aligned and large enough for so many runs, any bytes are runs, and the lock keeps others out.
            let runs = unsafe { slice::from_raw_parts_mut(bytes.as_mut_ptr().cast(), RUNS) };
            work(&mut List { runs, physical })
        }
        None => work(&mut List { runs: &mut single, physical: 0 }),
    }
}
