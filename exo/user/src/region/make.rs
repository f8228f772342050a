//! Regions that come and go, and the memory behind their pages.

use super::entries::{self, BACKED, DIRTY, Entries, PRESENT, SHARED, WRITABLE};
use super::{PageSize, Region, Rights};
use crate::cpu;
use crate::frames::{self, Block};
use crate::page_table::{Flags, MapError, with_current, with_root};
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use spin::Mutex;

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
    pub(super) fn mark_dirty(&self, page: usize) {
        self.entries.change(page, |word| word | DIRTY);
    }

    pub(super) fn allocate_page(&self) -> Option<Block> {
        frames::allocate_block(self.size.frames(), self.size.frames())
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
