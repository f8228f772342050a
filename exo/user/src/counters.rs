//! Reading the exit counters that the kernel keeps for each virtual CPU.

use crate::{frames, vcpu};
use core::sync::atomic::Ordering;
use exo_abi::counters::CountersPage;

/// A copy of this virtual CPU's counters as they are now. Makes no call.
///
/// # Panics
/// Before the library is set up.
#[must_use]
pub fn counters() -> CountersPage {
    let physical = vcpu::pages().counters.load(Ordering::Acquire);
    assert_ne!(physical, 0, "no boot page was read");
    let page = frames::window(physical).cast::<CountersPage>();
    // SAFETY: the boot page names this frame as the counters page; the kernel keeps it mapped read-only in the
    // physical window for the life of the environment. It changes only at exits, and a copy without calls has none
    // but interrupts; volatile, because the compiler cannot see the kernel write.
    unsafe { page.read_volatile() }
}
