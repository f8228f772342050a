//! Mapping a run of pages that map nothing yet.

use super::super::format::{Entry, Format, Level};
use super::super::table_list::TableList;
use super::super::{MapError, TableMemory};
use super::slots::{reserve, take};
use super::small::Small;
use super::{Node, Part, Tree, frame, index, keep, pages, parts};
use crate::addr::FrameNumber;
use core::ops::Range;

/// What a run of pages is to show.
struct Mapping<A> {
    first_page: u64,
    first_frame: u64,
    attributes: A,
}

impl<A> Mapping<A> {
    const fn frame(&self, page: u64) -> FrameNumber {
        frame(self.first_frame + (page - self.first_page))
    }

    /// Whether one leaf of `level` can map this part.
    fn fits(&self, level: Level, largest: Level, part: &Part) -> bool {
        level <= largest && part.is_whole(level) && self.frame(part.start).number().is_multiple_of(level.pages())
    }
}

/// Table frames that a slot of `level` takes when it comes into use, as a leaf or as a pointer to a table.
const fn slot_cost<F: Format>(level: Level, as_leaf: bool) -> u64 {
    match level {
        Level::Small => 0,
        Level::Large if F::KEEPS_TABLES => 1,
        Level::Huge | Level::Root if F::KEEPS_TABLES => 2, // the table and its companion
        _ => !as_leaf as u64,
    }
}

impl<F: Format> Tree<F> {
    /// Maps `count` pages from `first_page` on to as many frames from `first_frame` on, with leaves as large as
    /// alignment allows. No CPU has to flush: nothing is taken away.
    ///
    /// # Errors
    /// [`MapError`]; nothing has changed then.
    pub fn map(
        &mut self,
        memory: &mut impl TableMemory,
        first_page: u64,
        first_frame: FrameNumber,
        count: u64,
        attributes: F::Attributes,
    ) -> Result<(), MapError> {
        let range = pages(first_page, count)?;
        if range.is_empty() {
            return Ok(());
        }
        first_frame.checked_add(count - 1).ok_or(MapError::OutOfRange)?;
        if let Some(small) = self.small(memory, &range) {
            return self.map_small(memory, &small, first_frame, attributes);
        }
        let mapping = Mapping { first_page, first_frame: first_frame.number(), attributes };
        let needed = self.check_map(memory, Some(&self.root), Level::Root, 0, range.clone(), &mapping)?;
        let mut reserved = reserve(memory, needed)?;
        self.frames += needed;
        self.do_map(memory, &mut reserved, &self.root, range, &mapping);
        debug_assert_eq!(reserved.length(), 0, "a table was reserved and not used");
        Ok(())
    }

    /// Table frames that mapping these pages takes, one after the other as the smallest leaves. None of them is mapped.
    pub fn cost_of_pages(&self, memory: &impl TableMemory, pages: &[u64]) -> u64 {
        let mut needed = 0;
        for (place, page) in pages.iter().enumerate() {
            let (mut node, mut level) = (Some(self.root), Level::Root);
            while let Some(below) = level.below() {
                let slot = page / level.pages();
                let entry = node.map_or(Entry::Absent, |node| self.entry(memory, &node, index(slot)));
                node = if let Entry::Table(table) = entry {
                    Some(Node { table, companion: None, level: below, base: slot * level.pages() })
                } else {
                    let made_before = pages[..place].iter().any(|other| other / level.pages() == slot);
                    needed += if made_before { 0 } else { slot_cost::<F>(level, false) };
                    None
                };
                level = below;
            }
        }
        needed
    }

    fn map_small(
        &self,
        memory: &mut impl TableMemory,
        small: &Small,
        first_frame: FrameNumber,
        attributes: F::Attributes,
    ) -> Result<(), MapError> {
        // Joined, they are absent only if each is (`Format::is_absent`).
        if !F::is_absent(memory.joined(small.node.table, small.entries.clone())) {
            let taken = small.entries.clone().find(|&index| !F::is_absent(memory.read(small.node.table, index)));
            let page = small.node.base + taken.unwrap_or(small.entries.start) as u64;
            return Err(MapError::AlreadyMapped { page });
        }
        Self::write_leaves(memory, &small.node, small.entries.clone(), first_frame, attributes);
        self.merge(memory, &small.parent, &small.part, &small.node);
        Ok(())
    }

    /// Counts the table frames that the mapping takes below a table of `level`, which may not exist yet.
    fn check_map(
        &self,
        memory: &impl TableMemory,
        node: Option<&Node>,
        level: Level,
        base: u64,
        range: Range<u64>,
        mapping: &Mapping<F::Attributes>,
    ) -> Result<u64, MapError> {
        if node.is_none() && level == Level::Small {
            return Ok(0);
        }
        let mut needed = 0;
        for part in parts(level, base, range) {
            let entry = node.map_or(Entry::Absent, |node| self.entry(memory, node, part.index));
            let child = match (entry, node) {
                (Entry::Leaf { .. }, _) => return Err(MapError::AlreadyMapped { page: part.start }),
                (Entry::Table(table), Some(node)) => self.child(memory, node, &part, table),
                _ => {
                    let as_leaf = mapping.fits(level, self.largest, &part);
                    needed += slot_cost::<F>(level, as_leaf);
                    if as_leaf {
                        continue;
                    }
                    None
                }
            };
            if let Some(below) = level.below() {
                needed += self.check_map(memory, child.as_ref(), below, part.base, part.range(), mapping)?;
            }
        }
        Ok(needed)
    }

    fn do_map(
        &self,
        memory: &mut impl TableMemory,
        reserved: &mut TableList,
        node: &Node,
        range: Range<u64>,
        mapping: &Mapping<F::Attributes>,
    ) {
        for part in parts(node.level, node.base, range) {
            match self.entry(memory, node, part.index) {
                Entry::Leaf { .. } => debug_assert!(false, "the checks found the range unmapped"),
                Entry::Table(table) => {
                    if let Some(child) = self.child(memory, node, &part, table) {
                        self.do_map(memory, reserved, &child, part.range(), mapping);
                        self.merge(memory, node, &part, &child);
                    }
                }
                Entry::Absent if mapping.fits(node.level, self.largest, &part) => {
                    if F::KEEPS_TABLES && node.level == Level::Large {
                        let table = take(memory, reserved);
                        keep(memory, node, part.index, Some(table));
                    }
                    let leaf = F::leaf(node.level, mapping.frame(part.start), mapping.attributes);
                    memory.write(node.table, part.index, leaf);
                }
                Entry::Absent => {
                    if let Some(child) = self.begin_table(memory, reserved, node, &part) {
                        self.do_map(memory, reserved, &child, part.range(), mapping);
                        // Only now does a walk find it, and with it all that is new.
                        memory.write(node.table, part.index, F::table(child.table));
                    }
                }
            }
        }
    }

    /// An empty table for this slot, noted in the companion but not yet in the slot.
    fn begin_table(
        &self,
        memory: &mut impl TableMemory,
        reserved: &mut TableList,
        node: &Node,
        part: &Part,
    ) -> Option<Node> {
        let level = node.level.below()?;
        let table = take(memory, reserved);
        let companion = (F::KEEPS_TABLES && level != Level::Small).then(|| take(memory, reserved));
        keep(memory, node, part.index, Some(companion.unwrap_or(table)));
        Some(Node { table, companion, level, base: part.base })
    }
}
