//! Frames that the kernel keeps for itself: tables, VMCSs, stacks, per-vCPU pages.

use crate::addr::{FRAME_SIZE, FrameNumber};
use crate::paging::TableMemory;
use crate::physmap::{self, usize_of};
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};
use core::ptr::NonNull;
use spin::Mutex;

struct Pool {
    first: u64,
    /// Frames from here to `end` were never handed out.
    fresh: u64,
    end: u64,
    /// Head of the list of returned frames, linked through their first words; 0 ends it.
    returned: u64,
    free: u64,
}

static POOL: Mutex<Pool> = Mutex::new(Pool { first: 0, fresh: 0, end: 0, returned: 0, free: 0 });

/// A frame of the kernel's own, zeroed when taken and given back when dropped.
#[derive(Debug)]
pub struct KernelFrame(FrameNumber);

/// Gives the pool its frames.
///
/// # Safety
/// The run is RAM below 4 GiB that the window maps and that nothing else uses; called once.
pub unsafe fn initialise(first: FrameNumber, count: u64) {
    let mut pool = POOL.lock();
    let (start, end) = (first.number(), first.number() + count);
    *pool = Pool { first: start, fresh: start, end, returned: 0, free: count };
}

/// Frames that can still be taken.
#[must_use]
pub fn free() -> u64 {
    POOL.lock().free
}

fn take() -> Option<FrameNumber> {
    let mut pool = POOL.lock();
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

fn give(frame: FrameNumber) {
    let mut pool = POOL.lock();
    assert!((pool.first..pool.end).contains(&frame.number()), "frame {frame:?} is not of the kernel's pool");
    // SAFETY: the giver held the frame and gave it up, so its first word may link it.
    unsafe { physmap::pointer::<u64>(frame.start()).write(pool.returned) };
    pool.returned = frame.number();
    pool.free += 1;
}

impl KernelFrame {
    /// Takes a zeroed frame; `None` where the pool is empty.
    #[must_use]
    pub fn take() -> Option<Self> {
        take().map(Self)
    }

    /// Takes a run of zeroed frames that follow one another and never returns them: stacks and large tables.
    #[must_use]
    pub fn take_run(count: u64) -> Option<(FrameNumber, NonNull<u8>)> {
        let mut pool = POOL.lock();
        if pool.end - pool.fresh < count {
            return None;
        }
        let first = FrameNumber::new(pool.fresh)?;
        pool.fresh += count;
        pool.free -= count;
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

/// Paging tables in the kernel's own frames.
#[derive(Clone, Copy, Debug, Default)]
pub struct KernelTables;

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
        take()
    }

    fn give(&mut self, table: FrameNumber) {
        give(table);
    }
}

/// Takes a run of frames that is never returned, as a slice of `count` copies of `value`.
#[must_use]
pub fn take_slice<T: Copy>(count: u64, value: T) -> Option<&'static mut [T]> {
    let bytes = count.checked_mul(size_of::<T>() as u64)?;
    let (_, start) = KernelFrame::take_run(bytes.div_ceil(FRAME_SIZE).max(1))?;
    let start = start.cast::<T>();
    let count = usize_of(count);
    for index in 0..count {
        // SAFETY: the run has room for `count` elements, is page-aligned, and is this function's alone.
        unsafe { start.add(index).write(value) };
    }
    // SAFETY: as above, and all elements are initialised; the run is never returned.
    Some(unsafe { core::slice::from_raw_parts_mut(start.as_ptr(), count) })
}

/// A value in a kernel frame of its own: the kernel has no heap.
#[derive(Debug)]
pub struct KernelBox<T> {
    frame: KernelFrame,
    value: PhantomData<T>,
}

impl<T> KernelBox<T> {
    /// Moves a value into a frame; `None`, and the value is dropped, where the pool is empty.
    #[must_use]
    pub fn new(value: T) -> Option<Self> {
        const { assert!(size_of::<T>() <= 4096 && align_of::<T>() <= 4096) };
        let frame = KernelFrame::take()?;
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
