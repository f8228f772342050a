//! The environment's own frames: a pool of those that are free, and frames taken from the kernel and given back to it.
//!
//! At first the pool is what the boot page lists. Taking a frame out of it makes no call, and it never grows by itself: see
//! [`grow`] and [`set_source`]. It hands out the lowest frame that is free; whoever wants another order takes
//! [`OwnedFrames`] and keeps his own list.

mod block;
mod choice;
mod exchange;
mod list;
mod owned;
pub(crate) mod pool;
pub(crate) mod supply;
#[cfg(test)]
pub(crate) mod tests;
mod window;

pub use block::{Block, allocate_block, allocate_block_here};
pub use choice::Wanted;
pub(crate) use exchange::is_usable;
pub use exchange::{grow, is_own, set_guaranteed, shrink, take_promised};
pub use owned::OwnedFrames;
pub use supply::FramesError;
pub(crate) use window::extend;
pub use window::{WindowTables, extend_window, pointer, window};

use core::mem::{ManuallyDrop, transmute};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};
use exo_abi::boot_page::{BootPage, FrameRun};
use exo_abi::layout::FRAME_SIZE;
use pool::Pool;
use spin::Mutex;
use window::WindowWords;

/// Bytes in a frame, as an array length.
pub const FRAME_BYTES: usize = 4096;

static POOL: Mutex<Pool<WindowWords>> = Mutex::new(Pool::new(WindowWords));
static SOURCE: AtomicPtr<()> = AtomicPtr::new(null_mut());

/// A frame of the pool that somebody uses; dropping it gives it back.
#[derive(Debug)]
pub struct Frame {
    number: u64,
}

impl Frame {
    /// The frame's physical address.
    #[must_use]
    pub const fn physical(&self) -> u64 {
        self.number * FRAME_SIZE
    }

    /// The frame's bytes, which hold whatever was there before.
    #[must_use]
    pub fn bytes(&mut self) -> &mut [u8; FRAME_BYTES] {
        // SAFETY: (1) the environment owns the frame and the window maps it writable; (2) the pool hands it out once, so
        // `&mut self` is the only way here; (3) any bytes are valid.
        unsafe { &mut *window(self.physical()).cast() }
    }

    /// Keeps the frame for ever; its physical address.
    #[must_use]
    pub fn leak(self) -> u64 {
        ManuallyDrop::new(self).physical()
    }

    /// The frame that was leaked.
    ///
    /// # Safety
    /// It came from [`leak`](Self::leak), and nobody uses it any more.
    #[must_use]
    pub const unsafe fn from_leaked(physical: u64) -> Self {
        Self { number: physical / FRAME_SIZE }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        POOL.lock().give_back(FrameRun { first: self.number, count: 1 });
    }
}

/// `kept` more frames are in use after those that the boot page says are.
pub(crate) fn initialise(boot: &BootPage, kept: u64) {
    window::initialise(boot.physical_window);
    let mut pool = POOL.lock();
    let mut used = boot.used_frames + kept;
    for &FrameRun { first, count } in boot.runs() {
        let skipped = used.min(count);
        used -= skipped;
        pool.insert(FrameRun { first: first + skipped, count: count - skipped });
    }
    used = boot.used_frames + kept;
    for &FrameRun { first, count } in boot.runs() {
        pool.hold(FrameRun { first, count: used.min(count) });
        used -= used.min(count);
    }
    drop(pool);
    window::keep_tables();
    list::initialise();
}

/// Takes one free frame.
#[must_use]
pub fn allocate() -> Option<Frame> {
    allocate_here().or_else(|| {
        ask_source(1);
        allocate_here()
    })
}

/// The same without asking the source: whoever edits the window may not wait for its being edited.
pub(crate) fn allocate_here() -> Option<Frame> {
    POOL.lock().take(1, 1).map(|number| Frame { number })
}

/// Takes `count` consecutive frames for ever, as one piece of memory in the physical window.
#[must_use]
pub fn allocate_contiguous(count: u64) -> Option<&'static mut [u8]> {
    let first = POOL.lock().take(count, 1);
    let first = first.or_else(|| {
        ask_source(count);
        POOL.lock().take(count, 1)
    })?;
    let length = usize::try_from(count.checked_mul(FRAME_SIZE)?).ok()?;
    // SAFETY: as for `Frame::bytes`; the frames are never given back, so the memory lives as long as the environment.
    Some(unsafe { core::slice::from_raw_parts_mut(window(first * FRAME_SIZE), length) })
}

/// How many frames of the pool are free.
#[must_use]
pub fn available() -> u64 {
    POOL.lock().free()
}

/// Has `source` called with a number of frames, wanted in one piece, when the pool has them not; it may [`grow`] the pool. It must
/// not use the heap. At first there is no source, and what the pool has not is not to be had.
pub fn set_source(source: fn(u64)) {
    SOURCE.store(source as *mut (), Ordering::Release);
}

fn ask_source(count: u64) {
    let source = SOURCE.load(Ordering::Acquire);
    if !source.is_null() {
        // SAFETY: only `set_source` stores here, and it stores this type.
        unsafe { transmute::<*mut (), fn(u64)>(source)(count) }
    }
}

/// Whether somebody has the pool in hand: then an upcall on the same virtual CPU must not ask it.
pub(crate) fn is_busy() -> bool {
    POOL.is_locked() || list::is_busy()
}

/// Nobody uses these frames any more, which were in use from the beginning.
pub(crate) fn give_back(run: FrameRun) {
    POOL.lock().give_back(run);
}

/// A frame was taken away, or its binding.
pub(crate) fn lose(frame: u64) {
    POOL.lock().lose(frame);
}

/// The next frame from `frame` on that the library holds.
pub(crate) fn next_held(frame: u64) -> Option<u64> {
    POOL.lock().next_held(frame)
}
