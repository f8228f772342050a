//! Virtual memory for applications: ranges whose pages are protected, asked for dirt, copied on write and paged out by the library OS
//! itself, at the price of a few instructions and without the kernel.
//!
//! A [`Region`] keeps its last-level tables itself, in consecutive frames, so that the entries of consecutive pages are consecutive words.
//! Protecting a hundred pages is a loop over a hundred words and one flush; a fault handler comes from an address to its entry by a
//! subtraction and a shift. These are the primitives that Appel and Li ask for ("Virtual Memory Primitives for User Programs",
//! ASPLOS 1991): trap ([`exceptions::handle`](crate::exceptions::handle) with a [`PageFault`]), prot1 and protn ([`Region::protect`]), unprot
//! ([`Region::unprotect`]), dirty ([`Region::is_dirty`]), map2 (the physical window).
//!
//! Nothing here decides when: faults reach the library OS's own handler, which asks [`Region::resolve`] or not. Other virtual CPUs
//! that use the same tables have to be told what to forget, as for [`page_table`](crate::page_table).

mod entries;
mod make;
mod pager;
mod size;
mod snapshot;
mod stale;
#[cfg(test)]
mod tests;

pub use entries::Rights;
pub use pager::{Pager, PagerError, Store};
pub use size::PageSize;
pub use snapshot::{Resolution, Snapshot};
pub use stale::Stale;

use crate::cpu;
use crate::exceptions::PageFault;
use crate::frames::{Block, pointer};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicUsize, Ordering};
use entries::{DIRTY, Entries};
use spin::Mutex;

/// A range of pages of one size, and the memory behind them. It is used through raw pointers: what a page is mapped to, and whether, changes
/// under its users. Dropping it unmaps the range and gives the memory back to the pool, which other virtual CPUs
/// must not use any more by then.
#[derive(Debug)]
pub struct Region {
    address: u64,
    size: PageSize,
    /// The bytes of a page as a power of two: fault handlers come by here.
    shift: u32,
    /// What entries have beside rights: who may use them, whether they can be executed.
    flags: u64,
    entries: Entries<'static>,
    /// Pages that have memory of their own. If all have, rights are given without a look at each.
    plain: AtomicUsize,
    /// The memory that is shared with snapshots, by page.
    shared: Mutex<Vec<Option<Arc<Block>>>>,
    /// Taken only when the region is dropped.
    tables: Option<Block>,
    root: u64,
}

impl Region {
    /// Its first address.
    #[must_use]
    pub const fn address(&self) -> u64 {
        self.address
    }

    /// How many pages it has.
    #[must_use]
    pub const fn pages(&self) -> usize {
        self.entries.0.len()
    }

    /// The size of its pages.
    #[must_use]
    pub const fn size(&self) -> PageSize {
        self.size
    }

    /// The page that an address lies in.
    #[inline]
    #[must_use]
    #[allow(clippy::cast_possible_truncation)] // guests are 64-bit
    pub const fn page_of(&self, address: u64) -> Option<usize> {
        let page = (address.wrapping_sub(self.address) >> self.shift) as usize;
        if page < self.pages() { Some(page) } else { None }
    }

    #[inline]
    const fn address_of(&self, page: usize) -> u64 {
        self.address + ((page as u64) << self.shift)
    }

    /// Where a page begins.
    #[must_use]
    pub fn pointer(&self, page: usize) -> *mut u8 {
        pointer(self.address_of(page))
    }

    /// The translations of a range, as something to forget.
    #[inline]
    pub fn stale(&self, range: Range<usize>) -> Stale {
        Stale { address: self.address_of(range.start), pages: range.len(), bytes: 1 << self.shift }
    }

    /// Takes rights away from pages that have more than `rights`.
    ///
    /// # Panics
    /// Where the region has not so many pages.
    #[inline]
    pub fn protect(&self, range: Range<usize>, rights: Rights) -> Stale {
        self.entries.lower(range.clone(), rights);
        self.stale(range)
    }

    /// Gives rights to pages that have less than `rights`, as far as they have memory: where that is shared with a snapshot, once it is
    /// copied. Nothing has to be forgotten: a CPU that holds a narrower translation faults once more, which
    /// [`resolve`](Self::resolve) knows, and forgets it with that (SDM Vol. 3, 4.10.4.1). Where many such are likely, forget
    /// [them](Self::stale) together.
    ///
    /// # Panics
    /// Where the region has not so many pages.
    #[inline]
    pub fn unprotect(&self, range: Range<usize>, rights: Rights) {
        if self.plain.load(Ordering::Relaxed) == self.pages() {
            self.entries.raise_plain(range, rights);
        } else {
            self.entries.raise(range, rights);
        }
    }

    /// [`protect`](Self::protect) for one page, which this virtual CPU forgets at once.
    ///
    /// # Panics
    /// Where the region has no such page.
    #[inline]
    pub fn protect_page(&self, page: usize, rights: Rights) {
        self.entries.lower_one(page, rights);
        cpu::invalidate_page(self.address_of(page));
    }

    /// [`unprotect`](Self::unprotect) for one page.
    ///
    /// # Panics
    /// Where the region has no such page.
    #[inline]
    pub fn unprotect_page(&self, page: usize, rights: Rights) {
        self.entries.raise_one(page, rights);
    }

    /// Whether the CPU lets a page be used so.
    ///
    /// # Panics
    /// Where the region has no such page.
    #[inline]
    #[must_use]
    pub fn allows(&self, page: usize, rights: Rights) -> bool {
        entries::allows(self.entries.get(page), rights)
    }

    /// Whether a page has been written since it got its memory or its dirt was taken.
    ///
    /// # Panics
    /// Where the region has no such page.
    #[inline]
    #[must_use]
    pub fn is_dirty(&self, page: usize) -> bool {
        self.entries.get(page) & DIRTY != 0
    }

    /// Forgets which pages have been written, and calls `seen` with each that has. Until the CPU forgets as well it does not notice the
    /// next write.
    ///
    /// # Panics
    /// Where the region has not so many pages.
    pub fn take_dirty(&self, range: Range<usize>, seen: impl FnMut(usize)) -> Stale {
        self.entries.harvest(range.clone(), DIRTY, seen);
        self.stale(range)
    }

    /// The rights that a fault missed.
    fn rights_wanted(fault: &PageFault) -> Rights {
        if fault.access.contains(crate::exceptions::Access::WRITE) { Rights::Write } else { Rights::Read }
    }
}
