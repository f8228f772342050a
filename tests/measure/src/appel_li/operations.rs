//! The operations themselves.

mod protect;

pub(super) use protect::{Protect1, Protect100, Unprotect100};

use super::{HUNDRED, OnFault, PAGE_BYTES, Raise, Region, load, store};

const _: () = assert!(1 << (64 - 55) == PAGE_BYTES / size_of::<u64>());
use crate::Operation;

/// A word of page `page` that the nonce chooses.
fn word(region: &impl Region, page: usize, nonce: u64) -> usize {
    let word = usize::try_from(nonce >> 55).unwrap_or(0);
    region.address(page) + word * size_of::<u64>()
}

/// Stores the nonce to every page below `pages`; how many faults that made. Each page that is read-only gets writable.
fn fill<R: Region>(region: &mut R, pages: usize, nonce: u64) -> u64 {
    region.on_fault(OnFault::Unprotect);
    let before = region.faults();
    for page in 0..pages {
        // SAFETY: a word of the region, whose handler unprotects the page.
        unsafe { store(word(region, page, nonce), nonce) };
    }
    region.faults() - before
}

/// Whether every page below `pages` holds the nonce.
fn holds(region: &impl Region, pages: usize, nonce: u64) -> bool {
    // SAFETY: a word of the region.
    (0..pages).all(|page| unsafe { load(word(region, page, nonce)) } == nonce)
}

/// The nonce if `right`, and else anything else.
fn evidence(nonce: u64, right: bool) -> u64 {
    if right { nonce } else { !nonce }
}

/// `exception`: an exception, its handler, and on.
pub(super) struct Exception<'a, R>(pub &'a mut R);

impl<R: Raise> Operation for Exception<'_, R> {
    fn prepare(&mut self, nonce: u64) {
        self.0.prepare(nonce);
    }

    #[inline(always)]
    fn run(&mut self) {
        self.0.raise();
    }

    fn evidence(&mut self) -> u64 {
        self.0.taken()
    }
}

/// `trap`: a store to a read-only page, its handler, and on behind the store.
pub(super) struct Trap<'a, R> {
    region: &'a mut R,
    target: usize,
    nonce: u64,
    faults: u64,
}

impl<'a, R: Region> Trap<'a, R> {
    pub(super) fn new(region: &'a mut R) -> Self {
        region.unprotect_many(HUNDRED);
        region.protect(0);
        Trap { region, target: 0, nonce: 0, faults: 0 }
    }
}

impl<R: Region> Operation for Trap<'_, R> {
    fn prepare(&mut self, nonce: u64) {
        self.region.on_fault(OnFault::Skip);
        (self.target, self.nonce, self.faults) = (word(self.region, 0, nonce), nonce, self.region.faults());
    }

    #[inline(always)]
    fn run(&mut self) {
        // SAFETY: a word of the region, whose handler skips the store.
        unsafe { store(self.target, self.nonce) };
    }

    fn evidence(&mut self) -> u64 {
        let trapped = self.region.faults() == self.faults + 1 && self.region.last_fault() == self.target;
        // SAFETY: a word of the region.
        evidence(self.nonce, trapped && unsafe { load(self.target) } != self.nonce)
    }
}

/// `appel1`: a store to a read-only page; its handler makes that page writable and another one read-only; the store goes through.
pub(super) struct Appel1<'a, R> {
    region: &'a mut R,
    page: usize,
    target: usize,
    nonce: u64,
    faults: u64,
}

impl<'a, R: Region> Appel1<'a, R> {
    pub(super) fn new(region: &'a mut R) -> Self {
        region.unprotect_many(HUNDRED);
        region.protect(0);
        Appel1 { region, page: 0, target: 0, nonce: 0, faults: 0 }
    }
}

impl<R: Region> Operation for Appel1<'_, R> {
    fn prepare(&mut self, nonce: u64) {
        let page = self.page;
        self.page = (page + 1) % HUNDRED;
        self.region.on_fault(OnFault::UnprotectAndProtect(self.page));
        (self.target, self.nonce, self.faults) = (word(self.region, page, nonce), nonce, self.region.faults());
    }

    #[inline(always)]
    fn run(&mut self) {
        // SAFETY: a word of the region, whose handler unprotects the page.
        unsafe { store(self.target, self.nonce) };
    }

    fn evidence(&mut self) -> u64 {
        let trapped = self.region.faults() == self.faults + 1;
        // SAFETY: a word of the region.
        evidence(self.nonce, trapped && unsafe { load(self.target) } == self.nonce)
    }
}

/// `appel2`: makes a hundred pages read-only, and stores to each; the handler makes the page writable.
pub(super) struct Appel2<'a, R> {
    region: &'a mut R,
    nonce: u64,
    faults: u64,
}

impl<'a, R: Region> Appel2<'a, R> {
    pub(super) fn new(region: &'a mut R) -> Self {
        Appel2 { region, nonce: 0, faults: 0 }
    }
}

impl<R: Region> Operation for Appel2<'_, R> {
    fn prepare(&mut self, nonce: u64) {
        self.region.unprotect_many(HUNDRED);
        self.region.on_fault(OnFault::Unprotect);
        (self.nonce, self.faults) = (nonce, 0);
    }

    #[inline(always)]
    fn run(&mut self) {
        self.region.protect_many(HUNDRED);
        self.faults = fill(self.region, HUNDRED, self.nonce);
    }

    fn evidence(&mut self) -> u64 {
        evidence(self.nonce, self.faults == HUNDRED as u64 && holds(self.region, HUNDRED, self.nonce))
    }
}

/// `dirty`: was this page stored to?
pub(super) struct Dirty<'a, R> {
    region: &'a mut R,
    page: usize,
    nonce: u64,
    dirty: bool,
}

impl<'a, R: Region> Dirty<'a, R> {
    pub(super) fn new(region: &'a mut R) -> Self {
        region.unprotect_many(HUNDRED);
        Dirty { region, page: 0, nonce: 0, dirty: false }
    }

    /// Half the pages, as the nonce has it.
    fn is_meant_dirty(&self) -> bool {
        self.nonce >> 63 == 1
    }
}

impl<R: Region> Operation for Dirty<'_, R> {
    fn prepare(&mut self, nonce: u64) {
        self.nonce = nonce;
        self.page = (self.page + 1) % HUNDRED;
        self.region.clean(self.page);
        if self.is_meant_dirty() {
            // SAFETY: a word of the region, in a writable page.
            unsafe { store(word(self.region, self.page, nonce), nonce) };
        }
    }

    #[inline(always)]
    fn run(&mut self) {
        self.dirty = self.region.is_dirty(self.page);
    }

    fn evidence(&mut self) -> u64 {
        evidence(self.nonce, self.dirty == self.is_meant_dirty())
    }
}
