//! The operations that change protection and take no fault while they are timed: what they did shows afterwards.

use super::{evidence, fill, holds, word};
use crate::Operation;
use crate::appel_li::{HUNDRED, OnFault, Region, load, store};

/// `prot1`: makes one page read-only.
pub(in crate::appel_li) struct Protect1<'a, R> {
    region: &'a mut R,
    nonce: u64,
    page: usize,
}

impl<'a, R: Region> Protect1<'a, R> {
    pub(in crate::appel_li) fn new(region: &'a mut R) -> Self {
        region.unprotect_many(HUNDRED);
        Protect1 { region, nonce: 0, page: 0 }
    }
}

impl<R: Region> Operation for Protect1<'_, R> {
    fn prepare(&mut self, nonce: u64) {
        (self.nonce, self.page) = (nonce, (self.page + 1) % HUNDRED);
    }

    #[inline(always)]
    fn run(&mut self) {
        self.region.protect(self.page);
    }

    fn evidence(&mut self) -> u64 {
        let faults = self.region.faults();
        self.region.on_fault(OnFault::Unprotect);
        let target = word(self.region, self.page, self.nonce);
        // SAFETY: a word of the region, whose handler unprotects the page.
        let found = unsafe {
            store(target, self.nonce);
            load(target)
        };
        evidence(found, self.region.faults() == faults + 1)
    }
}

/// `prot100`: makes a hundred pages read-only.
pub(in crate::appel_li) struct Protect100<'a, R> {
    region: &'a mut R,
    nonce: u64,
}

impl<'a, R: Region> Protect100<'a, R> {
    pub(in crate::appel_li) fn new(region: &'a mut R) -> Self {
        Protect100 { region, nonce: 0 }
    }
}

impl<R: Region> Operation for Protect100<'_, R> {
    fn prepare(&mut self, nonce: u64) {
        self.region.unprotect_many(HUNDRED);
        self.nonce = nonce;
    }

    #[inline(always)]
    fn run(&mut self) {
        self.region.protect_many(HUNDRED);
    }

    fn evidence(&mut self) -> u64 {
        let faults = fill(self.region, HUNDRED, self.nonce);
        evidence(self.nonce, faults == HUNDRED as u64 && holds(self.region, HUNDRED, self.nonce))
    }
}

/// `unprot100`: makes a hundred read-only pages writable.
pub(in crate::appel_li) struct Unprotect100<'a, R> {
    region: &'a mut R,
    nonce: u64,
}

impl<'a, R: Region> Unprotect100<'a, R> {
    pub(in crate::appel_li) fn new(region: &'a mut R) -> Self {
        Unprotect100 { region, nonce: 0 }
    }
}

impl<R: Region> Operation for Unprotect100<'_, R> {
    fn prepare(&mut self, nonce: u64) {
        self.region.protect_many(HUNDRED);
        self.nonce = nonce;
    }

    #[inline(always)]
    fn run(&mut self) {
        self.region.unprotect_many(HUNDRED);
    }

    fn evidence(&mut self) -> u64 {
        let faults = fill(self.region, HUNDRED, self.nonce);
        evidence(self.nonce, faults == 0 && holds(self.region, HUNDRED, self.nonce))
    }
}
