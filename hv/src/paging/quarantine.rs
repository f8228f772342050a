//! What some CPU may still reach through a translation that it has cached, as a type.
//!
//! A change that takes something away returns its leavings inside a [`Quarantined`]. They come out only against a
//! [`Flushed`], which only the shootdown makes, and only one that began after the change. So "freed but not flushed"
//! cannot be written down.

use super::{RetiredTables, TableMemory};
use crate::sync::{AtomicU64, Ordering};

/// Numbers quarantines in the order in which they began. Only order matters, so one counter serves all trees.
#[cfg(not(all(test, loom)))]
static BEGUN: AtomicU64 = AtomicU64::new(0);
#[cfg(all(test, loom))]
loom::lazy_static! {
    static ref BEGUN: AtomicU64 = AtomicU64::new(0);
}

/// Proof that no CPU uses a translation that was taken away, out of some spaces, before the shootdown began.
#[derive(Debug)]
pub struct Flushed {
    covers: u64,
    spaces: u64,
}

/// The last quarantine that a shootdown beginning now covers. Its caller has changed the tables before.
pub(crate) fn covered_now() -> u64 {
    // Acquire, with the release of whoever began those quarantines: their changes to tables come before the flush.
    BEGUN.load(Ordering::Acquire)
}

/// The proof itself; for the shootdown alone, after every CPU has flushed or left these spaces.
pub(crate) const fn flushed(covers: u64, spaces: u64) -> Flushed {
    Flushed { covers, spaces }
}

/// Out of which spaces something was taken that nobody says more of.
const ALL_SPACES: u64 = u64::MAX;

/// Something that must not be used for anything else until every CPU has flushed.
#[derive(Debug)]
#[must_use = "what is quarantined stays lost, and a CPU may still reach it, until a shootdown releases it"]
pub struct Quarantined<T> {
    inside: T,
    number: u64,
    /// The spaces that it was taken out of, one bit each.
    spaces: u64,
    needed: bool,
}

/// What a change to a tree leaves behind: table frames, possibly none, behind a flush.
pub type FlushNeeded = Quarantined<RetiredTables>;

impl<T> Quarantined<T> {
    /// Begins a quarantine. `needed` is false where the change took nothing away, so that nobody has to flush.
    pub(crate) fn begin(inside: T, needed: bool) -> Self {
        // Release: see `covered_now`.
        let number = BEGUN.fetch_add(1, Ordering::AcqRel) + 1;
        Self { inside, number, spaces: ALL_SPACES, needed }
    }

    /// The same, taken out of no other spaces than these: for whoever made the change.
    pub(crate) fn in_spaces(self, spaces: u64) -> Self {
        Self { spaces, ..self }
    }

    /// The spaces that a shootdown has to flush, one bit each.
    #[must_use]
    pub const fn spaces(&self) -> u64 {
        if self.needed { self.spaces } else { 0 }
    }

    /// Whether any CPU has to flush at all. A change that only grants more leaves this false.
    #[must_use]
    pub const fn is_needed(&self) -> bool {
        self.needed
    }

    /// Puts something else under the same quarantine: the frames that were just unmapped.
    pub fn with<U>(self, other: U) -> Quarantined<(T, U)> {
        Quarantined { inside: (self.inside, other), number: self.number, spaces: self.spaces, needed: self.needed }
    }

    /// Opens the quarantine.
    ///
    /// # Errors
    /// The quarantine itself where the shootdown began before it, or was not of all its spaces, so that the proof does not cover it.
    pub fn release(self, proof: &Flushed) -> Result<T, Self> {
        let covered = self.number <= proof.covers && self.spaces & !proof.spaces == 0;
        if !self.needed || covered { Ok(self.inside) } else { Err(self) }
    }

    /// Opens the quarantine of tables that no CPU has ever loaded or used: while the kernel builds its own space.
    pub(crate) fn nothing_cached_yet(self) -> T {
        self.inside
    }
}

impl Quarantined<()> {
    /// The same quarantine, ready to be [joined](FlushNeeded::join) with those of other changes.
    pub fn without_tables(self) -> FlushNeeded {
        let Self { number, spaces, needed, .. } = self;
        Quarantined { inside: RetiredTables::default(), number, spaces, needed }
    }
}

impl FlushNeeded {
    /// Joins two quarantines into one, so that a batch of changes needs one shootdown.
    pub fn join(mut self, memory: &mut impl TableMemory, other: Self) -> Self {
        // One that nobody has to flush for holds nothing back.
        let spaces = self.spaces() | other.spaces();
        let (number, needed) = (self.number.max(other.number), self.needed || other.needed);
        self.inside.append(memory, other.inside);
        Self { inside: self.inside, number, spaces, needed }
    }
}
