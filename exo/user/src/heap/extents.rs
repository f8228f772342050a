//! The pieces of memory that the heap is made of, each with a header at its own start, so that it can be given back.

use crate::frames::FRAME_BYTES as FRAME;
use core::mem::size_of;
use core::ptr::{NonNull, null_mut};
use talc::{OomHandler, Span, Talc};

/// Whole frames in one piece, which nobody else uses. Dropping it gives them back.
pub(super) trait Memory: Send + Sized {
    /// Where it begins, at a frame's boundary.
    fn base(&self) -> *mut u8;
    /// Its length, of whole frames.
    fn length(&self) -> usize;
    /// Gives back all but the first `frames` frames, of which there is one at least.
    fn shorten(&mut self, frames: usize);
}

/// What lies at the start of every extent.
struct Header<M> {
    memory: M,
    /// What the allocator has of it.
    heap: Span,
    next: *mut Header<M>,
}

/// All extents of one allocator.
pub(super) struct Extents<M> {
    first: *mut Header<M>,
    bytes: usize,
}

// SAFETY: the headers are reached through this alone, and what is in them may be sent.
unsafe impl<M: Send> Send for Extents<M> {}

impl<M: Memory> Extents<M> {
    pub(super) const fn new() -> Self {
        Self { first: null_mut(), bytes: 0 }
    }

    /// Bytes of all.
    pub(super) const fn bytes(&self) -> usize {
        self.bytes
    }

    /// Gives an allocator more memory. `of` finds its extents.
    pub(super) fn add<O: OomHandler>(talc: &mut Talc<O>, of: fn(&mut O) -> &mut Self, memory: M) -> Result<(), ()> {
        let (base, length) = (memory.base(), memory.length());
        let header: *mut Header<M> = base.cast();
        // SAFETY: (1) the memory is ours alone, and no shorter than a frame, so that the header and what follows are in it; (2) a frame's
        // boundary is aligned for everything.
        let heap = unsafe {
            let start = base.add(size_of::<Header<M>>());
            talc.claim(Span::from_base_size(start, length - size_of::<Header<M>>()))?
        };
        let extents = of(&mut talc.oom_handler);
        // SAFETY: as above; the allocator has only what follows the header.
        unsafe { header.write(Header { memory, heap, next: extents.first }) };
        extents.first = header;
        extents.bytes += length;
        Ok(())
    }

    /// Gives back every frame after the last that is in use of each extent; how many bytes that are.
    pub(super) fn trim<O: OomHandler>(talc: &mut Talc<O>, of: fn(&mut O) -> &mut Self) -> usize {
        let mut freed = 0;
        let mut rest = core::mem::replace(&mut of(&mut talc.oom_handler).first, null_mut());
        let mut kept: *mut Header<M> = null_mut();
        while let Some(mut header) = NonNull::new(rest) {
            // SAFETY: the extents were made by `add`, the list has each once, and nobody else has a reference to a header.
            let extent = unsafe { header.as_mut() };
            rest = extent.next;
            // SAFETY: the span is what `claim` or `truncate` returned last.
            let used = unsafe { talc.get_allocated_span(extent.heap) };
            let base = header.as_ptr() as usize;
            let end = used.get_base_acme().map_or(base, |(_, end)| end as usize);
            let (frames, length) = ((end - base).div_ceil(FRAME), extent.memory.length());
            if frames == 0 {
                // SAFETY: as above; nothing in it is in use, and with the header nothing refers to it any more.
                drop(unsafe {
                    talc.truncate(extent.heap, Span::empty());
                    header.read()
                });
                freed += length;
                continue;
            }
            if frames * FRAME < length {
                let end = header.as_ptr().cast::<u8>().wrapping_add(frames * FRAME);
                // SAFETY: as above; all that is in use lies before that end.
                extent.heap = unsafe { talc.truncate(extent.heap, extent.heap.below(end)) };
                extent.memory.shorten(frames);
                freed += length - frames * FRAME;
            }
            extent.next = kept;
            kept = header.as_ptr();
        }
        let extents = of(&mut talc.oom_handler);
        extents.first = kept;
        extents.bytes -= freed;
        freed
    }
}
