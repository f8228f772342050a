//! What a region held at one moment, without copying what is not written afterwards.

use super::entries::{self, BACKED, PRESENT, PROMISED, SHARED};
use super::{PageSize, Region};
use crate::cpu;
use crate::exceptions::PageFault;
use crate::frames::Block;
use crate::page_table::MapError;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::Ordering;
use x86_64::instructions::interrupts::without_interrupts;

/// The contents of a region at one moment. The memory is the region's own until one of both sides changes.
#[derive(Debug)]
pub struct Snapshot {
    pages: Vec<Option<Arc<Block>>>,
    size: PageSize,
}

/// What a page fault was to a region.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Resolution {
    /// The address is not in the region.
    Elsewhere,
    /// The page may be used so by now: the instruction can run again.
    Allowed,
    /// The page was shared with a snapshot and has memory of its own now: the instruction can run again.
    Copied,
    /// This page may not be used so.
    Denied(usize),
}

impl Snapshot {
    /// The bytes of a page; `None` where the region had no memory behind it.
    #[must_use]
    pub fn page(&self, page: usize) -> Option<&[u8]> {
        let block = self.pages.get(page)?.as_ref()?;
        // SAFETY: (1) the environment owns the frames, and the window maps them; (2) while this snapshot exists the region maps them
        // read-only, so nobody writes them; (3) any bytes are valid.
        Some(unsafe { core::slice::from_raw_parts(block.pointer(), block.bytes()) })
    }

    /// How many pages the region had.
    #[must_use]
    pub const fn pages(&self) -> usize {
        self.pages.len()
    }

    /// How many pages share their memory with nobody any more: they have been written, or the region is gone.
    #[must_use]
    pub fn own_pages(&self) -> usize {
        self.pages.iter().flatten().filter(|block| Arc::strong_count(block) == 1).count()
    }
}

impl Region {
    /// What the region holds now. From here on the first write to each page is a fault, for [`resolve`](Self::resolve) to answer with a
    /// copy.
    ///
    /// # Safety
    /// (1) No other virtual CPU uses or edits the region meanwhile, and those that can write it forget [all of it](Self::stale) before
    /// they do; (2) nobody writes its memory but through the region's addresses.
    pub unsafe fn snapshot(&self) -> Snapshot {
        let mut pages = Vec::with_capacity(self.pages());
        // An upcall that writes to the region must find the lock free.
        without_interrupts(|| {
            let mut shared = self.shared.lock();
            for (page, shared) in shared.iter_mut().enumerate() {
                let before = self.entries.change(page, entries::shared);
                if before & (BACKED | SHARED) == BACKED {
                    // SAFETY: `back` leaked it, and now it is kept here.
                    let block = unsafe { Block::from_leaked(entries::physical(before), self.size.frames()) };
                    *shared = Some(Arc::new(block));
                    self.plain.fetch_sub(1, Ordering::Relaxed);
                }
                pages.push(shared.clone());
            }
            self.stale(0..self.pages()).here();
        });
        Snapshot { pages, size: self.size }
    }

    /// Makes the region hold what it did, which copies nothing. `false`, and nothing, where the snapshot is of a region with other
    /// pages.
    ///
    /// # Safety
    /// As for [`snapshot`](Self::snapshot).
    pub unsafe fn restore(&self, snapshot: &Snapshot) -> bool {
        if snapshot.pages.len() != self.pages() || snapshot.size != self.size {
            return false;
        }
        let mut old = Vec::with_capacity(self.pages());
        without_interrupts(|| {
            let mut shared = self.shared.lock();
            for (page, (shared, block)) in shared.iter_mut().zip(&snapshot.pages).enumerate() {
                let word = block
                    .as_ref()
                    .map_or(0, |block| block.physical() | BACKED | SHARED | PROMISED | PRESENT | self.flags);
                let before = self.entries.replace(page, word);
                if before & (BACKED | SHARED) == BACKED {
                    self.plain.fetch_sub(1, Ordering::Relaxed);
                    // SAFETY: `back` or a copy leaked it, and the entry was the only way to it.
                    old.push(Arc::new(unsafe { Block::from_leaked(entries::physical(before), self.size.frames()) }));
                }
                old.extend(core::mem::replace(shared, block.clone()));
            }
            self.stale(0..self.pages()).here();
        });
        true
    }

    /// Gives a page memory of its own, if it is shared; whether it was. Where no snapshot has it any more, nothing is copied. It uses
    /// pool and heap: what is done under their locks, and upcalls that may interrupt that, must not write to a region.
    ///
    /// # Errors
    /// [`MapError::NoFrame`] where the pool has no memory for a copy.
    ///
    /// # Panics
    /// Where the region has no such page.
    pub fn copy_on_write(&self, page: usize) -> Result<bool, MapError> {
        let mut shared = self.shared.lock();
        if self.entries.get(page) & SHARED == 0 {
            return Ok(false);
        }
        let Some(block) = shared[page].take() else { return Ok(false) };
        let own = match Arc::try_unwrap(block) {
            Ok(block) => block,
            Err(block) => {
                let copy = crate::frames::allocate_block(self.size.frames(), self.size.frames());
                let Some(mut copy) = copy else {
                    shared[page] = Some(block);
                    return Err(MapError::NoFrame);
                };
                copy.copy_from(&block);
                copy
            }
        };
        let physical = own.leak();
        self.entries.change(page, |word| entries::unshared(word, physical));
        self.plain.fetch_add(1, Ordering::Relaxed);
        cpu::invalidate_page(self.address_of(page));
        Ok(true)
    }

    /// Answers a page fault as far as the region can by itself: a page that is shared with a snapshot and was writable is copied, and what
    /// the page allows by now needs no answer.
    ///
    /// # Errors
    /// As for [`copy_on_write`](Self::copy_on_write).
    pub fn resolve(&self, fault: &PageFault) -> Result<Resolution, MapError> {
        let Some(page) = self.page_of(fault.address) else { return Ok(Resolution::Elsewhere) };
        let wanted = Self::rights_wanted(fault);
        if self.allows(page, wanted) {
            return Ok(Resolution::Allowed);
        }
        if wanted == super::Rights::Write && self.entries.get(page) & PROMISED != 0 && self.copy_on_write(page)? {
            return Ok(Resolution::Copied);
        }
        Ok(Resolution::Denied(page))
    }
}
