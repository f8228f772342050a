//! A tree of page tables: the one walk, and the changes that it allows.
//!
//! A change is a column of checks over the whole range, then one reservation of every table that it needs, and only
//! then writes, which cannot fail any more.
//!
//! Where the format keeps tables with their slots, each table above the leaves has a *companion*: a frame that the CPU
//! never sees, whose entry `i` names the companion of child `i`, or, at the level of 2 MiB leaves, the table that
//! belongs to slot `i` whether the slot is split or not.

mod map;
mod next;
mod protect;
mod slots;
mod small;
mod unmap;

use super::format::{Entry, Format, Level};
use super::table_list::TableList;
use super::{MapError, TABLE_ENTRIES, TableMemory};
use crate::addr::{FRAME_SIZE, FrameNumber, HostPhysical};
use core::fmt;
use core::marker::PhantomData;
use core::ops::Range;

/// A tree of page tables of format `F`. It owns its table frames, but not the memory that it maps.
#[must_use = "a tree's table frames are lost unless it is dismantled"]
pub struct Tree<F> {
    root: Node,
    largest: Level,
    frames: u64,
    format: PhantomData<fn() -> F>,
}

impl<F> fmt::Debug for Tree<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tree").field("root", &self.root.table).field("frames", &self.frames).finish_non_exhaustive()
    }
}

/// What a tree says about one page.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Translation<A> {
    /// The frame that the page shows.
    pub frame: FrameNumber,
    /// What may be done with it.
    pub attributes: A,
    /// How large the leaf is that says so.
    pub level: Level,
}

/// A table on the walk.
#[derive(Clone, Copy, Debug)]
struct Node {
    table: FrameNumber,
    companion: Option<FrameNumber>,
    level: Level,
    /// First page that the table covers.
    base: u64,
}

/// The part of a range that one entry covers.
#[derive(Clone, Copy, Debug)]
struct Part {
    index: usize,
    start: u64,
    end: u64,
    /// First page that the entry covers.
    base: u64,
}

impl Part {
    const fn is_whole(&self, level: Level) -> bool {
        self.end - self.start == level.pages()
    }

    const fn range(&self) -> Range<u64> {
        self.start..self.end
    }
}

/// Pages that four levels name.
const PAGES: u64 = Level::Root.pages() * TABLE_ENTRIES as u64;

/// The frame with a number that is known to be in range.
const fn frame(number: u64) -> FrameNumber {
    FrameNumber::containing(HostPhysical::new(number * FRAME_SIZE))
}

/// The entries of a table of `level` beginning at page `base` that touch `range`, in ascending order.
fn parts(level: Level, base: u64, range: Range<u64>) -> impl Iterator<Item = Part> {
    let span = level.pages();
    let (first, after) = ((range.start - base) / span, (range.end - base).div_ceil(span));
    (first..after).map(move |number| {
        let entry = base + number * span;
        Part { index: index(number), start: range.start.max(entry), end: range.end.min(entry + span), base: entry }
    })
}

/// An entry's number as an index.
#[allow(clippy::cast_possible_truncation, reason = "masked to 9 bits")]
const fn index(number: u64) -> usize {
    (number % TABLE_ENTRIES as u64) as usize
}

/// The pages of a change; refuses what four levels cannot name.
fn pages(first: u64, count: u64) -> Result<Range<u64>, MapError> {
    let end = first.checked_add(count).filter(|&end| end <= PAGES).ok_or(MapError::OutOfRange)?;
    Ok(first..end)
}

impl<F: Format> Tree<F> {
    /// An empty tree with leaves up to 2 MiB.
    ///
    /// # Errors
    /// [`MapError::NoTableFrame`] without frames for the root.
    pub fn new(memory: &mut impl TableMemory) -> Result<Self, MapError> {
        Self::with_largest_leaf(memory, Level::Large)
    }

    /// An empty tree with leaves up to this size: smaller where the CPU does not offer 2 MiB leaves or executing from
    /// them is an erratum, larger where it offers 1 GiB leaves and the format does not keep tables in reserve.
    ///
    /// # Errors
    /// [`MapError::NoTableFrame`] without frames for the root.
    pub fn with_largest_leaf(memory: &mut impl TableMemory, largest: Level) -> Result<Self, MapError> {
        let limit = if F::KEEPS_TABLES { Level::Large } else { Level::Huge };
        let needed = 1 + u64::from(F::KEEPS_TABLES);
        let mut frames = TableList::take(memory, needed).ok_or(MapError::NoTableFrame { needed })?;
        let table = frames.pop(memory).ok_or(MapError::NoTableFrame { needed })?;
        let root = Node { table, companion: frames.pop(memory), level: Level::Root, base: 0 };
        Ok(Self { root, largest: largest.min(limit), frames: needed, format: PhantomData })
    }

