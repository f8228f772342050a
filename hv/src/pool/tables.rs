//! Paging tables in the kernel's frames.

use super::{Account, give, take};
use crate::addr::FrameNumber;
use crate::paging::TableMemory;
use crate::physmap;

/// Paging tables in the kernel's frames; new ones come from this account, and each goes back to its own.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KernelTables(pub(crate) Account);

impl TableMemory for KernelTables {
    fn read(&self, table: FrameNumber, index: usize) -> u64 {
        assert!(index < 512, "a table has 512 entries");
        // SAFETY: a `Tree` reads only tables that it took from here; volatile, as the CPU sets accessed and dirty bits.
        unsafe { physmap::pointer::<u64>(table.start()).add(index).read_volatile() }
    }

    fn write(&mut self, table: FrameNumber, index: usize, value: u64) {
        assert!(index < 512, "a table has 512 entries");
        // SAFETY: as in `read`; whoever holds the tree mutably is its only writer but the CPU.
        unsafe { physmap::pointer::<u64>(table.start()).add(index).write_volatile(value) }
    }

    fn take(&mut self) -> Option<FrameNumber> {
        take(self.0)
    }

    fn give(&mut self, table: FrameNumber) {
        give(table);
    }
}
