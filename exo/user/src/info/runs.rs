//! Runs of free frames, out of states read one by one.

use exo_abi::boot_page::FrameRun;
use exo_abi::info::frame_state;

/// Runs of free frames in ascending order, none next to the one before.
#[derive(Clone, Debug)]
pub struct FreeRuns<R> {
    next: u64,
    state: R,
}

/// The runs of free frames from frame `from` on, of a table whose states `state` reads.
#[must_use]
pub fn free_runs_of<R: Fn(u64) -> Option<u8>>(from: u64, state: R) -> FreeRuns<R> {
    FreeRuns { next: from, state }
}

impl<R: Fn(u64) -> Option<u8>> Iterator for FreeRuns<R> {
    type Item = FrameRun;

    fn next(&mut self) -> Option<FrameRun> {
        while (self.state)(self.next)? != frame_state::FREE {
            self.next += 1;
        }
        let first = self.next;
        while (self.state)(self.next) == Some(frame_state::FREE) {
            self.next += 1;
        }
        Some(FrameRun { first, count: self.next - first })
    }
}
