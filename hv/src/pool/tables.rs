//! Paging tables in the kernel's frames.

use super::{Account, give, take};
use crate::addr::FrameNumber;
use crate::paging::TableMemory;
use crate::physmap;
use core::ops::Range;

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

    // One check for all entries, so that nothing else is in the loop.
    fn joined(&self, table: FrameNumber, entries: Range<usize>) -> u64 {
        assert!(entries.end <= 512, "a table has 512 entries");
        let first = physmap::pointer::<u64>(table.start());
        // SAFETY: as in `read`, for every index of the range.
        entries.fold(0, |joined, index| joined | unsafe { first.add(index).read_volatile() })
    }

    fn common(&self, table: FrameNumber, entries: Range<usize>) -> u64 {
        assert!(entries.end <= 512, "a table has 512 entries");
        let first = physmap::pointer::<u64>(table.start());
        // SAFETY: as in `read`, for every index of the range.
        entries.fold(u64::MAX, |common, index| common & unsafe { first.add(index).read_volatile() })
    }

    fn fill(&mut self, table: FrameNumber, entries: Range<usize>, first: u64, step: u64) {
        assert!(entries.end <= 512, "a table has 512 entries");
        let to = physmap::pointer::<u64>(table.start());
        let mut value = first;
        for index in entries {
            // SAFETY: as in `write`, for every index of the range.
            unsafe { to.add(index).write_volatile(value) };
            value = value.wrapping_add(step);
        }
    }

    fn take(&mut self) -> Option<FrameNumber> {
        take(self.0)
    }

    fn give(&mut self, table: FrameNumber) {
        give(table);
    }
}
