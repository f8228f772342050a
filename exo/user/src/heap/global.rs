//! The one heap of the environment.

use super::extents::{Extents, Memory};
use crate::frames::{self, Block};
use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicUsize, Ordering};
use exo_abi::layout::FRAME_SIZE;
use spin::Mutex;
use talc::{OomHandler, Talc};

/// Frames taken at a time, so that small allocations do not each make an extent of their own.
const GROWTH: u64 = 32;

#[global_allocator]
static HEAP: Heap = Heap(Mutex::new(Talc::new(TakeFrames(Extents::new()))), AtomicUsize::new(0));

/// The allocator, and the bytes that are in use.
struct Heap(Mutex<Talc<TakeFrames>>, AtomicUsize);

/// What the heap is made of.
struct TakeFrames(Extents<Block>);

/// Bytes of the heap that are free, in pieces of any size: with these it need not grow.
#[must_use]
pub fn free_bytes() -> usize {
    let claimed = HEAP.0.lock().oom_handler.0.bytes();
    claimed.saturating_sub(HEAP.1.load(Ordering::Relaxed))
}

/// Gives the pool frames that the heap does not use, those at the ends of its extents; how many bytes that are.
pub fn trim() -> usize {
    Extents::trim(&mut HEAP.0.lock(), |handler| &mut handler.0)
}

impl Memory for Block {
    fn base(&self) -> *mut u8 {
        self.pointer()
    }

    fn length(&self) -> usize {
        self.bytes()
    }

    fn shorten(&mut self, frames: usize) {
        drop(self.split_off(frames as u64));
    }
}

impl OomHandler for TakeFrames {
    fn handle_oom(talc: &mut Talc<Self>, layout: Layout) -> Result<(), ()> {
        // Twice the alignment and one frame more than asked: room for the allocator's own words at both ends.
        let bytes = layout.size().saturating_add(layout.align().saturating_mul(2));
        let needed = (bytes as u64).div_ceil(FRAME_SIZE).saturating_add(1);
        let memory = frames::allocate_block(needed.max(GROWTH), 1).or_else(|| frames::allocate_block(needed, 1));
        Extents::add(talc, |handler| &mut handler.0, memory.ok_or(())?)
    }
}

// SAFETY: every request goes to talc, which meets the contract; the lock makes requests one at a time.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises a size above zero.
        let taken = unsafe { self.0.lock().malloc(layout) };
        if taken.is_ok() {
            self.1.fetch_add(layout.size(), Ordering::Relaxed);
        }
        taken.map_or(null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if let Some(pointer) = NonNull::new(pointer) {
            // SAFETY: the caller promises that the pointer came from `alloc` with this layout.
            unsafe { self.0.lock().free(pointer, layout) };
            self.1.fetch_sub(layout.size(), Ordering::Relaxed);
        }
    }
}
