//! Single cases with their exact shape: which leaves, how many tables, which error.

use super::{FakeMemory, frame};
use crate::paging::ept::{Ept, EptAttributes, Rights};
use crate::paging::host::{Host, HostAttributes};
use crate::paging::{Level, MapError, Tree};
use crate::shootdown::Shootdown;

const RW: EptAttributes = EptAttributes::memory(Rights::READ_WRITE);
const RO: EptAttributes = EptAttributes::memory(Rights::READ);
const KERNEL: HostAttributes =
    HostAttributes { writable: true, executable: false, user: false, global: true, uncached: false };

fn leaves(tree: &Tree<Ept>, memory: &FakeMemory) -> (usize, usize) {
    let (mut small, mut large) = (0, 0);
    tree.for_each_leaf(memory, &mut |_, leaf| match leaf.level {
        Level::Small => small += 1,
        _ => large += 1,
    });
    (small, large)
}

#[test]
fn a_run_gets_leaves_as_large_as_alignment_allows() {
    let mut memory = FakeMemory::default();
    let mut tree = Tree::<Ept>::new(&mut memory).unwrap();
    tree.map(&mut memory, 511, frame(511), 514, RW).unwrap();
    assert_eq!(leaves(&tree, &memory), (2, 1));
    // Frames that are not aligned as their pages never make a large leaf.
    tree.map(&mut memory, 2048, frame(5001), 512, RW).unwrap();
    assert_eq!(leaves(&tree, &memory), (514, 1));
}

#[test]
fn page_by_page_in_any_order_ends_as_one_leaf() {
    for order in [0_u64, 511, 256] {
        let mut memory = FakeMemory::default();
        let mut tree = Tree::<Ept>::new(&mut memory).unwrap();
        for step in 0..512_u64 {
            let page = 1024 + ((step * 5) ^ order) % 512;
            tree.map(&mut memory, page, frame(page), 1, RW).unwrap();
        }
        assert_eq!(leaves(&tree, &memory), (0, 1));
    }
}

#[test]
fn other_tags_do_not_merge() {
    let mut memory = FakeMemory::default();
    let mut tree = Tree::<Ept>::new(&mut memory).unwrap();
    tree.map(&mut memory, 0, frame(0), 256, RW.with_tag(1)).unwrap();
    tree.map(&mut memory, 256, frame(256), 256, RW.with_tag(2)).unwrap();
    assert_eq!(leaves(&tree, &memory), (512, 0));
    let granted = tree.protect(&mut memory, 0, 256, RW.with_tag(2)).unwrap();
    assert!(!granted.is_needed(), "a tag is nothing to a CPU");
    assert_eq!(leaves(&tree, &memory), (0, 1));
}

#[test]
fn taking_one_page_by_force_needs_no_memory() {
    let mut memory = FakeMemory::default();
    let mut tree = Tree::<Ept>::new(&mut memory).unwrap();
    tree.map(&mut memory, 0, frame(0), 512, RW).unwrap();
    memory.leave(0);
    let leavings = tree.unmap(&mut memory, 77, 1).unwrap();
    assert_eq!(leaves(&tree, &memory), (511, 0));
    assert!(leavings.is_needed());
    let proof = Shootdown::<1>::new().flush(0, u64::MAX, |_| ());
    let retired = leavings.release(&proof).unwrap();
    assert_eq!(retired.count(), 0, "the table is in use now");
    retired.give_back(&mut memory);
}

