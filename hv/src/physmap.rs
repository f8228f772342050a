//! The window through which the kernel reaches physical memory: writable, never executable.

use crate::addr::{FRAME_SIZE, FrameNumber, HostPhysical, HostVirtual};

/// Physical address 0 is mapped here. The boot code maps the first 4 GiB, [`crate::paging`] the rest.
pub const WINDOW: u64 = 0xffff_8000_0000_0000;

/// The kernel's virtual address of a physical one. Whether anything is mapped there is the caller's to know.
#[must_use]
pub const fn virtual_of(address: HostPhysical) -> HostVirtual {
    HostVirtual::new(WINDOW + address.as_u64())
}

/// A pointer to physical memory.
#[must_use]
pub fn pointer<T>(address: HostPhysical) -> *mut T {
    #[cfg(not(all(test, not(loom))))]
    let start = usize_of(virtual_of(address).as_u64());
    // On the host the window is somewhere else.
    #[cfg(all(test, not(loom)))]
    let start = crate::test_machine::pointer(address);
    core::ptr::with_exposed_provenance_mut(start)
}

/// The physical address of an object in the kernel's image or in the window.
#[must_use]
pub fn physical_of<T: ?Sized>(pointer: *const T) -> HostPhysical {
    const IMAGE: u64 = 0xffff_ffff_8000_0000;
    let address = pointer.cast::<u8>().expose_provenance() as u64;
    HostPhysical::new(if address >= IMAGE { address - IMAGE } else { address.wrapping_sub(WINDOW) })
}

/// Fills a frame with zeros.
///
/// # Safety
/// The frame is RAM inside the window and nothing refers to its contents.
pub unsafe fn zero(frame: FrameNumber) {
    // SAFETY: the caller vouches for the frame; the window maps all of it writable.
    unsafe { core::ptr::write_bytes(pointer::<u8>(frame.start()), 0, usize_of(FRAME_SIZE)) }
}

/// `u64` to `usize`: the same width on the only architecture that Ravelin runs on.
#[must_use]
#[allow(clippy::cast_possible_truncation, reason = "usize has 64 bits on x86-64")]
pub const fn usize_of(value: u64) -> usize {
    const { assert!(size_of::<usize>() == 8) };
    value as usize
}
