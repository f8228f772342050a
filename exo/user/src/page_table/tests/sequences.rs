//! Random sequences of edits against a map with one element for each page.

use super::fake::Fake;
use crate::page_table::{Flags, LARGE, MapError, PageTable, SMALL};
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop_oneof, proptest};
use std::collections::BTreeMap;
use std::vec::Vec;

/// Pages of the range that sequences play in: two large pages on both sides of a border of the next level.
const PAGES: u64 = 4 * 512;
const BASE: u64 = 0xffff_8000_4000_0000 - 2 * LARGE;

#[derive(Clone, Copy, Debug)]
enum Edit {
    Map { at: u64, to: u64, count: u64, flags: Flags, largest: u64 },
    Unmap { at: u64, count: u64 },
    Protect { at: u64, count: u64, flags: Flags },
    Touch { at: u64, write: bool },
    Harvest { at: u64, count: u64, bits: Flags },
    Prune,
}

fn page() -> impl Strategy<Value = u64> {
    prop_oneof![0..PAGES, (0..4_u64).prop_map(|large| large * 512)]
}

fn count() -> impl Strategy<Value = u64> {
    prop_oneof![1..20_u64, Just(512), Just(1024), 1..1500_u64]
}

fn flags() -> impl Strategy<Value = Flags> {
    any::<[bool; 3]>().prop_map(|[write, user, global]| {
        let mut flags = Flags::PRESENT;
        flags.set(Flags::WRITABLE, write);
        flags.set(Flags::USER_ACCESSIBLE, user);
        flags.set(Flags::GLOBAL, global);
        flags
    })
}

fn edit() -> impl Strategy<Value = Edit> {
    let bits = prop_oneof![Just(Flags::DIRTY), Just(Flags::ACCESSED), Just(Flags::DIRTY | Flags::ACCESSED)];
    let largest = prop_oneof![Just(SMALL), Just(LARGE)];
    prop_oneof![
        3 => (page(), page(), count(), flags(), largest)
            .prop_map(|(at, to, count, flags, largest)| Edit::Map { at, to, count, flags, largest }),
        2 => (page(), count()).prop_map(|(at, count)| Edit::Unmap { at, count }),
        2 => (page(), count(), flags()).prop_map(|(at, count, flags)| Edit::Protect { at, count, flags }),
        3 => (page(), any::<bool>()).prop_map(|(at, write)| Edit::Touch { at, write }),
        2 => (page(), count(), bits).prop_map(|(at, count, bits)| Edit::Harvest { at, count, bits }),
        1 => Just(Edit::Prune),
    ]
}

/// The naive table: page to physical page and flags.
type Model = BTreeMap<u64, (u64, Flags)>;

fn overlaps(model: &Model, at: u64, count: u64) -> bool {
    model.range(at..at + count).next().is_some()
}

/// The pages that share a leaf with `at`, by the table's own account.
fn leaf_of(table: &PageTable<&mut Fake>, at: u64) -> Option<core::ops::Range<u64>> {
    let mapping = table.query(BASE + at * SMALL)?;
    let first = (mapping.address - BASE) / SMALL;
    Some(first..first + mapping.bytes / SMALL)
}

