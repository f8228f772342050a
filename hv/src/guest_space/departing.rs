//! Bindings that have ended in the tables and may live on in a CPU.

use crate::addr::FrameNumber;
use crate::guest_memory::{self, GuestMemory};
use crate::paging::{FlushNeeded, Flushed, Quarantined};
use crate::pool::{Account, KernelTables};

/// A run of bindings that have ended.
#[derive(Debug)]
#[must_use = "the frames stay in use, and the tables lost, until they are released"]
pub struct Unbound {
    pub(super) first: FrameNumber,
    pub(super) count: u64,
    pub(super) quarantine: FlushNeeded,
}

/// How many runs wait for one flush.
const RUNS: usize = 512;

/// What was taken out of several spaces and one flush covers.
#[derive(Debug, Default)]
pub struct Departing {
    runs: heapless::Vec<(FrameNumber, u64), RUNS>,
    quarantine: Option<FlushNeeded>,
}

impl Departing {
    /// Whether no other run fits before a flush.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.runs.is_full()
    }

    /// The spaces that the flush has to be of, one bit each; 0 where nobody has to flush.
    #[must_use]
    pub fn spaces(&self) -> u64 {
        self.quarantine.as_ref().map_or(0, Quarantined::spaces)
    }

    /// Adds a run.
    ///
    /// # Panics
    /// Where it [is full](Self::is_full).
    pub fn add(&mut self, unbound: Unbound) {
        let Unbound { first, count, quarantine } = unbound;
        self.join(quarantine);
        if let Some((last, length)) = self.runs.last_mut()
            && last.number() + *length == first.number()
        {
            *length += count;
            return;
        }
        assert!(self.runs.push((first, count)).is_ok(), "the caller flushes before there are too many");
    }

    /// Adds rights that were taken away.
    pub fn add_rights(&mut self, taken: Quarantined<()>) {
        if taken.is_needed() {
            self.join(taken.without_tables());
        }
    }

    fn join(&mut self, quarantine: FlushNeeded) {
        // Tables go back to the accounts that they came from, whichever account the list is handled for.
        let mut tables = KernelTables(Account::KERNEL);
        self.quarantine = Some(match self.quarantine.take() {
            None => quarantine,
            Some(before) => before.join(&mut tables, quarantine),
        });
    }

    /// Releases all runs: no CPU can use them any more. Nothing happens where the proof does not cover them all.
    pub fn release(&mut self, _memory: &GuestMemory, flushed: &Flushed) {
        let Some(quarantine) = self.quarantine.take() else { return };
        match quarantine.release(flushed) {
            Ok(retired) => {
                retired.give_back(&mut KernelTables(Account::KERNEL));
                for &(first, count) in &self.runs {
                    guest_memory::let_go(first, count);
                }
                self.runs.clear();
            }
            Err(still) => self.quarantine = Some(still),
        }
    }
}
