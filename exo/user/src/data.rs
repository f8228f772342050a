//! The file that the manifest gives the environment beside its image.

use crate::frames::{give_back, window};
use core::mem::{ManuallyDrop, take};
use core::ops::Deref;
use exo_abi::boot_page::{BootPage, FrameRun};
use exo_abi::layout::FRAME_SIZE;
use spin::Mutex;

static DATA: Mutex<Option<Data>> = Mutex::new(None);

/// The file's bytes, or what [`advance`](Self::advance) has left of them. Dropping it puts their frames into the pool.
#[derive(Debug, PartialEq, Eq)]
pub struct Data {
    physical: u64,
    length: usize,
}

/// Notes what the boot page says.
pub(crate) fn initialise(boot: &BootPage) {
    let length = usize::try_from(boot.data_length).ok().filter(|&length| length != 0);
    *DATA.lock() = length.map(|length| Data { physical: boot.data_physical, length });
}

/// The file, if the manifest gives one: the first time. It is whoever took it's alone.
#[must_use]
pub fn take_data() -> Option<Data> {
    take(&mut *DATA.lock())
}

impl Data {
    /// Keeps the bytes for ever.
    #[must_use]
    pub fn leak(self) -> &'static [u8] {
        let kept = ManuallyDrop::new(self);
        // SAFETY: as for `deref`, and nobody gives the frames back any more.
        unsafe { core::slice::from_raw_parts(window(kept.physical), kept.length) }
    }

    /// Does without the first `count` bytes: frames that hold nothing else go to the pool. So a file can be read to its end and make
    /// room for what is made of it meanwhile.
    pub fn advance(&mut self, count: usize) {
        give_back(self.pass(count));
    }

    /// Passes bytes over; the frames in which none is left.
    const fn pass(&mut self, count: usize) -> FrameRun {
        let FrameRun { first, count: all } = frames_of(self.physical, self.length);
        let count = if count < self.length { count } else { self.length };
        self.physical += count as u64;
        self.length -= count;
        let kept = frames_of(self.physical, self.length);
        FrameRun { first, count: all - kept.count }
    }
}

/// The frames in which the bytes lie.
const fn frames_of(physical: u64, length: usize) -> FrameRun {
    let first = physical / FRAME_SIZE;
    let count = if length == 0 { 0 } else { (physical + length as u64).div_ceil(FRAME_SIZE) - first };
    FrameRun { first, count }
}

impl Deref for Data {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        // SAFETY: (1) the kernel has put the file there, in consecutive frames that are the environment's and that the window maps; (2) they
        // are in use in the pool, which hands them out to nobody before they are given back, and that needs `self` alone; (3) there is one
        // `Data` of them, and nobody writes.
        unsafe { core::slice::from_raw_parts(window(self.physical), self.length) }
    }
}

impl Drop for Data {
    fn drop(&mut self) {
        give_back(frames_of(self.physical, self.length));
    }
}

#[cfg(test)]
mod tests;
