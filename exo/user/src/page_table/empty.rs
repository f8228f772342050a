//! Tables that map nothing any more.

use super::memory::{ENTRIES, TableMemory};
use super::tree::PageTable;
use super::walk::{ADDRESS, is_table, span};

/// Tables that were taken out of a tree, in a list that runs through their own first words: bit 0 of those stays clear, so a CPU
/// that still knows the way finds nothing in them. Dropping it loses the frames.
#[derive(Debug, Default)]
#[must_use = "the frames are lost"]
pub struct EmptyTables {
    first: u64,
}

impl EmptyTables {
    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.first == 0
    }

    fn add(&mut self, memory: &mut impl TableMemory, table: u64) {
        // SAFETY: the table was just taken out of its tree, whose memory this is.
        unsafe { memory.update(table, 0, |_| self.first) };
        self.first = table;
    }

    pub(super) fn give(mut self, memory: &mut impl TableMemory) {
        while self.first != 0 {
            let table = self.first;
            // SAFETY: a table of the list, which nobody else knows of any more, and which is zero but for its first word.
            unsafe {
                self.first = memory.update(table, 0, |_| 0);
                memory.give(table);
            }
        }
    }
}

impl<M: TableMemory> PageTable<M> {
    /// Takes out what is empty below a table, which maps from address `base` on; whether the table itself is empty now.
    pub(super) fn prune(
        &mut self,
        table: u64,
        level: u32,
        base: u64,
        (start, end): (u64, u64),
        empty: &mut EmptyTables,
    ) -> bool {
        let mut vacant = true;
        for index in 0..ENTRIES {
            let from = base + index as u64 * span(level);
            // SAFETY: the table is of this tree.
            let word = unsafe { self.memory.read(table, index) };
            let touched = from < end && from + span(level) > start;
            if touched && is_table(word, level) {
                let below = word & ADDRESS;
                let inside = start <= from && from + span(level) <= end;
                if self.prune(below, level - 1, from, (start, end), empty) && inside {
                    // SAFETY: the table is of this tree, and what it leads to maps nothing.
                    unsafe { self.memory.update(table, index, |_| 0) };
                    empty.add(&mut self.memory, below);
                    continue;
                }
            }
            vacant &= word == 0;
        }
        vacant
    }
}
