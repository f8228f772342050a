//! The global allocator: grows by whole frames through the physical window whenever it is empty.

use crate::frames;
use core::alloc::{GlobalAlloc, Layout};
use core::ptr::{NonNull, null_mut};
use exo_abi::layout::FRAME_SIZE;
use spin::Mutex;
use talc::{OomHandler, Span, Talc};

/// Frames taken at a time, so that small allocations do not each make a heap of their own.
const GROWTH: u64 = 32;

#[global_allocator]
static HEAP: Heap = Heap(Mutex::new(Talc::new(TakeFrames)));

struct Heap(Mutex<Talc<TakeFrames>>);

struct TakeFrames;

impl OomHandler for TakeFrames {
    fn handle_oom(talc: &mut Talc<Self>, layout: Layout) -> Result<(), ()> {
        // Twice the alignment and one frame more than asked: room for the allocator's own words at both ends.
        let bytes = layout.size().saturating_add(layout.align().saturating_mul(2));
        let needed = (bytes as u64).div_ceil(FRAME_SIZE).saturating_add(1);
        let memory =
            frames::allocate_contiguous(needed.max(GROWTH)).or_else(|| frames::allocate_contiguous(needed)).ok_or(())?;
        // SAFETY: the memory is ours alone, for ever.
        unsafe { talc.claim(Span::from_base_size(memory.as_mut_ptr(), memory.len())) }.map(|_| ())
    }
}

// SAFETY: every request goes to talc, which meets the contract; the lock makes requests one at a time.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller promises a size above zero.
        unsafe { self.0.lock().malloc(layout) }.map_or(null_mut(), NonNull::as_ptr)
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        if let Some(pointer) = NonNull::new(pointer) {
            // SAFETY: the caller promises that the pointer came from `alloc` with this layout.
            unsafe { self.0.lock().free(pointer, layout) }
        }
    }
}
