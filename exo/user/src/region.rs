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
mod pager;
mod snapshot;
mod stale;
#[cfg(test)]
mod tests;

pub use entries::Rights;
pub use pager::{Pager, PagerError, Store};
pub use snapshot::{Resolution, Snapshot};
pub use stale::Stale;

use crate::cpu;
use crate::exceptions::PageFault;
use crate::frames::{self, Block, pointer};
use crate::page_table::{Flags, LARGE, MapError, SMALL, with_current, with_root};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use entries::{BACKED, DIRTY, Entries, PRESENT, SHARED, WRITABLE};
use spin::Mutex;

/// The size of a region's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSize {
    /// 4 KiB.
    Small,
    /// 2 MiB.
    Large,
}

impl PageSize {
    /// Bytes of a page.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            PageSize::Small => SMALL,
            PageSize::Large => LARGE,
        }
    }

    /// Frames of a page.
    #[must_use]
    pub const fn frames(self) -> u64 {
        self.bytes() / SMALL
    }

    /// Bytes that one table maps, to which a region is aligned: 2 MiB or 1 GiB.
    #[must_use]
    pub const fn alignment(self) -> u64 {
        self.bytes() * 512
    }

    const fn level(self) -> u32 {
        match self {
            PageSize::Small => 1,
            PageSize::Large => 2,
        }
    }

    /// A page of memory, zeros.
    fn allocate(self) -> Option<Block> {
        let mut block = frames::allocate_block(self.frames(), self.frames())?;
        block.clear();
        Some(block)
    }
}

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
    /// A region of `pages` pages from `address` on in the page tables in force, with nothing behind them. Of `flags`,
    /// [`Flags::USER_ACCESSIBLE`] and [`Flags::NO_EXECUTE`] count.
    ///
    /// # Errors
    /// [`MapError::Misaligned`] where the address is not a multiple of [`PageSize::alignment`]; [`MapError::Occupied`] where there is a
    /// table already, also an empty one; [`MapError::NoFrame`]; [`MapError::NotCanonical`].
    pub fn reserve(address: u64, pages: usize, size: PageSize, flags: Flags) -> Result<Self, MapError> {
        let count = pages.div_ceil(512) as u64;
        let bytes = count.checked_mul(size.alignment()).ok_or(MapError::NotCanonical)?;
        let mut tables = frames::allocate_block(count, 1).ok_or(MapError::NoFrame)?;
        tables.clear();
        // SAFETY: the tables are new, map nothing, and stay as long as the region; what is put in them is the region's own memory.
        unsafe {
            let graft = with_current(|table| table.graft(address, bytes, size.level(), tables.physical(), flags));
            _ = graft?.here();
        }
        let large = if size == PageSize::Large { Flags::HUGE_PAGE } else { Flags::empty() };
        let flags = (flags & (Flags::USER_ACCESSIBLE | Flags::NO_EXECUTE) | large).bits();
        // SAFETY: the tables lie one after the other in the window, as words that are used atomically only; the region does not let
        // go of the slice.
        let words = unsafe { core::slice::from_raw_parts(tables.pointer().cast::<AtomicU64>(), pages) };
        let shared = Mutex::new((0..pages).map(|_| None).collect());
        let (entries, plain, shift) = (Entries(words), AtomicUsize::new(0), size.bytes().trailing_zeros());
        Ok(Self { address, size, shift, flags, entries, plain, shared, tables: Some(tables), root: cpu::read_cr3() })
    }

    /// The same with memory behind every page, zeros, that may be written.
    ///
    /// # Errors
    /// As for [`reserve`](Self::reserve).
    pub fn new(address: u64, pages: usize, size: PageSize, flags: Flags) -> Result<Self, MapError> {
        let region = Self::reserve(address, pages, size, flags)?;
        for page in 0..pages {
            let block = size.allocate().ok_or(MapError::NoFrame)?;
            drop(region.back(page, block, Rights::Write));
        }
        Ok(region)
    }

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

    /// Puts memory behind a page that has none.
    ///
    /// # Errors
    /// The memory, where the page has some or it is not a page of the region's size.
    ///
    /// # Panics
    /// Where the region has no such page.
    pub fn back(&self, page: usize, block: Block, rights: Rights) -> Result<(), Block> {
        let fits = block.bytes() as u64 == self.size.bytes() && block.physical().is_multiple_of(self.size.bytes());
        if !fits || self.entries.get(page) & BACKED != 0 {
            return Err(block);
        }
        let present = match rights {
            Rights::None => 0,
            Rights::Read => PRESENT,
            Rights::Write => PRESENT | WRITABLE,
        };
        self.entries.replace(page, block.leak() | BACKED | self.flags | present);
        self.plain.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    /// Takes the memory from behind a page, unless it is shared with a snapshot, and says whether it was written since it was put there.
    ///
    /// # Safety
    /// No other virtual CPU uses the page, or may still know the way to it.
    ///
    /// # Panics
    /// Where the region has no such page.
    pub unsafe fn take(&self, page: usize) -> Option<(Block, bool)> {
        let before = self.entries.change(page, |word| if word & SHARED == 0 { 0 } else { word });
        if before & BACKED == 0 || before & SHARED != 0 {
            return None;
        }
        self.plain.fetch_sub(1, Ordering::Relaxed);
        cpu::invalidate_page(self.address_of(page));
        // SAFETY: `back` leaked a block of that size, to which this was the only way; this CPU has forgotten it.
        let block = unsafe { Block::from_leaked(entries::physical(before), self.size.frames()) };
        Some((block, before & DIRTY != 0))
    }

    /// Has a page count as written.
    fn mark_dirty(&self, page: usize) {
        self.entries.change(page, |word| word | DIRTY);
    }

    fn allocate_page(&self) -> Option<Block> {
        frames::allocate_block(self.size.frames(), self.size.frames())
    }

    /// The rights that a fault missed.
    fn rights_wanted(fault: &PageFault) -> Rights {
        if fault.access.contains(crate::exceptions::Access::WRITE) { Rights::Write } else { Rights::Read }
    }
}

impl Drop for Region {
    fn drop(&mut self) {
        let bytes = self.pages().div_ceil(512) as u64 * self.size.alignment();
        // SAFETY: the tables were put into this tree; its tables lie in the window, and nobody uses the range any more.
        let flush = unsafe { with_root(self.root, |table| table.ungraft(self.address, bytes, self.size.level())) };
        match flush {
            Ok(flush) => _ = flush.here(),
            // The tree leads to them still: nothing can be given back.
            Err(_) => {
                core::mem::forget(self.tables.take());
                return;
            }
        }
        for page in 0..self.pages() {
            let word = self.entries.get(page);
            if word & BACKED != 0 && word & SHARED == 0 {
                // SAFETY: `back` leaked it, and no CPU finds it any more.
                drop(unsafe { Block::from_leaked(entries::physical(word), self.size.frames()) });
            }
        }
    }
}
