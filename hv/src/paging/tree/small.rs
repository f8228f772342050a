//! The short way: changes within one table of the smallest pages that exists already. It does what the general walk does.

use super::super::format::{Entry, Format, Level};
use super::super::{TABLE_ENTRIES, TableMemory};
use super::{Node, PAGES, Part, Tree, index};
use crate::addr::FrameNumber;
use core::ops::Range;

/// A table of the smallest pages, and the slot that points to it.
pub(super) struct Small {
    /// The table above.
    pub(super) parent: Node,
    /// The slot.
    pub(super) part: Part,
    /// The table.
    pub(super) node: Node,
    /// Indices of the entries.
    pub(super) entries: Range<usize>,
}

impl<F: Format> Tree<F> {
    /// The one table of the smallest pages that covers the whole range, where it is there.
    #[inline]
    pub(super) fn small(&self, memory: &impl TableMemory, range: &Range<u64>) -> Option<Small> {
        let span = Level::Large.pages();
        if range.is_empty() || range.end > PAGES || range.start / span != (range.end - 1) / span {
            return None;
        }
        let page = range.start;
        // Nothing here looks at companions: no slot comes into use or falls out of it.
        let huge = Self::below(memory, self.root.table, Level::Root, page)?;
        let large = Self::below(memory, huge, Level::Huge, page)?;
        let table = Self::below(memory, large, Level::Large, page)?;
        let base = page / span * span;
        let parent = Node { table: large, companion: None, level: Level::Large, base: page / (span * span) * span };
        let part = Part { index: index(page / span), start: range.start, end: range.end, base };
        let first = index(page);
        let entries = first..(first + index(range.end - page - 1) + 1).min(TABLE_ENTRIES);
        Some(Small { parent, part, node: Node { table, companion: None, level: Level::Small, base }, entries })
    }

    /// The table that a table of `level` points to where it covers this page.
    #[inline]
    fn below(memory: &impl TableMemory, table: FrameNumber, level: Level, page: u64) -> Option<FrameNumber> {
        F::pointed(memory.read(table, index(page / level.pages())))
    }

    /// Whether other entries of the table than these map something. Neighbours mostly do.
    pub(super) fn keeps_others(&self, memory: &impl TableMemory, small: &Small) -> bool {
        let mut others = (small.entries.end..TABLE_ENTRIES).chain((0..small.entries.start).rev());
        others.any(|index| self.entry(memory, &small.node, index) != Entry::Absent)
    }

    /// Writes leaves for frames that follow one another.
    pub(super) fn write_leaves(
        memory: &mut impl TableMemory,
        node: &Node,
        entries: Range<usize>,
        first: FrameNumber,
        attributes: F::Attributes,
    ) {
        const STEP: u64 = crate::addr::FRAME_SIZE; // the next frame's number, in a format that has it at its own place
        memory.fill(node.table, entries, F::leaf(Level::Small, first, attributes), STEP);
    }
}
