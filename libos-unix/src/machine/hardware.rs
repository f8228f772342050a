//! The virtual machine that this library OS has to itself. It uses one virtual CPU, and ring 0 runs with interrupts off: so nothing
//! here is ever entered twice.

#![allow(unsafe_code)] // frames, page tables and registers are this module's business

mod frames;

pub(crate) use frames::*;

use core::cell::UnsafeCell;
use exo_user::cpu;

/// State that only the one virtual CPU touches, with interrupts off.
pub(super) struct Single<T>(UnsafeCell<T>);

// SAFETY: there is one virtual CPU, and nothing interrupts ring 0.
unsafe impl<T> Sync for Single<T> {}

impl<T> Single<T> {
    pub(super) const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Does something with it. `work` must not come here again.
    #[inline(always)]
    pub(super) fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: (1) as above; (2) every caller is a leaf, which calls nothing that comes here again.
        work(unsafe { &mut *self.0.get() })
    }
}

pub(crate) fn flush_page(address: u64) {
    cpu::invalidate_page(address);
}

pub(crate) fn flush_all() {
    // SAFETY: the table in force stays in force.
    unsafe { cpu::write_cr3(cpu::read_cr3()) };
}

pub(crate) fn ticks() -> u64 {
    cpu::read_tsc()
}
