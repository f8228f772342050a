//! The event page of a virtual CPU as the kernel sees it: words that the guest may change at any time.

use core::mem::offset_of;
use exo_abi::events::EventPage;
use hv::page::SharedPage;

/// The lowest vector on which an upcall may come: those below are the CPU's own exceptions.
const LEAST_VECTOR: u64 = 32;

/// The page behind its meaning.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Events<'p>(pub(crate) &'p SharedPage);

impl Events<'_> {
    /// Makes events pending. Says on which vector the guest is to be interrupted for them, if at all.
    pub(crate) fn post(&self, events: u64) -> Option<u8> {
        self.0.fetch_or64(offset_of!(EventPage, pending), events);
        if events & !self.mask() == 0 { None } else { self.vector() }
    }

    /// The vector that the guest has chosen, where it is one.
    pub(crate) fn vector(&self) -> Option<u8> {
        let vector = self.0.read64(offset_of!(EventPage, vector));
        u8::try_from(vector).ok().filter(|_| vector >= LEAST_VECTOR)
    }

    pub(crate) fn mask(&self) -> u64 {
        self.0.read64(offset_of!(EventPage, mask))
    }

    pub(crate) fn pending(&self) -> u64 {
        self.0.read64(offset_of!(EventPage, pending))
    }

    /// Whether the guest wants an upcall, and grace, at the end of its slices.
    pub(crate) fn wants_slice_end(&self) -> bool {
        self.0.read64(offset_of!(EventPage, wants_slice_end)) != 0
    }

    /// A slice begins.
    pub(crate) fn begin_slice(&self, begin: u64, end: u64) {
        self.0.write64(offset_of!(EventPage, slice_begin), begin);
        self.0.write64(offset_of!(EventPage, slice_end), end);
        self.add(offset_of!(EventPage, slices), 1);
    }

    /// Time was spent.
    pub(crate) fn spend(&self, ticks: u64) {
        self.add(offset_of!(EventPage, ticks), ticks);
    }

    /// A slice was overrun.
    pub(crate) fn penalise(&self, excess: u64) {
        self.add(offset_of!(EventPage, excess), excess);
        self.add(offset_of!(EventPage, penalties), 1);
    }

    /// The guest may have changed the word; then the sum is its own affair.
    fn add(&self, offset: usize, amount: u64) {
        self.0.write64(offset, self.0.read64(offset).wrapping_add(amount));
    }
}
