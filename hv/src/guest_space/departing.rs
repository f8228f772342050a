//! Bindings that have ended in the tables and may live on in a CPU.

use crate::addr::FrameNumber;
use crate::guest_memory::GuestMemory;
use crate::paging::{FlushNeeded, Flushed};
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

/// Runs of several spaces that one flush covers.
#[derive(Debug, Default)]
pub struct Departing {
    runs: heapless::Vec<(FrameNumber, u64), RUNS>,
    tables: Option<FlushNeeded>,
}

impl Departing {
    /// Whether no other run fits before a flush.
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.runs.is_full()
    }

    /// Adds a run.
    ///
    /// # Panics
    /// Where it [is full](Self::is_full).
    pub fn add(&mut self, unbound: Unbound) {
        let Unbound { first, count, quarantine } = unbound;
        // Tables go back to the accounts that they came from, whichever account the list is handled for.
        let mut tables = KernelTables(Account::KERNEL);
        self.tables = Some(match self.tables.take() {
            None => quarantine,
            Some(before) => before.join(&mut tables, quarantine),
        });
        if let Some((last, length)) = self.runs.last_mut()
            && last.number() + *length == first.number()
        {
            *length += count;
            return;
        }
        assert!(self.runs.push((first, count)).is_ok(), "the caller flushes before there are too many");
    }

    /// Releases all runs: no CPU can use them any more. Nothing happens where the proof does not cover them.
    pub fn release(&mut self, memory: &GuestMemory, flushed: &Flushed) {
        let Some(tables) = self.tables.take() else { return };
        match tables.release(flushed) {
            Ok(retired) => {
                retired.give_back(&mut KernelTables(Account::KERNEL));
                for &(first, count) in &self.runs {
                    memory.let_go(first, count);
                }
                self.runs.clear();
            }
            Err(still) => self.tables = Some(still),
        }
    }
}
