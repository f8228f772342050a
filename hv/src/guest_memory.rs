//! Memory that guests may hold, as the kernel sees it: bytes that change under its hands.
//!
//! It is copied, never borrowed, and an address outside of what guests may ever hold is refused here whatever
//! the layers above believe.

use crate::addr::{FRAME_SIZE, FrameNumber, HostPhysical};
use crate::physmap::{self, usize_of};

/// Most ranges of memory that guests may hold.
pub const MAX_RANGES: usize = 260;

/// The memory that guests may hold.
#[derive(Debug)]
pub struct GuestMemory {
    ranges: [(u64, u64); MAX_RANGES],
    count: usize,
}

/// An address range is not (wholly) memory that guests may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotGuestMemory {
    /// First address of the range.
    pub address: HostPhysical,
    /// Its bytes.
    pub length: u64,
}

impl GuestMemory {
    /// The memory of these frame runs (first frame, count); runs beyond [`MAX_RANGES`] are left unused.
    ///
    /// # Safety
    /// The runs are RAM that the window maps; the kernel keeps nothing of its own in them, now or later.
    #[must_use]
    pub unsafe fn new(runs: impl Iterator<Item = (FrameNumber, u64)>) -> Self {
        let mut memory = Self { ranges: [(0, 0); MAX_RANGES], count: 0 };
        for (slot, (first, count)) in memory.ranges.iter_mut().zip(runs) {
            *slot = (first.start().as_u64(), first.start().as_u64() + count * FRAME_SIZE);
            memory.count += 1;
        }
        memory
    }

    fn check(&self, address: HostPhysical, length: usize) -> Result<(), NotGuestMemory> {
        let refused = NotGuestMemory { address, length: length as u64 };
        let end = address.checked_add(length as u64).ok_or(refused)?.as_u64();
        let inside = |&(start, limit): &(u64, u64)| address.as_u64() >= start && end <= limit;
        if self.ranges[..self.count].iter().any(inside) { Ok(()) } else { Err(refused) }
    }

    /// Whether guests may hold all of these frames.
    ///
    /// # Errors
    /// [`NotGuestMemory`] where any of them lies outside.
    pub fn check_frames(&self, first: FrameNumber, count: u64) -> Result<(), NotGuestMemory> {
        let refused = NotGuestMemory { address: first.start(), length: u64::MAX };
        let bytes = count.checked_mul(FRAME_SIZE).ok_or(refused)?;
        self.check(first.start(), usize_of(bytes))
    }

    /// Copies out of guest memory.
    ///
    /// # Errors
    /// [`NotGuestMemory`] where any byte lies outside; nothing is copied then.
    pub fn read(&self, from: HostPhysical, to: &mut [u8]) -> Result<(), NotGuestMemory> {
        self.check(from, to.len())?;
        // SAFETY: 1. the range is guest RAM in the window (`check`, `new`); 2. `to` is kernel memory, so they do not
        // overlap; 3. a guest that writes meanwhile makes the bytes arbitrary, which any `u8` may be.
        unsafe { core::ptr::copy_nonoverlapping(physmap::pointer::<u8>(from), to.as_mut_ptr(), to.len()) };
        Ok(())
    }

    /// Copies into guest memory.
    ///
    /// # Errors
    /// [`NotGuestMemory`] where any byte lies outside; nothing is copied then.
    pub fn write(&self, to: HostPhysical, from: &[u8]) -> Result<(), NotGuestMemory> {
        self.check(to, from.len())?;
        // SAFETY: as in `read`, with the directions exchanged.
        unsafe { core::ptr::copy_nonoverlapping(from.as_ptr(), physmap::pointer::<u8>(to), from.len()) };
        Ok(())
    }

    /// Fills a frame with zeros.
    ///
    /// # Errors
    /// [`NotGuestMemory`] where the frame is not one that guests may hold.
    pub fn scrub(&self, frame: FrameNumber) -> Result<(), NotGuestMemory> {
        self.check(frame.start(), usize_of(FRAME_SIZE))?;
        // SAFETY: the frame is guest RAM in the window (`check`, `new`), to which the kernel keeps no reference.
        unsafe { physmap::zero(frame) };
        Ok(())
    }
}
