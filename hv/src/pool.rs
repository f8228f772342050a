//! Frames that the kernel keeps for itself: tables, VMCSs, stacks, per-vCPU pages.

mod boxed;
mod exposed;
mod tables;

pub use boxed::KernelBox;
pub use exposed::{Exposed, take_exposed, take_slice, take_slice_with};
pub(crate) use tables::KernelTables;

use crate::addr::{FRAME_SIZE, FrameNumber};
use crate::guest_memory::{self, GuestMemory, InUse};
use crate::physmap::{self, usize_of};
use core::ptr::NonNull;
use spin::Mutex;

#[cfg(all(test, not(loom)))]
mod tests;

struct Pool {
    /// Frames from here to `end` were never handed out.
    fresh: u64,
    end: u64,
    /// Head of the list of returned frames, linked through their first words; 0 ends it.
    returned: u64,
    free: u64,
    total: u64,
}

const ACCOUNTS: usize = 65;

static POOLS: [Mutex<Pool>; ACCOUNTS] =
    [const { Mutex::new(Pool { fresh: 0, end: 0, returned: 0, free: 0, total: 0 }) }; ACCOUNTS];

/// Whose frames they are: the kernel's own, or what somebody has put at the kernel's disposal for its own sake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Account(u16);

impl Account {
    /// The kernel's own frames.
    pub const KERNEL: Self = Self(0);

    /// The account with this number, 1..=64.
    #[must_use]
    pub const fn new(number: u16) -> Option<Self> {
        if number != 0 && (number as usize) < ACCOUNTS { Some(Self(number)) } else { None }
    }

    pub(crate) const fn number(self) -> u16 {
        self.0
    }

    fn pool(self) -> spin::MutexGuard<'static, Pool> {
        POOLS[usize::from(self.0)].lock()
    }
}

/// A frame of the kernel's, zeroed when taken and given back to its account when dropped.
#[derive(Debug)]
pub struct KernelFrame(FrameNumber);

/// Gives the kernel's account its frames.
///
/// # Safety
/// The run is RAM below 4 GiB that the window maps and that nothing else uses; called once.
pub unsafe fn initialise(first: FrameNumber, count: u64) {
    let (start, end) = (first.number(), first.number() + count);
    *Account::KERNEL.pool() = Pool { fresh: start, end, returned: 0, free: count, total: count };
}

/// Frames of an account that can still be taken.
#[must_use]
pub fn available(account: Account) -> u64 {
    account.pool().free
}

/// Frames of an account, taken or not.
#[must_use]
pub fn total(account: Account) -> u64 {
    account.pool().total
}

/// Makes frames of guest memory the kernel's, for an account.
///
/// # Errors
/// [`InUse`] where a guest space maps one of them; nothing has changed then.
pub fn contribute(memory: &GuestMemory, account: Account, first: FrameNumber, count: u64) -> Result<(), InUse> {
    memory.lend(first, count, account)?;
    account.pool().total += count;
    (0..count).filter_map(|offset| first.checked_add(offset)).for_each(give);
    Ok(())
}

/// Makes all frames of an account, none of which is in use any more, guest memory again. They are dirty: they hold whatever the kernel
/// left in them. A frame that a guest space still shows counts as in use, whoever has given it up.
///
/// # Errors
/// [`StillUsed`] where some are in use; nothing has changed then.
pub fn withdraw(_memory: &GuestMemory, account: Account) -> Result<(), StillUsed> {
    let mut pool = account.pool();
    if account == Account::KERNEL || pool.free != pool.total {
        return Err(StillUsed { frames: pool.total - pool.free });
    }
    while let Some(frame) = FrameNumber::new(pool.returned).filter(|_| pool.returned != 0) {
        // SAFETY: a frame on the list was returned whole, so its first word is the list's.
        pool.returned = unsafe { physmap::pointer::<u64>(frame.start()).read() };
        guest_memory::take_back(frame);
    }
    (pool.free, pool.total) = (0, 0);
    Ok(())
}

/// Frames of an account are in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StillUsed {
    /// How many.
    pub frames: u64,
}

fn take(account: Account) -> Option<FrameNumber> {
    let mut pool = account.pool();
    let number = if pool.returned != 0 {
        let number = pool.returned;
        // SAFETY: a frame on the list was returned whole, so its first word is the list's.
        pool.returned = unsafe { physmap::pointer::<u64>(FrameNumber::new(number)?.start()).read() };
        number
    } else if pool.fresh < pool.end {
        pool.fresh += 1;
        pool.fresh - 1
    } else {
        return None;
    };
    pool.free -= 1;
    drop(pool);
    let frame = FrameNumber::new(number)?;
    // SAFETY: the frame has just left the pool, so nobody refers to it.
    unsafe { physmap::zero(frame) };
    Some(frame)
}

/// Gives a frame back to the account that it came from, at once or when no guest sees it any more.
fn give(frame: FrameNumber) {
    if let Some(account) = guest_memory::give_up(frame) {
        put_back(account, frame);
    }
}

/// Notes that no guest sees these frames of the kernel's any more. Those that were given back before are now.
pub(crate) fn hide(first: FrameNumber, count: u64) {
    guest_memory::hide(first, count, give);
}

fn put_back(account: Account, frame: FrameNumber) {
    let mut pool = account.pool();
    // SAFETY: the giver held the frame and gave it up, so its first word may link it.
    unsafe { physmap::pointer::<u64>(frame.start()).write(pool.returned) };
    pool.returned = frame.number();
    pool.free += 1;
}

impl KernelFrame {
    /// Takes a zeroed frame of the kernel's own; `None` where there is none.
    #[must_use]
    pub fn take() -> Option<Self> {
        Self::take_from(Account::KERNEL)
    }

    /// Takes a zeroed frame of an account; `None` where it has none.
    #[must_use]
    pub fn take_from(account: Account) -> Option<Self> {
        take(account).map(Self)
    }

    /// Takes a run of zeroed frames that follow one another and never returns them: stacks and large tables.
    #[must_use]
    pub fn take_run(count: u64) -> Option<(FrameNumber, NonNull<u8>)> {
        Self::take_aligned_run(count, 1)
    }

    /// The same, beginning at a multiple of `align` frames; those before it are lost.
    fn take_aligned_run(count: u64, align: u64) -> Option<(FrameNumber, NonNull<u8>)> {
        let mut pool = Account::KERNEL.pool();
        let start = pool.fresh.checked_next_multiple_of(align)?;
        let end = start.checked_add(count).filter(|&end| end <= pool.end)?;
        let first = FrameNumber::new(start)?;
        pool.free -= end - pool.fresh;
        pool.fresh = end;
        drop(pool);
        let bytes = NonNull::new(physmap::pointer::<u8>(first.start()))?;
        // SAFETY: the run has just left the pool; the window maps it.
        unsafe { bytes.write_bytes(0, usize_of(count * FRAME_SIZE)) };
        Some((first, bytes))
    }

    /// Its number.
    #[must_use]
    pub fn number(&self) -> FrameNumber {
        self.0
    }

    /// Where the kernel reaches its bytes.
    #[must_use]
    pub fn pointer<T>(&self) -> *mut T {
        physmap::pointer(self.0.start())
    }
}

impl Drop for KernelFrame {
    fn drop(&mut self) {
        give(self.0);
    }
}
