//! Memory that guests may hold, as the kernel sees it: bytes that change under its hands.
//!
//! It is copied, never borrowed. Each frame of the machine has a word that says how many guest spaces map it, or that it is the
//! kernel's: a frame that a guest can reach never becomes the kernel's, and a frame of the kernel's is never a guest's, whatever
//! the layers above believe.

use crate::addr::{FRAME_SIZE, FrameNumber, HostPhysical};
use crate::physmap::{self, usize_of};
use crate::pool::{self, Account};
use core::sync::atomic::{AtomicU16, Ordering};
use spin::Once;

/// From here on a frame's word says that it is the kernel's, and in its low byte of which account.
const KERNEL: u16 = 0xff00;
/// Of no account: not memory that guests may ever hold.
const NEVER: u16 = 0xffff;

/// The words of all frames by number.
static USES: Once<&'static [AtomicU16]> = Once::new();

fn word(frame: u64) -> Option<&'static AtomicU16> {
    USES.get()?.get(usize_of(frame))
}

/// The words of a run; `None` where it reaches beyond the machine.
fn words(first: FrameNumber, count: u64) -> Option<&'static [AtomicU16]> {
    let first = usize_of(first.number());
    USES.get()?.get(first..first.checked_add(usize_of(count))?)
}

/// The account that a frame of the kernel's belongs to, where it came from guest memory.
pub(crate) fn account_of(frame: FrameNumber) -> Option<Account> {
    // Relaxed: only the holder of the frame asks.
    let word = word(frame.number())?.load(Ordering::Relaxed);
    Account::new(word.checked_sub(KERNEL)?)
}

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

/// Frames that cannot become the kernel's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InUse {
    /// The first frame that a guest space maps, or that is the kernel's already.
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
        let words = pool::take_slice_with(limit, || AtomicU16::new(NEVER))?;
        for (first, count) in runs {
            let end = first.number().saturating_add(count).min(limit);
            for word in words.get_mut(usize_of(first.number())..usize_of(end)).into_iter().flatten() {
                *word.get_mut() = 0;
            }
        }
        USES.call_once(|| words);
        Some(Self { _made_once: () })
    }

    /// Checks that every frame of a range of bytes is one that guests may hold now.
    fn check(&self, address: HostPhysical, length: usize) -> Result<(), NotGuestMemory> {
        let refused = NotGuestMemory { address, length: length as u64 };
        let Some(last) = (length as u64).checked_sub(1) else { return Ok(()) };
        let last = address.checked_add(last).ok_or(refused)?.as_u64() / FRAME_SIZE;
        let is_guests = |frame: u64| word(frame).is_some_and(|word| word.load(Ordering::Acquire) < KERNEL);
        if (address.as_u64() / FRAME_SIZE..=last).all(is_guests) { Ok(()) } else { Err(refused) }
    }

    /// Whether guests may hold this frame now.
    #[must_use]
    pub fn is_guest_frame(&self, frame: FrameNumber) -> bool {
        self.check(frame.start(), 1).is_ok()
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
        // SAFETY: as in `read`, with the directions exchanged. A frame becomes the kernel's only under the exokernel's lock, which
        // whoever writes to guest memory holds; and then it holds nothing yet.
        unsafe { core::ptr::copy_nonoverlapping(from.as_ptr(), physmap::pointer::<u8>(to), from.len()) };
        Ok(())
    }

    /// Fills a frame with zeros.
    ///
    /// # Errors
    /// [`NotGuestMemory`] where the frame is not one that guests may hold.
    pub fn scrub(&self, frame: FrameNumber) -> Result<(), NotGuestMemory> {
        self.check(frame.start(), usize_of(FRAME_SIZE))?;
        // SAFETY: as in `write`.
        unsafe { physmap::zero(frame) };
        Ok(())
    }

    /// One more guest space maps these frames.
    ///
    /// # Errors
    /// [`NotGuestMemory`] where one of them is not a guest's; nothing has changed then.
    pub(crate) fn hold(&self, first: FrameNumber, count: u64) -> Result<(), NotGuestMemory> {
        let refused = NotGuestMemory { address: first.start(), length: count.saturating_mul(FRAME_SIZE) };
        let words = words(first, count).ok_or(refused)?;
        // AcqRel: pairs with `lend`, which takes only frames that nobody holds.
        let refusing = words.iter().position(|word| word.fetch_add(1, Ordering::AcqRel) >= KERNEL);
        refusing.map_or(Ok(()), |index| {
            for word in &words[..=index] {
                word.fetch_sub(1, Ordering::AcqRel);
            }
            Err(refused)
        })
    }

    /// One guest space less maps these frames, and no CPU has a translation of it left.
    pub(crate) fn let_go(&self, first: FrameNumber, count: u64) {
        for word in words(first, count).unwrap_or_default() {
            word.fetch_sub(1, Ordering::AcqRel);
        }
    }

    /// Makes frames the kernel's, which no guest space maps.
    pub(crate) fn lend(&self, first: FrameNumber, count: u64, account: Account) -> Result<(), InUse> {
        let kernels = KERNEL + account.number();
        for frame in first.number()..first.number().saturating_add(count) {
            let taken = word(frame).map(|word| word.compare_exchange(0, kernels, Ordering::AcqRel, Ordering::Acquire));
            if !matches!(taken, Some(Ok(_))) {
                (first.number()..frame).filter_map(FrameNumber::new).for_each(|frame| self.take_back(frame));
                return Err(InUse { frame: FrameNumber::new(frame).unwrap_or(first) });
            }
        }
        Ok(())
    }

    /// Makes a frame that was lent to the kernel a guest's again.
    pub(crate) fn take_back(&self, frame: FrameNumber) {
        if let Some(word) = word(frame.number()) {
            word.store(0, Ordering::Release);
        }
    }
}
