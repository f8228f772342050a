//! Slices in the kernel's own frames that are never returned, and those of them that guests may read.

use super::KernelFrame;
use crate::addr::{FRAME_SIZE, FrameNumber, HostPhysical, LARGE_FRAMES};
use crate::physmap::usize_of;
use zerocopy::{FromBytes, IntoBytes};

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
