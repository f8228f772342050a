//! Frames that the kernel keeps for itself: tables, VMCSs, stacks, per-vCPU pages.

use crate::addr::{FRAME_SIZE, FrameNumber, HostPhysical, LARGE_FRAMES};
use crate::guest_memory::{self, GuestMemory, InUse};
use crate::paging::TableMemory;
use crate::physmap::{self, usize_of};
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use spin::Mutex;
use zerocopy::{FromBytes, IntoBytes};

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

/// Paging tables in the kernel's frames; new ones come from this account.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KernelTables(pub(crate) Account);

impl TableMemory for KernelTables {
    fn read(&self, table: FrameNumber, index: usize) -> u64 {
        assert!(index < 512, "a table has 512 entries");
        // SAFETY: a `Tree` reads only tables that it took from here; volatile, as the CPU sets accessed and dirty bits.
        unsafe { physmap::pointer::<u64>(table.start()).add(index).read_volatile() }
    }

    fn write(&mut self, table: FrameNumber, index: usize, value: u64) {
        assert!(index < 512, "a table has 512 entries");
        // SAFETY: as in `read`; whoever holds the tree mutably is its only writer but the CPU.
        unsafe { physmap::pointer::<u64>(table.start()).add(index).write_volatile(value) }
    }

    fn take(&mut self) -> Option<FrameNumber> {
        take(self.0)
    }

    fn give(&mut self, table: FrameNumber) {
        give(table);
    }
}

/// Takes a run of frames that is never returned, as a slice of `count` copies of `value`.
#[must_use]
pub fn take_slice<T: Copy>(count: u64, value: T) -> Option<&'static mut [T]> {
    take_slice_with(count, || value)
}

/// The same with a value made for each element.
#[must_use]
pub fn take_slice_with<T>(count: u64, value: impl FnMut() -> T) -> Option<&'static mut [T]> {
    take_run_of(count, 1, value).map(|(_, slice)| slice)
}

fn take_run_of<T>(count: u64, align: u64, mut value: impl FnMut() -> T) -> Option<(Exposed, &'static mut [T])> {
    let frames = count.checked_mul(size_of::<T>() as u64)?.div_ceil(FRAME_SIZE).max(1);
    let (first, start) = KernelFrame::take_aligned_run(frames, align)?;
    let start = start.cast::<T>();
    let length = usize_of(count);
    for index in 0..length {
        // SAFETY: the run has room for `count` elements, is page-aligned, and is this function's alone.
        unsafe { start.add(index).write(value()) };
    }
    // SAFETY: as above, and all elements are initialised; the run is never returned.
    let slice = unsafe { core::slice::from_raw_parts_mut(start.as_ptr(), length) };
    Some((Exposed { first, count: frames }, slice))
}

/// A run of frames of the kernel's that any guest may read, and that hold nothing but one slice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Exposed {
    pub(crate) first: FrameNumber,
    pub(crate) count: u64,
}

impl Exposed {
    /// Where it begins.
    #[must_use]
    pub const fn start(&self) -> HostPhysical {
        self.first.start()
    }

    /// Its first frame.
    #[must_use]
    pub const fn first(&self) -> FrameNumber {
        self.first
    }

    /// How many frames.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.count
    }
}

/// Takes a run of frames that is never returned and that guests may be shown, as a slice of `count` copies of `value`. What the slice
/// leaves of the last frame is zero.
#[must_use]
pub fn take_exposed<T: IntoBytes + FromBytes + Copy>(count: u64, value: T) -> Option<(Exposed, &'static mut [T])> {
    let bytes = count.checked_mul(size_of::<T>() as u64)?;
    // Large enough for large leaves: aligned so that they fit.
    let align = if bytes >= LARGE_FRAMES * FRAME_SIZE { LARGE_FRAMES } else { 1 };
    take_run_of(count, align, || value)
}

/// A value in a kernel frame of its own: the kernel has no heap.
#[derive(Debug)]
pub struct KernelBox<T> {
    frame: KernelFrame,
    value: PhantomData<T>,
}

impl<T> KernelBox<T> {
    /// Moves a value into a frame of the kernel's own; `None`, and the value is dropped, where there is none.
    #[must_use]
    pub fn new(value: T) -> Option<Self> {
        Self::new_in(Account::KERNEL, value)
    }

    /// The same in a frame of an account.
    #[must_use]
    pub fn new_in(account: Account, value: T) -> Option<Self> {
        const { assert!(size_of::<T>() <= 4096 && align_of::<T>() <= 4096) };
        let frame = KernelFrame::take_from(account)?;
        // SAFETY: the frame is large enough, aligned and this box's alone.
        unsafe { frame.pointer::<T>().write(value) };
        Some(Self { frame, value: PhantomData })
    }

    /// Moves the value out again.
    #[must_use]
    pub fn into_inner(boxed: Self) -> T {
        let boxed = ManuallyDrop::new(boxed);
        // SAFETY: the frame holds an initialised value; neither it nor the frame is used again, since `boxed` is not dropped.
        let (value, frame) = unsafe { (boxed.frame.pointer::<T>().read(), core::ptr::read(&raw const boxed.frame)) };
        drop(frame);
        value
    }
}

impl<T> Deref for KernelBox<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the frame holds an initialised value, and only this box refers to it.
        unsafe { &*self.frame.pointer::<T>() }
    }
}

impl<T> DerefMut for KernelBox<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`; `&mut self` makes it the only reference.
        unsafe { &mut *self.frame.pointer::<T>() }
    }
}

impl<T> Drop for KernelBox<T> {
    fn drop(&mut self) {
        // SAFETY: the value is initialised and nobody uses it after its box.
        unsafe { core::ptr::drop_in_place(self.frame.pointer::<T>()) };
    }
}
