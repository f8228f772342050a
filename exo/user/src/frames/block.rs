//! Consecutive frames of the pool.

use super::{POOL, ask_source, window};
use core::mem::ManuallyDrop;
use exo_abi::boot_page::FrameRun;
use exo_abi::layout::FRAME_SIZE;

/// Consecutive frames of the pool that somebody uses; dropping them gives them back.
#[derive(Debug, PartialEq, Eq)]
pub struct Block {
    run: FrameRun,
}

/// Takes `count` free frames in a row, the first a multiple of `alignment` frames.
#[must_use]
pub fn allocate_block(count: u64, alignment: u64) -> Option<Block> {
    allocate_block_here(count, alignment).or_else(|| {
        ask_source(count.checked_add(alignment)?);
        allocate_block_here(count, alignment)
    })
}

/// The same without asking the source, for whoever is the source.
#[must_use]
pub fn allocate_block_here(count: u64, alignment: u64) -> Option<Block> {
    let first = POOL.lock().take(count, alignment)?;
    Some(Block { run: FrameRun { first, count } })
}

impl Block {
    /// The physical address of its first byte.
    #[must_use]
    pub const fn physical(&self) -> u64 {
        self.run.first * FRAME_SIZE
    }

    /// Where it lies in the physical window.
    #[must_use]
    pub fn pointer(&self) -> *mut u8 {
        window(self.physical())
    }

    /// How many bytes it has.
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // guests are 64-bit
    pub const fn bytes(&self) -> usize {
        (self.run.count * FRAME_SIZE) as usize
    }

    /// Makes all of it zeros.
    pub fn clear(&mut self) {
        // SAFETY: (1) the environment owns the frames and the window maps them writable; (2) the pool hands them out once, so
        // that nobody refers to them but through `self`.
        unsafe { self.pointer().write_bytes(0, self.bytes()) };
    }

    /// Makes it what `other` is, as far as both go.
    pub fn copy_from(&mut self, other: &Block) {
        // SAFETY: as for `clear`; two blocks have no frame in common.
        unsafe { other.pointer().copy_to_nonoverlapping(self.pointer(), self.bytes().min(other.bytes())) };
    }

    /// Takes away all but the first `frames`.
    #[must_use]
    pub fn split_off(&mut self, frames: u64) -> Self {
        let kept = frames.min(self.run.count);
        let rest = FrameRun { first: self.run.first + kept, count: self.run.count - kept };
        self.run.count = kept;
        Self { run: rest }
    }

    /// Keeps the frames for ever; the physical address.
    #[must_use]
    pub fn leak(self) -> u64 {
        ManuallyDrop::new(self).physical()
    }

    /// The block of `count` frames that was leaked.
    ///
    /// # Safety
    /// It came from [`leak`](Self::leak), had so many frames, and nobody uses it any more.
    #[must_use]
    pub const unsafe fn from_leaked(physical: u64, count: u64) -> Self {
        Self { run: FrameRun { first: physical / FRAME_SIZE, count } }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        POOL.lock().give_back(self.run);
    }
}