    /// The root table, for the register that points to it.
    #[must_use]
    pub const fn root(&self) -> FrameNumber {
        self.root.table
    }

    /// Table frames that the tree holds, those in reserve included: what its owner is charged.
    #[must_use]
    pub const fn frames(&self) -> u64 {
        self.frames
    }

    /// What the tree says about this page, if anything.
    #[must_use]
    pub fn translate(&self, memory: &impl TableMemory, page: u64) -> Option<Translation<F::Attributes>> {
        let range = pages(page, 1).ok()?;
        let mut node = self.root;
        loop {
            let part = parts(node.level, node.base, range.clone()).next()?;
            match self.entry(memory, &node, part.index) {
                Entry::Absent => return None,
                Entry::Table(table) => node = self.child(memory, &node, &part, table)?,
                Entry::Leaf { frame: first, attributes } => {
                    let frame = first.checked_add(page - part.base)?;
                    return Some(Translation { frame, attributes, level: node.level });
                }
            }
        }
    }

    /// Calls `leaf` with the first page and the translation of every leaf, in ascending order: for audits, and for
    /// finding what was bound under a tag.
    pub fn for_each_leaf(&self, memory: &impl TableMemory, leaf: &mut impl FnMut(u64, Translation<F::Attributes>)) {
        self.visit(memory, &self.root, leaf);
    }

    fn visit(&self, memory: &impl TableMemory, node: &Node, leaf: &mut impl FnMut(u64, Translation<F::Attributes>)) {
        for part in parts(node.level, node.base, self.covered(node)) {
            match self.entry(memory, node, part.index) {
                Entry::Absent => {}
                Entry::Table(table) => {
                    if let Some(child) = self.child(memory, node, &part, table) {
                        self.visit(memory, &child, leaf);
                    }
                }
                Entry::Leaf { frame, attributes } => {
                    leaf(part.base, Translation { frame, attributes, level: node.level });
                }
            }
        }
    }

    /// Gives every table frame back. No CPU may have the root loaded or anything of it cached: the owner puts the tree
    /// in a quarantine like any frame, or has never loaded it.
    pub fn dismantle(self, memory: &mut impl TableMemory) {
        self.give_below(memory, &self.root);
    }

    fn give_below(&self, memory: &mut impl TableMemory, node: &Node) {
        for part in parts(node.level, node.base, self.covered(node)) {
            match self.entry(memory, node, part.index) {
                Entry::Table(table) => {
                    if let Some(child) = self.child(memory, node, &part, table) {
                        self.give_below(memory, &child);
                    }
                }
                // A leaf's table is in reserve.
                Entry::Leaf { .. } => {
                    if let Some(table) = kept(memory, node, part.index) {
                        memory.give(table);
                    }
                }
                Entry::Absent => {}
            }
        }
        if let Some(companion) = node.companion {
            memory.give(companion);
        }
        memory.give(node.table);
    }

    fn covered(&self, node: &Node) -> Range<u64> {
        node.base..node.base + node.level.pages() * TABLE_ENTRIES as u64
    }

    fn entry(&self, memory: &impl TableMemory, node: &Node, index: usize) -> Entry<F::Attributes> {
        F::classify(node.level, memory.read(node.table, index))
    }

    /// The table that entry `part` of `node` points to, as a node of its own; `None` below the smallest level.
    fn child(&self, memory: &impl TableMemory, node: &Node, part: &Part, table: FrameNumber) -> Option<Node> {
        let level = node.level.below()?;
        let companion = if level == Level::Small { None } else { kept(memory, node, part.index) };
        Some(Node { table, companion, level, base: part.base })
    }
}

/// Marks an entry of a companion that names a frame, so that frame 0 is told from none.
const KEPT: u64 = 1;

/// What the companion of `node` names for this slot.
fn kept(memory: &impl TableMemory, node: &Node, index: usize) -> Option<FrameNumber> {
    let word = memory.read(node.companion?, index);
    (word & KEPT != 0).then(|| super::format::frame_of(word))
}

/// Notes in the companion of `node`, where there is one, what belongs to this slot.
fn keep(memory: &mut impl TableMemory, node: &Node, index: usize, frame: Option<FrameNumber>) {
    if let Some(companion) = node.companion {
        memory.write(companion, index, frame.map_or(0, |frame| frame.start().as_u64() | KEPT));
    }
}
