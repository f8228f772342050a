//! Memory that guests may hold, as the kernel sees it: bytes that change under its hands.
//!
//! It is copied, never borrowed. Each frame of the machine has a word that says how many guest spaces map it, or that it is the
//! kernel's: a frame that a guest can reach never becomes the kernel's, and a frame of the kernel's is never a guest's, whatever
//! the layers above believe.

mod word;

pub(crate) use word::{are_guests, give_up, hide, hold, let_go, show, take_back};

use crate::addr::{FRAME_SIZE, FrameNumber, HostPhysical};
use crate::physmap::{self, usize_of};
use crate::pool::{self, Account};
use core::sync::atomic::AtomicU16;

#[cfg(all(test, not(loom)))]
mod tests;

/// The memory that guests may hold.
#[derive(Debug)]
pub struct GuestMemory {
    _made_once: (),
}

/// An address range is not (wholly) memory that guests may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotGuestMemory {
    /// First address of the range.
    pub address: HostPhysical,
    /// Its bytes.
    pub length: u64,
}

impl NotGuestMemory {
    pub(crate) const fn frames(first: FrameNumber, count: u64) -> Self {
        Self { address: first.start(), length: count.saturating_mul(FRAME_SIZE) }
    }
}

/// Frames that cannot become the kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InUse {
    /// The first frame that a guest space maps, that is being copied, or that is the kernel's already.
    pub frame: FrameNumber,
}

impl GuestMemory {
    /// The memory of these frame runs (first frame, count), of a machine with frame numbers below `limit`. `None` where the pool has
    /// no room for the words.
    ///
    /// # Safety
    /// The runs are RAM that the window maps; the kernel keeps nothing of its own in them but what [`pool::contribute`] gives it.
    /// Called once.
    #[must_use]
    pub unsafe fn new(limit: u64, runs: impl Iterator<Item = (FrameNumber, u64)>) -> Option<Self> {
        let words = pool::take_slice_with(limit, || AtomicU16::new(word::NEVER))?;
        for (first, count) in runs {
            let end = first.number().saturating_add(count).min(limit);
            for word in words.get_mut(usize_of(first.number())..usize_of(end)).into_iter().flatten() {
                *word.get_mut() = 0;
            }
        }
        word::install(words);
        Some(Self { _made_once: () })
    }

    /// Does something with a range of bytes while none of its frames can become the kernel's.
    fn with_range(
        &self,
        address: HostPhysical,
        length: usize,
        body: impl FnOnce(*mut u8),
    ) -> Result<(), NotGuestMemory> {
        let refused = NotGuestMemory { address, length: length as u64 };
        let Some(last) = (length as u64).checked_sub(1) else { return Ok(()) };
        let last = address.checked_add(last).ok_or(refused)?.as_u64() / FRAME_SIZE;
        let first = FrameNumber::new(address.as_u64() / FRAME_SIZE).ok_or(refused)?;
        let count = last - first.number() + 1;
        if !hold(first, count) {
            return Err(refused);
        }
        body(physmap::pointer(address));
        let_go(first, count);
        Ok(())
    }

    /// Whether guests may hold this frame now.
    #[must_use]
    pub fn is_guest_frame(&self, frame: FrameNumber) -> bool {
        are_guests(frame, 1)
    }

    /// Copies out of guest memory.
    ///
    /// # Errors
    /// [`NotGuestMemory`] where any byte lies outside; nothing is copied then.
    pub fn read(&self, from: HostPhysical, to: &mut [u8]) -> Result<(), NotGuestMemory> {
        let length = to.len();
        self.with_range(from, length, |bytes| {
            // SAFETY: 1. the range is guest RAM in the window, and stays that as long as it is held (`with_range`, `new`); 2. `to` is
            // kernel memory, so they do not overlap; 3. a guest that writes meanwhile makes the bytes arbitrary, which any `u8` may be.
            unsafe { core::ptr::copy_nonoverlapping(bytes, to.as_mut_ptr(), length) }
        })
    }

    /// Copies into guest memory.
    ///
    /// # Errors
    /// [`NotGuestMemory`] where any byte lies outside; nothing is copied then.
    pub fn write(&self, to: HostPhysical, from: &[u8]) -> Result<(), NotGuestMemory> {
        self.with_range(to, from.len(), |bytes| {
            // SAFETY: as in `read`, with the directions exchanged.
            unsafe { core::ptr::copy_nonoverlapping(from.as_ptr(), bytes, from.len()) }
        })
    }

    /// Fills frames with zeros.
    ///
    /// # Errors
    /// [`NotGuestMemory`] where a frame is not one that guests may hold; nothing has changed then.
    pub fn scrub(&self, first: FrameNumber, count: u64) -> Result<(), NotGuestMemory> {
        let length = usize_of(count.saturating_mul(FRAME_SIZE));
        self.with_range(first.start(), length, |bytes| {
            // SAFETY: the frames are guest RAM in the window, one after the other, and stay that as long as they are held; the
            // kernel keeps no reference to them. Whole words, for frames are aligned.
            unsafe { bytes.cast::<u64>().write_bytes(0, length / size_of::<u64>()) }
        })
    }

    /// Makes frames the kernel's, which no guest space maps.
    pub(crate) fn lend(&self, first: FrameNumber, count: u64, account: Account) -> Result<(), InUse> {
        word::lend(first, count, account)
    }
}