/// Does the edit to both; what the table answered and what it should have.
fn apply(table: &mut PageTable<&mut Fake>, model: &mut Model, edit: Edit) -> Result<(), MapError> {
    let address = |page: u64| BASE + page * SMALL;
    match edit {
        Edit::Map { at, to, count, flags, largest } => {
            let count = count.min(PAGES - at);
            // SAFETY: no CPU uses the table.
            let answer = unsafe { table.map(address(at), to * SMALL, count * SMALL, flags, largest) };
            assert_eq!(answer.as_ref().err() == Some(&MapError::Occupied), overlaps(model, at, count));
            // SAFETY: as above.
            _ = unsafe { answer?.not_needed() };
            model.extend((0..count).map(|page| (at + page, (to + page, flags))));
        }
        Edit::Unmap { at, count } => {
            let count = count.min(PAGES - at);
            // SAFETY: no CPU uses the table.
            let flush = unsafe { table.unmap(address(at), count * SMALL)? };
            assert_eq!(flush.is_empty(), !overlaps(model, at, count));
            model.retain(|page, _| !(at..at + count).contains(page));
        }
        Edit::Protect { at, count, flags } => {
            let count = count.min(PAGES - at);
            // SAFETY: no CPU uses the table.
            _ = unsafe { table.protect(address(at), count * SMALL, flags)?.not_needed() };
            let kept = Flags::ACCESSED | Flags::DIRTY;
            model.range_mut(at..at + count).for_each(|(_, (_, old))| *old = *old & kept | flags);
        }
        Edit::Touch { at, write } => {
            let root = table.root();
            table.memory.touch(root, address(at), write);
            let noted = if write { Flags::ACCESSED | Flags::DIRTY } else { Flags::ACCESSED };
            for page in leaf_of(table, at).into_iter().flatten() {
                model.get_mut(&page).unwrap().1 |= noted;
            }
        }
        Edit::Harvest { at, count, bits } => {
            let count = count.min(PAGES - at);
            let leaves: Vec<_> = (at..at + count).filter_map(|page| leaf_of(table, page)).collect();
            let (mut seen, mut expected) = (Vec::new(), Vec::new());
            let flush = table.harvest(address(at), count * SMALL, bits, |mapping| seen.push(mapping.address))?;
            for leaf in leaves {
                if model[&leaf.start].1.intersects(bits) {
                    expected.push(address(leaf.start));
                }
                leaf.for_each(|page| model.get_mut(&page).unwrap().1 -= bits);
            }
            assert_eq!(seen, expected);
            assert_eq!(flush.is_empty(), seen.is_empty());
        }
        Edit::Prune => {
            let (empty, flush) = table.take_out_empty_tables(BASE, PAGES * SMALL)?;
            // SAFETY: no CPU uses the table.
            table.give_back(empty, unsafe { flush.not_needed() });
        }
    }
    Ok(())
}

fn check(table: &PageTable<&mut Fake>, model: &Model) {
    let mut seen = Model::new();
    let collect = |mapping: crate::page_table::Mapping| {
        for page in 0..mapping.bytes / SMALL {
            let at = (mapping.address - BASE) / SMALL + page;
            assert!(seen.insert(at, (mapping.physical / SMALL + page, mapping.flags)).is_none());
        }
    };
    table.visit(BASE, PAGES * SMALL, collect).unwrap();
    assert_eq!(&seen, model);
}

proptest! {
    // Each case compares every page after every edit.
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_table_is_what_the_model_is(edits in proptest::collection::vec(edit(), 1..40)) {
        let mut fake = Fake::new(64);
        let mut table = PageTable::new(&mut fake).unwrap();
        let mut model = Model::new();
        for edit in edits {
            match apply(&mut table, &mut model, edit) {
                Ok(()) | Err(MapError::Occupied) => check(&table, &model),
                Err(other) => panic!("{other}"),
            }
        }
        let root = table.root();
        for (page, (_, flags)) in model {
            let rights = Flags::PRESENT | Flags::WRITABLE | Flags::USER_ACCESSIBLE;
            assert_eq!(fake.rights(root, BASE + page * SMALL), flags & rights);
        }
    }

    #[test]
    fn without_frames_an_edit_fails_as_a_whole(frames in 4..9_u64, edits in proptest::collection::vec(edit(), 1..40)) {
        let mut fake = Fake::new(frames);
        let mut table = PageTable::new(&mut fake).unwrap();
        let mut model = Model::new();
        for edit in edits {
            match apply(&mut table, &mut model, edit) {
                Ok(()) | Err(MapError::Occupied | MapError::NoFrame) => check(&table, &model),
                Err(other) => panic!("{other}"),
            }
        }
    }
}
