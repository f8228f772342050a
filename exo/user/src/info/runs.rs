//! Runs of free frames, out of records read one by one.

use exo_abi::boot_page::FrameRun;
use exo_abi::info::{FrameRecord, frame_state};

/// Runs of free frames in ascending order, none next to the one before.
#[derive(Clone, Debug)]
pub struct FreeRuns<R> {
    next: u64,
    record: R,
}

/// The runs of free frames from frame `from` on, of a table read by `record`.
#[must_use]
pub fn free_runs_of<R: Fn(u64) -> Option<FrameRecord>>(from: u64, record: R) -> FreeRuns<R> {
    FreeRuns { next: from, record }
}

impl<R: Fn(u64) -> Option<FrameRecord>> Iterator for FreeRuns<R> {
    type Item = FrameRun;

    fn next(&mut self) -> Option<FrameRun> {
        while (self.record)(self.next)?.state != frame_state::FREE {
            self.next += 1;
        }
        let first = self.next;
        while (self.record)(self.next).is_some_and(|record| record.state == frame_state::FREE) {
            self.next += 1;
        }
        Some(FrameRun { first, count: self.next - first })
    }
}