#[test]
fn the_cost_of_pages_is_what_mapping_them_takes() {
    let (mut memory, mut other) = (FakeMemory::default(), FakeMemory::default());
    let mut tree = Tree::<Ept>::new(&mut memory).unwrap();
    let mut host = Tree::<Host>::new(&mut other).unwrap();
    // Beside each other, and at both ends of what a table of each level covers.
    let numbers =
        [0_u64, 1, 511, 512, 1 << 18, (1 << 18) - 1, 1 << 27, (1 << 27) + 1, (1 << 27) + (1 << 18), 513, 1024];
    for pages in numbers.chunks(3) {
        let (cost, before) = (tree.cost_of_pages(&memory, pages), tree.frames());
        let (host_cost, host_before) = (host.cost_of_pages(&other, pages), host.frames());
        for &page in pages {
            tree.map(&mut memory, page, frame(page), 1, RW).unwrap();
            host.map(&mut other, page, frame(page), 1, KERNEL).unwrap();
        }
        assert_eq!((tree.frames() - before, host.frames() - host_before), (cost, host_cost), "{pages:?}");
    }
}

#[test]
fn errors_name_the_first_page_and_change_nothing() {
    let mut memory = FakeMemory::default();
    let mut tree = Tree::<Ept>::new(&mut memory).unwrap();
    tree.map(&mut memory, 600, frame(600), 10, RW).unwrap();
    let before = memory.taken();
    let again = tree.map(&mut memory, 0, frame(0), 4096, RW);
    assert_eq!(again, Err(MapError::AlreadyMapped { page: 600 }));
    assert_eq!(tree.unmap(&mut memory, 605, 10).unwrap_err(), MapError::NotMapped { page: 610 });
    assert_eq!(tree.protect(&mut memory, 599, 2, RO).unwrap_err(), MapError::NotMapped { page: 599 });
    assert_eq!(memory.taken(), before);
    assert_eq!(leaves(&tree, &memory), (10, 0));

    memory.leave(1);
    let no_frame = tree.map(&mut memory, 1 << 30, frame(0), 1, RW);
    assert_eq!(no_frame, Err(MapError::NoTableFrame { needed: 5 }), "two tables with companions and one of leaves");
    assert_eq!(memory.taken(), before);
}

#[test]
fn nothing_beyond_four_levels_or_physical_memory() {
    let mut memory = FakeMemory::default();
    let mut tree = Tree::<Ept>::new(&mut memory).unwrap();
    let out = Err(MapError::OutOfRange);
    assert_eq!(tree.map(&mut memory, 1 << 36, frame(0), 1, RW), out);
    assert_eq!(tree.map(&mut memory, (1 << 36) - 1, frame(0), 2, RW), out);
    assert_eq!(tree.map(&mut memory, u64::MAX, frame(0), 2, RW), out);
    assert_eq!(tree.map(&mut memory, 0, frame((1 << 40) - 1), 2, RW), out);
    assert_eq!(tree.unmap(&mut memory, 1 << 36, 1).unwrap_err(), MapError::OutOfRange);
    assert_eq!(tree.map(&mut memory, (1 << 36) - 1, frame(0), 1, RW), Ok(()));
    assert!(tree.translate(&memory, (1 << 36) - 1).is_some());
    assert_eq!(tree.translate(&memory, 1 << 36), None);
}

#[test]
fn an_empty_run_is_no_change() {
    let mut memory = FakeMemory::default();
    let mut tree = Tree::<Ept>::new(&mut memory).unwrap();
    tree.map(&mut memory, 5, frame(5), 0, RW).unwrap();
    assert!(!tree.unmap(&mut memory, 5, 0).unwrap().is_needed());
    assert!(!tree.protect(&mut memory, 5, 0, RO).unwrap().is_needed());
}

#[test]
fn a_quarantine_opens_only_for_a_flush_that_began_after_it() {
    let mut memory = FakeMemory::default();
    let mut tree = Tree::<Ept>::new(&mut memory).unwrap();
    tree.map(&mut memory, 0, frame(0), 1, RW).unwrap();
    let shootdown = Shootdown::<1>::new();
    let early = shootdown.flush(0, u64::MAX, |_| ());
    let leavings = tree.unmap(&mut memory, 0, 1).unwrap().with("the frame");
    let leavings = leavings.release(&early).unwrap_err();
    let late = shootdown.flush(0, u64::MAX, |_| ());
    let (retired, value) = leavings.release(&late).unwrap();
    assert_eq!((retired.count(), value), (3, "the frame"));
    retired.give_back(&mut memory);
    assert_eq!(memory.taken(), tree.frames());
    // A change that only grants more waits for nobody.
    tree.map(&mut memory, 0, frame(0), 1, RO).unwrap();
    tree.protect(&mut memory, 0, 1, RW).unwrap().release(&early).unwrap();
}

