//! Random sequences of changes to a tree and to a flat map.

use super::changes::{BASE, Change, Flat, WINDOW, change, model_change, model_map};
use super::{FakeMemory, frame};
use crate::paging::ept::{Ept, EptAttributes, Rights};
use crate::paging::host::{Host, HostAttributes};
use crate::paging::{Entry, FlushNeeded, Format, Level, MapError, TABLE_ENTRIES, TableMemory, Tree};
use crate::shootdown::Shootdown;
use proptest::prelude::{ProptestConfig, any, prop, proptest};
use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

/// Everything that a CPU may have cached since it last flushed: translations, and which table it found below a slot.
struct Stale<A> {
    translations: BTreeSet<(u64, u64, usize)>,
    tables: BTreeMap<(u64, u64), ()>,
    palette: [A; 3],
}

struct Run<F: Format> {
    tree: Tree<F>,
    memory: FakeMemory,
    flat: Flat<F::Attributes>,
    retired: Option<FlushNeeded>,
    stale: Stale<F::Attributes>,
    shootdown: Shootdown<1>,
}

impl<F: Format> Run<F> {
    fn new(largest: Level, palette: [F::Attributes; 3]) -> Self {
        let mut memory = FakeMemory::default();
        let tree = Tree::with_largest_leaf(&mut memory, largest).unwrap();
        let stale = Stale { translations: BTreeSet::new(), tables: BTreeMap::new(), palette };
        Self { tree, memory, flat: Flat::new(), retired: None, stale, shootdown: Shootdown::new() }
    }

    fn retire(&mut self, leavings: FlushNeeded) {
        self.retired = Some(match self.retired.take() {
            Some(before) => before.join(&mut self.memory, leavings),
            None => leavings,
        });
    }

    fn flush(&mut self) {
        let proof = self.shootdown.flush(0, u64::MAX, |_| ());
        if let Some(retired) = self.retired.take() {
            retired.release(&proof).unwrap().give_back(&mut self.memory);
        }
        self.stale.translations.clear();
        self.stale.tables.clear();
        self.note_cacheable();
    }

    fn apply(&mut self, change: &Change) {
        let memory = &mut self.memory;
        memory.limit = None;
        match *change {
            Change::Map { first, count, shift, attributes, spare } => {
                let attributes = self.stale.palette[attributes];
                let before = memory.taken();
                if let Some(spare) = spare {
                    memory.leave(spare);
                }
                let first = BASE + first;
                let result = self.tree.map(memory, first, frame(first + shift), count, attributes);
                if let Err(MapError::NoTableFrame { needed }) = result {
                    assert!(needed > spare.unwrap() as u64, "there were frames enough");
                    assert_eq!(memory.taken(), before, "a refused change keeps no frame");
                    memory.limit = None;
                    return;
                }
                assert_eq!(result, model_map(&mut self.flat, first, count, shift, attributes));
            }
            Change::Unmap { first, count } => {
                if F::KEEPS_TABLES {
                    memory.leave(0);
                }
                let result = self.tree.unmap(memory, BASE + first, count);
                let expected = model_change(&mut self.flat, BASE + first, count, |flat, page| {
                    flat.remove(&page);
                });
                assert_eq!(result.as_ref().map(|_| ()).map_err(|error| *error), expected);
                if let Ok(leavings) = result {
                    assert!(leavings.is_needed());
                    self.retire(leavings);
                }
            }
            Change::Protect { first, count, attributes } => {
                if F::KEEPS_TABLES {
                    memory.leave(0);
                }
                let attributes = self.stale.palette[attributes];
                let mut less = false;
                let result = self.tree.protect(memory, BASE + first, count, attributes);
                let expected = model_change(&mut self.flat, BASE + first, count, |flat, page| {
                    let old = flat.get_mut(&page).unwrap();
                    less |= F::takes_away(old.1, attributes);
                    old.1 = attributes;
                });
                assert_eq!(result.as_ref().map(|_| ()).map_err(|error| *error), expected);
                if let Ok(quarantine) = result {
                    assert_eq!(quarantine.is_needed(), less, "a flush is due exactly where a right was taken");
                    self.retire(quarantine.without_tables());
                }
            }
            Change::Flush => self.flush(),
        }
    }

    fn check(&mut self) {
        let mut found = Flat::new();
        self.tree.for_each_leaf(&self.memory, &mut |first, leaf| {
            for offset in 0..leaf.level.pages() {
                found.insert(first + offset, (leaf.frame.number() + offset, leaf.attributes));
            }
        });
        assert!(found == self.flat, "the tree and the model differ");
        for page in [BASE, BASE + 511, BASE + 512, BASE + 1023, BASE + 1024, BASE + WINDOW - 1] {
            let translation = self.tree.translate(&self.memory, page).map(|t| (t.frame.number(), t.attributes));
            assert_eq!(translation, self.flat.get(&page).copied());
        }
        let retired = self.memory.taken() - self.tree.frames();
        assert!(retired == 0 || self.retired.is_some(), "{retired} frames are nobody's");
        if F::KEEPS_TABLES {
            self.check_frames();
        }
        self.note_cacheable();
        self.check_stale_walks();
    }

