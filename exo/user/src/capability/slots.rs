//! Which slots, of capabilities or of gates, are in use, and which of them have a holder.

use core::sync::atomic::{AtomicU64, Ordering};
use exo_abi::capability::{GATE_SLOTS, SLOTS};

/// Two bitmaps over the slots.
pub(crate) struct Slots {
    /// Something lies there.
    used: AtomicU64,
    /// Somebody will empty it.
    held: AtomicU64,
}

/// One bit for each slot fits a word.
const _: () = assert!(SLOTS == 64 && GATE_SLOTS == 64);

fn bit(slot: u8) -> u64 {
    1_u64.checked_shl(slot.into()).unwrap_or(0)
}

impl Slots {
    pub(crate) const fn new() -> Self {
        Self { used: AtomicU64::new(0), held: AtomicU64::new(0) }
    }

    /// Something lies in a slot.
    pub(crate) fn note(&self, slot: u8) {
        self.used.fetch_or(bit(slot), Ordering::Relaxed);
    }

    /// Makes the caller a slot's holder, unless there is one or no such slot.
    pub(crate) fn hold(&self, slot: u8) -> bool {
        self.note(slot);
        bit(slot) & !self.held.fetch_or(bit(slot), Ordering::Relaxed) != 0
    }

    /// A slot that nothing lies in, held.
    pub(crate) fn take(&self) -> Option<u8> {
        loop {
            let slot = u8::try_from(self.used.load(Ordering::Relaxed).trailing_ones()).ok()?;
            if bit(slot) == 0 {
                return None;
            }
            if self.used.fetch_or(bit(slot), Ordering::Relaxed) & bit(slot) == 0 {
                self.held.fetch_or(bit(slot), Ordering::Relaxed);
                return Some(slot);
            }
        }
    }

    /// A slot has no holder, but something lies in it.
    pub(crate) fn unhold(&self, slot: u8) {
        self.held.fetch_and(!bit(slot), Ordering::Relaxed);
    }

    /// A slot is empty.
    pub(crate) fn give(&self, slot: u8) {
        self.unhold(slot);
        self.used.fetch_and(!bit(slot), Ordering::Relaxed);
    }
}
