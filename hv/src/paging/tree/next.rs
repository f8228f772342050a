//! Going through the leaves in order, from anywhere, while the tree may change between two steps.

use super::super::TableMemory;
use super::super::format::{Entry, Format};
use super::{Node, PAGES, Translation, Tree, parts};
use core::ops::Range;

impl<F: Format> Tree<F> {
    /// The first leaf that maps `from` or a page above it: its first page, and what it says.
    #[must_use]
    pub fn next_leaf(&self, memory: &impl TableMemory, from: u64) -> Option<(u64, Translation<F::Attributes>)> {
        if from >= PAGES {
            return None;
        }
        self.next_below(memory, &self.root, from..PAGES)
    }

    fn next_below(
        &self,
        memory: &impl TableMemory,
        node: &Node,
        range: Range<u64>,
    ) -> Option<(u64, Translation<F::Attributes>)> {
        parts(node.level, node.base, range).find_map(|part| match self.entry(memory, node, part.index) {
            Entry::Absent => None,
            Entry::Leaf { frame, attributes } => {
                Some((part.base, Translation { frame, attributes, level: node.level }))
            }
            Entry::Table(table) => {
                let child = self.child(memory, node, &part, table)?;
                self.next_below(memory, &child, part.range())
            }
        })
    }
}
