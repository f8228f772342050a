//! The last-level entries of a region, one after the other. Nothing here knows where they lie.

use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};
use x86_64::structures::paging::PageTableFlags as Flags;

pub(super) const PRESENT: u64 = Flags::PRESENT.bits();
pub(super) const WRITABLE: u64 = Flags::WRITABLE.bits();
pub(super) const ACCESSED: u64 = Flags::ACCESSED.bits();
pub(super) const DIRTY: u64 = Flags::DIRTY.bits();
/// There is memory behind the entry, also where it is not present. For the CPU the bit means nothing.
pub(super) const BACKED: u64 = Flags::BIT_9.bits();
/// That memory is shared with a snapshot: nothing makes the entry writable but a copy.
pub(super) const SHARED: u64 = Flags::BIT_10.bits();
/// The entry becomes writable with that copy.
pub(super) const PROMISED: u64 = Flags::BIT_11.bits();
/// The physical address, for pages of both sizes: a large page's lower bits are zero.
const ADDRESS: u64 = 0x000f_ffff_ffff_f000;

/// What programs may do with a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rights {
    /// Nothing.
    None,
    /// Read it, and execute what the region allows to be executed.
    Read,
    /// Write it as well.
    Write,
}

/// The entries. CPUs set accessed and dirty bits meanwhile, and other virtual CPUs may be in their fault handlers: every change
/// is one atomic operation on one word.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entries<'w>(pub(super) &'w [AtomicU64]);

/// A word with no more rights than `rights`.
const fn lowered(word: u64, rights: Rights) -> u64 {
    match rights {
        Rights::None => word & !(PRESENT | WRITABLE | PROMISED),
        Rights::Read => word & !(WRITABLE | PROMISED),
        Rights::Write => word,
    }
}

/// A word with `rights`, as far as what is behind it allows.
const fn raised(word: u64, rights: Rights) -> u64 {
    match rights {
        _ if word & BACKED == 0 => word,
        Rights::None => word,
        Rights::Write if word & SHARED == 0 => word | PRESENT | WRITABLE,
        Rights::Write => word | PRESENT | PROMISED,
        Rights::Read => word | PRESENT,
    }
}

/// A word whose memory is shared from now on.
pub(super) const fn shared(word: u64) -> u64 {
    let promised = if word & WRITABLE == 0 { 0 } else { PROMISED };
    if word & BACKED == 0 { word } else { word & !WRITABLE | SHARED | promised }
}

/// A word whose memory is at `physical` and its own.
pub(super) const fn unshared(word: u64, physical: u64) -> u64 {
    let writable = if word & PROMISED == 0 { 0 } else { WRITABLE };
    word & !(ADDRESS | SHARED | PROMISED) | physical | writable
}

/// Whether the CPU allows as much.
pub(super) const fn allows(word: u64, rights: Rights) -> bool {
    let needed = match rights {
        Rights::None => 0,
        Rights::Read => PRESENT,
        Rights::Write => PRESENT | WRITABLE,
    };
    word & needed == needed
}

pub(super) const fn physical(word: u64) -> u64 {
    word & ADDRESS
}

impl<'w> Entries<'w> {
    fn each(self, range: Range<usize>, change: impl Fn(&'w AtomicU64)) {
        self.0[range].iter().for_each(change);
    }

    /// Takes rights away from pages that have more.
    #[inline]
    pub(super) fn lower(self, range: Range<usize>, rights: Rights) {
        let kept = lowered(!0, rights);
        self.each(range, |word| _ = word.fetch_and(kept, Ordering::Relaxed));
    }

    /// Gives rights to pages, of which some may have no memory of their own.
    pub(super) fn raise(self, range: Range<usize>, rights: Rights) {
        self.each(range, |word| _ = update(word, |word| raised(word, rights)));
    }

    /// The same where all have. Without a branch for each page.
    #[inline]
    pub(super) fn raise_plain(self, range: Range<usize>, rights: Rights) {
        let given = raised(BACKED, rights) & !BACKED;
        self.each(range, |word| _ = word.fetch_or(given, Ordering::Relaxed));
    }

    #[inline]
    pub(super) fn lower_one(self, page: usize, rights: Rights) {
        self.0[page].fetch_and(lowered(!0, rights), Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn raise_one(self, page: usize, rights: Rights) {
        update(&self.0[page], |word| raised(word, rights));
    }

    #[inline]
    pub(super) fn get(self, page: usize) -> u64 {
        self.0[page].load(Ordering::Relaxed)
    }

    /// Puts another word there; the old one, with what CPUs have noted to the last moment.
    pub(super) fn replace(self, page: usize, word: u64) -> u64 {
        self.0[page].swap(word, Ordering::AcqRel)
    }

    /// Changes a word; the old one.
    pub(super) fn change(self, page: usize, change: impl Fn(u64) -> u64) -> u64 {
        update(&self.0[page], change)
    }

    /// Clears bits of every page, and calls `seen` with each page that had one of them.
    pub(super) fn harvest(self, range: Range<usize>, bits: u64, mut seen: impl FnMut(usize)) -> usize {
        let mut count = 0;
        for page in range {
            // A look costs less than a locked operation.
            if self.get(page) & bits != 0 && self.0[page].fetch_and(!bits, Ordering::Relaxed) & bits != 0 {
                count += 1;
                seen(page);
            }
        }
        count
    }
}

fn update(word: &AtomicU64, change: impl Fn(u64) -> u64) -> u64 {
    let mut before = word.load(Ordering::Relaxed);
    while let Err(now) = word.compare_exchange_weak(before, change(before), Ordering::AcqRel, Ordering::Relaxed) {
        before = now;
    }
    before
}