    /// A table and its companion for each node above the leaves, and one table for each 2 MiB in use, split or not.
    fn check_frames(&self) {
        let used = |shift: u32| self.flat.keys().map(|page| page >> shift).collect::<BTreeSet<_>>().len() as u64;
        assert_eq!(self.tree.frames(), 2 + 2 * used(27) + 2 * used(18) + used(9));
    }

    /// Every 2 MiB that one leaf can say is said by one leaf.
    fn check_merged(&self) {
        for block in (BASE..BASE + WINDOW).step_by(512) {
            let Some(&(first, attributes)) = self.flat.get(&block) else { continue };
            let uniform = first % 512 == 0
                && (0..512).all(|offset| self.flat.get(&(block + offset)) == Some(&(first + offset, attributes)));
            let level = self.tree.translate(&self.memory, block).unwrap().level;
            assert_eq!(level == Level::Large, uniform, "block {block:#x}");
        }
    }

    fn colour(&self, attributes: F::Attributes) -> usize {
        self.stale.palette.iter().position(|&known| known == attributes).unwrap()
    }

    fn note_cacheable(&mut self) {
        for (&page, &(frame, attributes)) in &self.flat {
            let colour = self.colour(attributes);
            self.stale.translations.insert((page, frame, colour));
        }
        let tables = self.small_tables();
        self.stale.tables.extend(tables.into_iter().map(|table| (table, ())));
    }

    /// The tables of 4 KiB entries that a walk finds now, with the first page of each.
    fn small_tables(&self) -> Vec<(u64, u64)> {
        let mut nodes = std::vec![(Level::Root, 0_u64, self.tree.root())];
        let mut tables = Vec::new();
        while let Some((level, base, table)) = nodes.pop() {
            let Some(below) = level.below() else {
                tables.push((base, table.number()));
                continue;
            };
            for index in 0..TABLE_ENTRIES {
                if let Entry::Table(child) = F::classify(level, self.memory.read(table, index)) {
                    nodes.push((below, base + index as u64 * level.pages(), child));
                }
            }
        }
        tables
    }

    /// Whatever table a CPU has cached since it flushed, it finds nothing there that was not true since then.
    fn check_stale_walks(&self) {
        for &(base, table) in self.stale.tables.keys() {
            for index in 0..TABLE_ENTRIES {
                let raw = self.memory.read(frame(table), index);
                if let Entry::Leaf { frame, attributes } = F::classify(Level::Small, raw) {
                    let seen = (base + index as u64, frame.number(), self.colour(attributes));
                    assert!(self.stale.translations.contains(&seen), "a stale walk finds {seen:x?}");
                }
            }
        }
    }

    fn finish(mut self) {
        self.memory.limit = None;
        // One page at a time is the hardest: every large leaf is split first.
        for &first in self.flat.keys() {
            let leavings = self.tree.unmap(&mut self.memory, first, 1).unwrap();
            self.retired = Some(match self.retired.take() {
                Some(before) => before.join(&mut self.memory, leavings),
                None => leavings,
            });
        }
        self.flat.clear();
        self.flush();
        let root_alone = 1 + u64::from(F::KEEPS_TABLES);
        assert_eq!((self.memory.taken(), self.tree.frames()), (root_alone, root_alone));
        self.tree.dismantle(&mut self.memory);
        assert_eq!(self.memory.taken(), 0);
    }
}

fn ept_palette() -> [EptAttributes; 3] {
    let rights = [Rights::READ, Rights::ALL, Rights::READ_WRITE];
    rights.map(EptAttributes::memory).map(|attributes| attributes.with_tag(0xa5))
}

fn host_palette() -> [HostAttributes; 3] {
    let read = HostAttributes { writable: false, executable: false, user: false, global: true, uncached: false };
    [read, HostAttributes { writable: true, ..read }, HostAttributes { executable: true, ..read }]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn an_ept_agrees_with_the_model(changes in prop::collection::vec(change(), 1..40)) {
        let mut run = Run::<Ept>::new(Level::Large, ept_palette());
        for change in &changes {
            run.apply(change);
            run.check();
            run.check_merged();
        }
        run.finish();
    }

    #[test]
    fn an_ept_without_large_leaves_agrees_with_the_model(changes in prop::collection::vec(change(), 1..20)) {
        let mut run = Run::<Ept>::new(Level::Small, ept_palette());
        for change in &changes {
            run.apply(change);
            run.check();
        }
        run.finish();
    }

    #[test]
    fn host_tables_agree_with_the_model(huge in any::<bool>(), changes in prop::collection::vec(change(), 1..40)) {
        let mut run = Run::<Host>::new(if huge { Level::Huge } else { Level::Large }, host_palette());
        for change in &changes {
            run.apply(change);
            run.check();
        }
        run.finish();
    }
}
