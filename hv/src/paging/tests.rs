//! Trees against a flat model: equal translations, equal errors, no table frame lost, none used before a flush.

mod changes;
mod encoding;
mod model;
mod shapes;

use super::{TABLE_ENTRIES, TableMemory};
use crate::addr::FrameNumber;
use std::collections::BTreeMap;
use std::vec::Vec;

/// Table memory that knows what is taken: reading or writing anything else is a failure of the test.
#[derive(Debug, Default)]
pub(super) struct FakeMemory {
    tables: BTreeMap<u64, Vec<u64>>,
    next: u64,
    /// How many frames may be taken at one time; `None` for no limit.
    limit: Option<usize>,
}

impl FakeMemory {
    fn taken(&self) -> u64 {
        self.tables.len() as u64
    }

    /// Lets this many more frames be taken.
    fn leave(&mut self, spare: usize) {
        self.limit = Some(self.tables.len() + spare);
    }
}

impl TableMemory for FakeMemory {
    fn read(&self, table: FrameNumber, index: usize) -> u64 {
        self.tables[&table.number()][index]
    }

    fn write(&mut self, table: FrameNumber, index: usize, value: u64) {
        self.tables.get_mut(&table.number()).unwrap()[index] = value;
    }

    fn take(&mut self) -> Option<FrameNumber> {
        if self.limit.is_some_and(|limit| self.tables.len() >= limit) {
            return None;
        }
        // Numbers begin at 0, so that a list that takes frame 0 for none is found out; none is used twice.
        let number = self.next;
        self.next += 1;
        self.tables.insert(number, std::vec![0; TABLE_ENTRIES]);
        FrameNumber::new(number)
    }

    fn give(&mut self, table: FrameNumber) {
        assert!(self.tables.remove(&table.number()).is_some(), "{table:?} is given back but was not taken");
    }
}

fn frame(number: u64) -> FrameNumber {
    FrameNumber::new(number).unwrap()
}
