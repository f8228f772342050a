//! Which virtual CPU this is, where its pages are, and how another one begins.

mod begin;

pub use begin::{VcpuError, create, notify};

use crate::segments::VCPU_NUMBER;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_abi::boot_page::BootPage;
use exo_abi::info::MAX_VCPUS;

/// Physical addresses of the pages that the kernel gives a virtual CPU; 0 where they are not known.
pub(crate) struct Pages {
    pub(crate) events: AtomicU64,
    pub(crate) counters: AtomicU64,
    pub(crate) faults: AtomicU64,
}

static PAGES: [Pages; MAX_VCPUS] = [const { Pages::new() }; MAX_VCPUS];

impl Pages {
    const fn new() -> Self {
        Self { events: AtomicU64::new(0), counters: AtomicU64::new(0), faults: AtomicU64::new(0) }
    }

    fn set(&self, events: u64, counters: u64, faults: u64) {
        self.events.store(events, Ordering::Release);
        self.counters.store(counters, Ordering::Release);
        self.faults.store(faults, Ordering::Release);
    }
}

/// The number of the virtual CPU that runs this: the limit of a segment that nobody loads. Costs no exit.
#[must_use]
pub fn current() -> usize {
    if !cfg!(target_os = "none") {
        return 0;
    }
    let mut number = 0_u32;
    // SAFETY: LSL only reads the descriptor table of this CPU, and never faults. Where the selector names nothing, which is so
    // until the first virtual CPU has loaded its table, the number stays 0.
    unsafe {
        core::arch::asm!(
            "lsl {number:e}, {selector:e}",
            number = inout(reg) number,
            selector = in(reg) u32::from(VCPU_NUMBER.0),
            options(nomem, nostack),
        );
    }
    usize::try_from(number).unwrap_or(0) % MAX_VCPUS
}

/// The pages of the virtual CPU that runs this.
pub(crate) fn pages() -> &'static Pages {
    &PAGES[current()]
}

/// The pages of any virtual CPU.
pub(crate) fn pages_of(vcpu: usize) -> &'static Pages {
    &PAGES[vcpu % MAX_VCPUS]
}

pub(crate) fn initialise(boot: &BootPage) {
    PAGES[0].set(boot.event_page_physical, boot.counters_physical, boot.fault_page_physical);
}

/// Notes where the pages of a virtual CPU are.
pub(crate) fn note(vcpu: usize, events: u64, counters: u64, faults: u64) {
    if let Some(pages) = PAGES.get(vcpu) {
        pages.set(events, counters, faults);
    }
}
