//! Memory of page tables on the host, and a CPU that walks them.

use crate::page_table::walk::{ADDRESS, index, is_table};
use crate::page_table::{ENTRIES, Flags, TableMemory};
use std::collections::BTreeMap;
use std::vec::Vec;

/// At most so many tables. What is given back must be zero, and comes again.
pub struct Fake {
    tables: BTreeMap<u64, [u64; ENTRIES]>,
    free: Vec<u64>,
}

impl Fake {
    pub fn new(frames: u64) -> Self {
        Self { tables: BTreeMap::new(), free: (1..=frames).map(|frame| frame << 30).collect() }
    }

    pub fn in_use(&self) -> usize {
        self.tables.len()
    }

    /// The permissions that a CPU finds on its way.
    pub fn rights(&self, root: u64, at: u64) -> Flags {
        let all = Flags::PRESENT | Flags::WRITABLE | Flags::USER_ACCESSIBLE;
        let (mut table, mut rights, mut level) = (root, all, 4);
        loop {
            let word = self.tables[&table][index(at, level)];
            rights &= Flags::from_bits_retain(word);
            if !is_table(word, level) {
                return rights;
            }
            (table, level) = (word & ADDRESS, level - 1);
        }
    }

    /// Uses a page as a CPU does.
    pub fn touch(&mut self, root: u64, at: u64, write: bool) {
        let (mut table, mut level) = (root, 4);
        loop {
            let word = &mut self.tables.get_mut(&table).unwrap()[index(at, level)];
            if *word & 1 == 0 {
                return;
            }
            *word |= Flags::ACCESSED.bits();
            if !is_table(*word, level) {
                *word |= if write { Flags::DIRTY.bits() } else { 0 };
                return;
            }
            (table, level) = (*word & ADDRESS, level - 1);
        }
    }
}

impl TableMemory for Fake {
    unsafe fn read(&self, table: u64, index: usize) -> u64 {
        self.tables[&table][index]
    }

    unsafe fn update(&mut self, table: u64, index: usize, change: impl Fn(u64) -> u64) -> u64 {
        let word = &mut self.tables.get_mut(&table).unwrap()[index];
        core::mem::replace(word, change(*word))
    }

    fn take(&mut self) -> Option<u64> {
        let table = self.free.pop()?;
        assert!(self.tables.insert(table, [0; ENTRIES]).is_none());
        Some(table)
    }

    unsafe fn give(&mut self, table: u64) {
        assert_eq!(self.tables.remove(&table), Some([0; ENTRIES]));
        self.free.push(table);
    }
}