#[test]
fn a_table_that_was_in_use_before_a_merge_waits_for_the_flush_too() {
    use crate::paging::TableMemory;
    let mut memory = FakeMemory::default();
    let mut tree = Tree::<Ept>::new(&mut memory).unwrap();
    tree.map(&mut memory, 0, frame(0), 1, RW).unwrap();
    let next = |memory: &FakeMemory, table| frame(memory.read(table, 0) >> 12 & 0xff_ffff);
    let table = next(&memory, next(&memory, next(&memory, tree.root())));
    tree.map(&mut memory, 1, frame(1), 511, RW).unwrap();
    assert_eq!(leaves(&tree, &memory), (0, 1), "a CPU may have cached the table, and walk it still");
    let leavings = tree.unmap(&mut memory, 0, 512).unwrap();
    assert_eq!(memory.read(table, 0) & 7, 0, "reading a table that was given back fails the test");
    let retired = leavings.release(&Shootdown::<1>::new().flush(0, u64::MAX, |_| ())).unwrap();
    assert_eq!(retired.count(), 3);
    retired.give_back(&mut memory);
    assert_eq!(memory.taken(), tree.frames());
}

#[test]
fn the_kernel_s_tables_use_leaves_of_1_gib_and_split_them() {
    let mut memory = FakeMemory::default();
    let mut tree = Tree::<Host>::with_largest_leaf(&mut memory, Level::Huge).unwrap();
    tree.map(&mut memory, 0, frame(0), 1 << 18, KERNEL).unwrap();
    assert_eq!(tree.translate(&memory, 12345).unwrap().level, Level::Huge);
    assert_eq!(memory.taken(), 2);
    memory.leave(1);
    let refused = tree.unmap(&mut memory, 1000, 1).unwrap_err();
    assert_eq!(refused, MapError::NoTableFrame { needed: 2 });
    memory.leave(2);
    let leavings = tree.unmap(&mut memory, 1000, 1).unwrap();
    assert_eq!(tree.translate(&memory, 1000), None);
    assert_eq!(tree.translate(&memory, 1001).unwrap().frame, frame(1001));
    assert_eq!(tree.translate(&memory, 1 << 17).unwrap().level, Level::Large);
    leavings.nothing_cached_yet().give_back(&mut memory);
    tree.dismantle(&mut memory);
    assert_eq!(memory.taken(), 0);
}

#[test]
fn bits_that_the_cpu_sets_survive_a_split_and_a_merge() {
    use crate::paging::TableMemory;
    const DIRTY: u64 = 1 << 9;
    let mut memory = FakeMemory::default();
    let mut tree = Tree::<Ept>::new(&mut memory).unwrap();
    tree.map(&mut memory, 0, frame(0), 512, RW).unwrap();
    let walk = |memory: &FakeMemory, table: u64, index| memory.read(frame(table), index) >> 12 & 0xff_ffff;
    let huge = walk(&memory, tree.root().number(), 0);
    let large = walk(&memory, huge, 0);
    let leaf = memory.read(frame(large), 0);
    memory.write(frame(large), 0, leaf | DIRTY);
    let first = tree.protect(&mut memory, 9, 1, RO).unwrap();
    let table = walk(&memory, large, 0);
    assert!((0..512).all(|index| memory.read(frame(table), index) & DIRTY != 0));
    memory.write(frame(table), 3, memory.read(frame(table), 3) & !DIRTY);
    let second = tree.protect(&mut memory, 9, 1, RW).unwrap();
    assert_eq!(memory.read(frame(large), 0), leaf | DIRTY);
    assert!(first.is_needed() && !second.is_needed());
}
