//! What some CPU may still reach through a translation that it has cached, as a type.
//!
//! A change that takes something away returns its leavings inside a [`Quarantined`]. They come out only against a
//! [`Flushed`], which only the shootdown makes, and only one that began after the change. So "freed but not flushed"
//! cannot be written down.

use super::{RetiredTables, TableMemory};
use core::sync::atomic::{AtomicU64, Ordering};

/// Numbers quarantines in the order in which they began. Only order matters, so one counter serves all trees.
static BEGUN: AtomicU64 = AtomicU64::new(0);

/// Proof that no CPU uses a translation that was taken away before the shootdown began.
#[derive(Debug)]
pub struct Flushed {
    covers: u64,
}

/// The last quarantine that a shootdown beginning now covers. Its caller has changed the tables before.
pub(crate) fn covered_now() -> u64 {
    // Acquire, with the release of whoever began those quarantines: their changes to tables come before the flush.
    BEGUN.load(Ordering::Acquire)
}

/// The proof itself; for the shootdown alone, after every CPU has flushed or left its guest.
pub(crate) const fn flushed(covers: u64) -> Flushed {
    Flushed { covers }
}

/// Something that must not be used for anything else until every CPU has flushed.
#[derive(Debug)]
#[must_use = "what is quarantined stays lost, and a CPU may still reach it, until a shootdown releases it"]
pub struct Quarantined<T> {
    inside: T,
    number: u64,
    needed: bool,
}

/// What a change to a tree leaves behind: table frames, possibly none, behind a flush.
pub type FlushNeeded = Quarantined<RetiredTables>;

impl<T> Quarantined<T> {
    /// Begins a quarantine. `needed` is false where the change took nothing away, so that nobody has to flush.
    pub(super) fn begin(inside: T, needed: bool) -> Self {
        // Release: see `covered_now`.
        let number = BEGUN.fetch_add(1, Ordering::AcqRel) + 1;
        Self { inside, number, needed }
    }

    /// Whether any CPU has to flush at all. A change that only grants more leaves this false.
    #[must_use]
    pub const fn is_needed(&self) -> bool {
        self.needed
    }

    /// Puts something else under the same quarantine: the frames that were just unmapped.
    pub fn with<U>(self, other: U) -> Quarantined<(T, U)> {
        Quarantined { inside: (self.inside, other), number: self.number, needed: self.needed }
    }

    /// Opens the quarantine.
    ///
    /// # Errors
    /// The quarantine itself where the shootdown began before it, so that the proof does not cover it.
    pub fn release(self, proof: &Flushed) -> Result<T, Self> {
        if !self.needed || self.number <= proof.covers { Ok(self.inside) } else { Err(self) }
    }

    /// Opens the quarantine of tables that no CPU has ever loaded or used: while the kernel builds its own space.
    pub(crate) fn nothing_cached_yet(self) -> T {
        self.inside
    }
}

impl Quarantined<()> {
    /// The same quarantine, ready to be [joined](FlushNeeded::join) with those of other changes.
    pub fn without_tables(self) -> FlushNeeded {
        Quarantined { inside: RetiredTables::default(), number: self.number, needed: self.needed }
    }
}

impl FlushNeeded {
    /// Joins two quarantines into one, so that a batch of changes needs one shootdown.
    pub fn join(mut self, memory: &mut impl TableMemory, other: Self) -> Self {
        self.inside.append(memory, other.inside);
        Self { inside: self.inside, number: self.number.max(other.number), needed: self.needed || other.needed }
    }
}
