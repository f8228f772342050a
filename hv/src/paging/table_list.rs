//! Lists of table frames, linked through their own first words, so that keeping them needs no other memory.

use super::TableMemory;
use crate::addr::FrameNumber;

/// Tables on a list. A frame number in bits 51:12 with the low three bits clear is an absent entry in every format, so
/// a CPU that still walks a listed table finds nothing there that was not there before.
#[derive(Debug, Default)]
pub(super) struct TableList {
    ends: Option<(FrameNumber, FrameNumber)>,
    length: u64,
}

/// Set in every link, so that a link to frame 0 is told from the end.
const LINK: u64 = 1 << 3;

impl TableList {
    pub(super) const fn new() -> Self {
        Self { ends: None, length: 0 }
    }

    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Takes `count` frames; all or none.
    pub(super) fn take(memory: &mut impl TableMemory, count: u64) -> Option<Self> {
        let mut list = Self::new();
        while list.length < count {
            let Some(table) = memory.take() else {
                list.give_back(memory);
                return None;
            };
            list.push(memory, table);
        }
        Some(list)
    }

    pub(super) fn push(&mut self, memory: &mut impl TableMemory, table: FrameNumber) {
        let (link, last) = match self.ends {
            Some((first, last)) => (first.start().as_u64() | LINK, last),
            None => (0, table),
        };
        memory.write(table, 0, link);
        self.ends = Some((table, last));
        self.length += 1;
    }

    /// The table put in last; its first word is zero again.
    pub(super) fn pop(&mut self, memory: &mut impl TableMemory) -> Option<FrameNumber> {
        let (first, last) = self.ends?;
        let link = memory.read(first, 0);
        memory.write(first, 0, 0);
        self.ends = if link & LINK == 0 { None } else { Some((super::format::frame_of(link), last)) };
        self.length -= 1;
        Some(first)
    }

    pub(super) fn append(&mut self, memory: &mut impl TableMemory, other: Self) {
        let Some((first, last)) = other.ends else { return };
        self.ends = match self.ends {
            Some((own_first, own_last)) => {
                memory.write(own_last, 0, first.start().as_u64() | LINK);
                Some((own_first, last))
            }
            None => other.ends,
        };
        self.length += other.length;
    }

    pub(super) fn give_back(mut self, memory: &mut impl TableMemory) {
        while let Some(table) = self.pop(memory) {
            memory.give(table);
        }
    }
}

/// Tables that a tree no longer uses. A CPU may walk them until it has flushed, so they come out of a quarantine.
#[derive(Debug, Default)]
#[must_use = "these table frames are lost unless they are given back"]
pub struct RetiredTables(TableList);

impl RetiredTables {
    pub(super) const fn new(list: TableList) -> Self {
        Self(list)
    }

    pub(super) fn append(&mut self, memory: &mut impl TableMemory, other: Self) {
        self.0.append(memory, other.0);
    }

    /// How many there are.
    #[must_use]
    pub const fn count(&self) -> u64 {
        self.0.length()
    }

    /// Gives the frames back to where they came from.
    pub fn give_back(self, memory: &mut impl TableMemory) {
        self.0.give_back(memory);
    }
}
