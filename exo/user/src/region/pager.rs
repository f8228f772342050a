//! Paging out: a region with more pages than memory, the rest in a store of the library OS's choice.
//!
//! Which page goes is decided by the clock algorithm, second chance by the accessed bits. Whoever wants another replacement writes
//! another pager: all that this one uses is public.

use super::entries::{ACCESSED, BACKED, Entries};
use super::{Region, Rights};
use crate::cpu;
use crate::frames::Block;
use alloc::vec;
use alloc::vec::Vec;

/// Where pages are that have no memory. What was never saved is zeros and is not asked for.
pub trait Store {
    /// Why a page cannot be had or kept.
    type Error;

    /// Keeps a page.
    ///
    /// # Errors
    /// The store's own; the page stays in memory then.
    fn save(&mut self, page: usize, bytes: &[u8]) -> Result<(), Self::Error>;

    /// Brings back a page that was saved.
    ///
    /// # Errors
    /// The store's own.
    fn load(&mut self, page: usize, bytes: &mut [u8]) -> Result<(), Self::Error>;
}

/// Why a page has no memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PagerError<E> {
    /// The pool has none, and no page of the region can go.
    NoMemory,
    /// The store's reason.
    Store(E),
}

/// Keeps some pages of a region in memory.
#[derive(Debug)]
pub struct Pager<S> {
    store: S,
    most: usize,
    resident: usize,
    hand: usize,
    saved: Vec<bool>,
    evictions: u64,
}

/// The next page to go, from `hand` on: one that was not used since the hand came by last. `passed` is called with pages that were, whose
/// accessed bit is clear now. `None` where nothing is in memory.
pub(super) fn choose(entries: Entries<'_>, hand: usize, mut passed: impl FnMut(usize)) -> Option<usize> {
    let pages = entries.0.len();
    // Twice round: what was passed the first time is taken the second, unless other CPUs use it meanwhile; then it is taken anyway.
    let order = || (0..pages).map(|step| (hand + step) % pages);
    for page in order().chain(order()) {
        if entries.get(page) & BACKED == 0 {
            continue;
        }
        if entries.harvest(page..page + 1, ACCESSED, &mut passed) == 0 {
            return Some(page);
        }
    }
    order().find(|&page| entries.get(page) & BACKED != 0)
}

fn bytes(block: &mut Block) -> &mut [u8] {
    // SAFETY: (1) the environment owns the frames and the window maps them writable; (2) the block is behind no page, and `&mut` is the
    // only way to it; (3) any bytes are valid.
    unsafe { core::slice::from_raw_parts_mut(block.pointer(), block.bytes()) }
}

impl<S: Store> Pager<S> {
    /// For a region that begins with nothing behind its pages, of which at most `most` are to be in memory.
    #[must_use]
    pub fn new(region: &Region, most: usize, store: S) -> Self {
        Self { store, most: most.max(1), resident: 0, hand: 0, saved: vec![false; region.pages()], evictions: 0 }
    }

    /// How many pages are in memory.
    #[must_use]
    pub const fn resident(&self) -> usize {
        self.resident
    }

    /// How often a page went.
    #[must_use]
    pub const fn evictions(&self) -> u64 {
        self.evictions
    }

    /// The store.
    pub const fn store(&mut self) -> &mut S {
        &mut self.store
    }

    /// Takes a page out of memory, and keeps in the store what was written since it came; the memory.
    fn evict(&mut self, region: &Region) -> Result<Block, PagerError<S::Error>> {
        let forget = |page| cpu::invalidate_page(region.address_of(page));
        let page = choose(region.entries, self.hand, forget).ok_or(PagerError::NoMemory)?;
        // SAFETY: whoever pages has promised it.
        let (mut block, dirty) = unsafe { region.take(page) }.ok_or(PagerError::NoMemory)?;
        self.hand = page + 1;
        self.resident -= 1;
        if dirty {
            if let Err(error) = self.store.save(page, bytes(&mut block)) {
                // Not what it was: the page counts as clean now. So it is written back as if it had just been changed.
                drop(region.back(page, block, Rights::Write));
                region.mark_dirty(page);
                self.resident += 1;
                return Err(PagerError::Store(error));
            }
            self.saved[page] = true;
        }
        self.evictions += 1;
        Ok(block)
    }

    /// Brings a page into memory if it is not there, and takes another one out if there are too many. What fault handlers call.
    ///
    /// # Errors
    /// [`PagerError`]; the page is not in memory then.
    ///
    /// # Safety
    /// No other virtual CPU uses the region.
    ///
    /// # Panics
    /// Where the region has no such page, or has other pages than the one that this was made for.
    pub unsafe fn bring(&mut self, region: &Region, page: usize) -> Result<(), PagerError<S::Error>> {
        if region.entries.get(page) & BACKED != 0 {
            return Ok(());
        }
        let fresh = if self.resident < self.most { region.allocate_page() } else { None };
        let mut block = match fresh {
            Some(block) => block,
            None => self.evict(region)?,
        };
        if self.saved[page] {
            self.store.load(page, bytes(&mut block)).map_err(PagerError::Store)?;
        } else {
            block.clear();
        }
        if region.back(page, block, Rights::Write).is_ok() {
            self.resident += 1;
        }
        Ok(())
    }
}
