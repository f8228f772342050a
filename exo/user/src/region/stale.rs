//! What CPUs may still believe of pages whose rights were taken away.

use crate::cpu;
use crate::page_table::Flush;

/// Pages that are forgotten one by one; more are forgotten by forgetting everything.
const MOST: usize = 16;

/// Consecutive pages of which a CPU may hold an older, wider translation. The edits are in force once it has forgotten them. Of
/// a whole range there is one of these, so that a hundred pages are one flush.
#[derive(Debug)]
#[must_use = "the CPU goes on with the old translations until it has forgotten them"]
pub struct Stale {
    pub(super) address: u64,
    pub(super) pages: usize,
    pub(super) bytes: u64,
}

impl Stale {
    /// The first address, the number of pages, and the bytes of each.
    #[must_use]
    pub const fn range(&self) -> (u64, usize, u64) {
        (self.address, self.pages, self.bytes)
    }

    /// Makes this virtual CPU forget. Other virtual CPUs that use the same tables are the caller's affair.
    #[inline]
    pub fn here(self) {
        if self.pages <= MOST {
            (0..self.pages as u64).for_each(|page| cpu::invalidate_page(self.address + page * self.bytes));
        } else {
            // SAFETY: the same table again. No page of a region is global.
            unsafe { cpu::write_cr3(cpu::read_cr3()) };
        }
    }

    /// Does nothing.
    ///
    /// # Safety
    /// No CPU holds these translations, or they are forgotten in another way.
    pub const unsafe fn not_needed(self) {}
}

impl From<Stale> for Flush {
    fn from(stale: Stale) -> Self {
        let mut flush = Self::default();
        for page in 0..stale.pages as u64 {
            flush.add(stale.address + page * stale.bytes, false);
        }
        flush
    }
}
