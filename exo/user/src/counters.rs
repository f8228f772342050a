//! Reading the exit counters that the kernel keeps for this vCPU.

use crate::frames;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_abi::boot_page::BootPage;
use exo_abi::counters::CountersPage;

static COUNTERS_PHYSICAL: AtomicU64 = AtomicU64::new(0);

pub(crate) fn initialise(boot: &BootPage) {
    COUNTERS_PHYSICAL.store(boot.counters_physical, Ordering::Relaxed);
}

/// A copy of the counters as they are now. Makes no call.
///
/// # Panics
/// Before the library is set up.
#[must_use]
pub fn counters() -> CountersPage {
    let physical = COUNTERS_PHYSICAL.load(Ordering::Relaxed);
    assert_ne!(physical, 0, "no boot page was read");
    let page = frames::window(physical).cast::<CountersPage>();
    // SAFETY: the boot page names this frame as the counters page; the kernel keeps it mapped read-only in the
    // physical window for the life of the environment. It changes only at exits, and a copy without calls has none
    // but interrupts; volatile, because the compiler cannot see the kernel write.
    unsafe { page.read_volatile() }
}
