//! Steps that all changes share: reserving tables, splitting a leaf, merging a table, giving up an empty one.

use super::super::format::{Entry, Format, Level};
use super::super::table_list::TableList;
use super::super::{MapError, TABLE_ENTRIES, TableMemory};
use super::{Node, Part, Tree, frame, keep, kept, parts};
use crate::addr::FrameNumber;
use core::ops::Range;

/// Takes every table that a change needs, before the change begins.
pub(super) fn reserve(memory: &mut impl TableMemory, needed: u64) -> Result<TableList, MapError> {
    TableList::take(memory, needed).ok_or(MapError::NoTableFrame { needed })
}

/// A table out of the reservation.
pub(super) fn take(memory: &mut impl TableMemory, reserved: &mut TableList) -> FrameNumber {
    let Some(table) = reserved.pop(memory) else { unreachable!("the checks count every table that a change needs") };
    table
}

/// Tables that splitting a leaf of `level` takes so that `range`, inside it, has entries of its own.
pub(super) fn split_cost<F: Format>(level: Level, base: u64, range: Range<u64>) -> u64 {
    let Some(below) = level.below() else { return 0 };
    if F::KEEPS_TABLES {
        return 0;
    }
    let partial = parts(below, base, range).filter(|part| !part.is_whole(below));
    1 + partial.map(|part| split_cost::<F>(below, part.base, part.range())).sum::<u64>()
}

impl<F: Format> Tree<F> {
    /// Replaces the leaf at `part` of `node` by a table that says the same, and returns the table.
    pub(super) fn split(
        &self,
        memory: &mut impl TableMemory,
        reserved: &mut TableList,
        node: &Node,
        part: &Part,
    ) -> Option<Node> {
        let below = node.level.below()?;
        let raw = memory.read(node.table, part.index);
        let Entry::Leaf { frame: first, attributes } = F::classify(node.level, raw) else { return None };
        // A table that was kept may hold what it held before a merge; every entry is written anew.
        let table = kept(memory, node, part.index).unwrap_or_else(|| take(memory, reserved));
        for (index, number) in (0..TABLE_ENTRIES).zip(0_u64..) {
            let piece = frame(first.number() + number * below.pages());
            memory.write(table, index, F::leaf(below, piece, attributes) | raw & F::SET_BY_CPU);
        }
        // Writes reach other CPUs in program order, so a walk that sees the table sees its entries.
        memory.write(node.table, part.index, F::table(table));
        self.child(memory, node, part, table)
    }

    /// Replaces the table at `part` of `node` by a leaf where all its entries together say no more than a leaf can.
    ///
    /// Nobody has to flush: the table stays with the slot, and a CPU that still walks it finds the same translations.
    #[inline]
    pub(super) fn merge(&self, memory: &mut impl TableMemory, node: &Node, part: &Part, child: &Node) {
        if !F::KEEPS_TABLES || node.level > self.largest || child.level != Level::Small {
            return;
        }
        // Most tables have room left.
        if [TABLE_ENTRIES - 1, 0].iter().all(|&index| !F::is_absent(memory.read(child.table, index))) {
            self.merge_full(memory, node, part, child);
        }
    }

    fn merge_full(&self, memory: &mut impl TableMemory, node: &Node, part: &Part, child: &Node) {
        let Entry::Leaf { frame: first, attributes } = self.entry(memory, child, 0) else { return };
        if !first.number().is_multiple_of(node.level.pages()) {
            return;
        }
        let says = |index: usize, number: u64| {
            let raw = memory.read(child.table, index);
            let expected = F::leaf(child.level, frame(first.number() + number), attributes);
            (raw & !F::SET_BY_CPU == expected).then_some(raw & F::SET_BY_CPU)
        };
        // A table that is being filled or emptied in order mostly differs at its end.
        if says(TABLE_ENTRIES - 1, TABLE_ENTRIES as u64 - 1).is_none() {
            return;
        }
        let mut set_by_cpu = 0;
        for (index, number) in (0..TABLE_ENTRIES).zip(0_u64..) {
            match says(index, number) {
                Some(bits) => set_by_cpu |= bits,
                None => return,
            }
        }
        memory.write(node.table, part.index, F::leaf(node.level, first, attributes) | set_by_cpu);
    }

    /// Removes the table at `part` of `node` where nothing is left in it; what CPUs may walk goes to `retired`.
    pub(super) fn prune(
        &mut self,
        memory: &mut impl TableMemory,
        retired: &mut TableList,
        node: &Node,
        part: &Part,
        child: &Node,
    ) {
        let absent = |index: usize| self.entry(memory, child, index) == Entry::Absent;
        if !absent(TABLE_ENTRIES - 1) || !(0..TABLE_ENTRIES).all(absent) {
            return;
        }
        memory.write(node.table, part.index, 0);
        keep(memory, node, part.index, None);
        retired.push(memory, child.table);
        // No CPU ever walks a companion.
        if let Some(companion) = child.companion {
            memory.give(companion);
            self.frames -= 1;
        }
    }
}
