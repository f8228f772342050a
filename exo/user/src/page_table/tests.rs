pub(crate) mod fake;
mod sequences;

use super::{Flags, LARGE, MapError, PageTable, SMALL, TableMemory};
use fake::Fake;

const PRESENT: Flags = Flags::PRESENT;
const WRITABLE: Flags = Flags::PRESENT.union(Flags::WRITABLE);

fn table(fake: &mut Fake) -> PageTable<&mut Fake> {
    PageTable::new(fake).unwrap()
}

fn map(table: &mut PageTable<&mut Fake>, at: u64, to: u64, bytes: u64, largest: u64) -> Result<(), MapError> {
    // SAFETY: no CPU uses the table.
    unsafe { table.map(at, to, bytes, WRITABLE, largest).map(|flush| _ = flush.not_needed()) }
}

#[test]
fn pages_are_as_large_as_they_can_be_and_no_larger_than_asked() {
    let mut fake = Fake::new(32);
    let mut table = table(&mut fake);
    map(&mut table, LARGE - SMALL, 3 * LARGE - SMALL, LARGE + 2 * SMALL, LARGE).unwrap();
    let sizes = [LARGE - SMALL, LARGE, 2 * LARGE].map(|at| table.query(at).unwrap().bytes);
    assert_eq!(sizes, [SMALL, LARGE, SMALL]);
    map(&mut table, 8 * LARGE, 8 * LARGE, LARGE, SMALL).unwrap();
    assert_eq!(table.query(8 * LARGE + 5).unwrap().bytes, SMALL);
    map(&mut table, 16 * LARGE, SMALL, LARGE, LARGE).unwrap();
    assert_eq!(table.query(16 * LARGE).unwrap().bytes, SMALL, "the physical address is not that of a large page");
}

#[test]
fn malformed_ranges_have_their_errors() {
    let mut fake = Fake::new(16);
    let mut table = table(&mut fake);
    let half = 1 << 47;
    for (at, to, bytes, error) in [
        (1, 0, SMALL, MapError::Misaligned),
        (0, 1, SMALL, MapError::Misaligned),
        (0, 0, 1, MapError::Misaligned),
        (0, 1 << 52, SMALL, MapError::Misaligned),
        (half, 0, SMALL, MapError::NotCanonical),
        (half - SMALL, 0, 2 * SMALL, MapError::NotCanonical),
        (0_u64.wrapping_sub(SMALL), 0, 2 * SMALL, MapError::NotCanonical),
        (0, 0, 0_u64.wrapping_sub(SMALL), MapError::NotCanonical),
    ] {
        assert_eq!(map(&mut table, at, to, bytes, LARGE), Err(error), "{at:#x} {to:#x} {bytes:#x}");
    }
    for at in [half - SMALL, 0_u64.wrapping_sub(half), 0_u64.wrapping_sub(SMALL)] {
        map(&mut table, at, 0, SMALL, LARGE).unwrap();
        assert_eq!(table.query(at + 7).unwrap().address, at);
    }
}

#[test]
fn a_batch_is_one_flush_and_a_large_one_forgets_everything() {
    let mut fake = Fake::new(8);
    let mut table = table(&mut fake);
    map(&mut table, 0, 0, 64 * SMALL, SMALL).unwrap();
    // SAFETY: no CPU uses the table.
    let (mut few, many) = unsafe { (table.unmap(0, 3 * SMALL).unwrap(), table.unmap(16 * SMALL, 20 * SMALL).unwrap()) };
    assert_eq!(few.pages(), Some([0, SMALL, 2 * SMALL].as_slice()));
    assert_eq!(many.pages(), None);
    few.merge(many);
    assert_eq!(few.pages(), None);
    // SAFETY: no CPU uses the table.
    assert!(unsafe { table.unmap(0, 3 * SMALL).unwrap() }.is_empty());
}

#[test]
fn a_large_page_is_split_only_where_an_edit_ends_inside() {
    let mut fake = Fake::new(16);
    let mut table = table(&mut fake);
    map(&mut table, 0, LARGE, 3 * LARGE, LARGE).unwrap();
    // SAFETY: no CPU uses the table.
    let flush = unsafe { table.protect(SMALL, 2 * LARGE - SMALL, PRESENT).unwrap() };
    assert!(!flush.is_empty());
    let [first, second, third, fourth] = [0, SMALL, LARGE, 2 * LARGE].map(|at| table.query(at).unwrap());
    assert_eq!((first.bytes, first.flags), (SMALL, WRITABLE));
    assert_eq!((second.bytes, second.flags, second.physical), (SMALL, PRESENT, LARGE + SMALL));
    assert_eq!((third.bytes, third.flags), (LARGE, PRESENT));
    assert_eq!((fourth.bytes, fourth.flags), (LARGE, WRITABLE));
}

#[test]
fn a_user_page_can_be_reached_through_every_table_above_it() {
    let mut fake = Fake::new(16);
    let user = WRITABLE | Flags::USER_ACCESSIBLE;
    let mut table = table(&mut fake);
    map(&mut table, 0, 0, 2 * SMALL, SMALL).unwrap();
    // SAFETY: no CPU uses the table.
    let flush = unsafe { table.protect(0, SMALL, user).unwrap() };
    assert_eq!(flush.pages(), None, "the tables allow more than they did");
    let root = table.root();
    assert_eq!(fake.rights(root, 0), user);
    assert_eq!(fake.rights(root, SMALL), WRITABLE);
}

#[test]
fn empty_tables_come_back_and_others_stay() {
    let mut fake = Fake::new(16);
    let mut table = table(&mut fake);
    map(&mut table, 0, 0, SMALL, SMALL).unwrap();
    map(&mut table, 1 << 40, 0, SMALL, SMALL).unwrap();
    let used = table.memory.in_use();
    // SAFETY: no CPU uses the table.
    unsafe {
        _ = table.unmap(1 << 40, SMALL).unwrap().not_needed();
        let (empty, flush) = table.take_out_empty_tables(0, 1 << 47).unwrap();
        assert_eq!(table.memory.in_use(), used, "not before the flush");
        table.give_back(empty, flush.not_needed());
        assert_eq!(table.memory.in_use(), used - 3);
        _ = table.unmap(0, SMALL).unwrap().not_needed();
        let (empty, flush) = table.take_out_empty_tables(0, SMALL).unwrap();
        assert!(empty.is_empty(), "their range is larger than this one");
        table.give_back(empty, flush.not_needed());
        let (empty, flush) = table.take_out_empty_tables(0, 1 << 39).unwrap();
        table.give_back(empty, flush.not_needed());
    }
    assert_eq!(fake.in_use(), 1);
}

#[test]
fn tables_of_others_are_put_in_whole_and_taken_out() {
    let mut fake = Fake::new(16);
    let mut table = table(&mut fake);
    map(&mut table, 4 * LARGE, 0, SMALL, SMALL).unwrap();
    let (first, user) = (table.memory.take().unwrap(), WRITABLE | Flags::USER_ACCESSIBLE);
    // SAFETY: no CPU uses the table; the other table maps one page.
    unsafe {
        table.memory.update(first, 3, |_| 0x7000 | user.bits());
        for (at, bytes, error) in [
            (LARGE + SMALL, LARGE, MapError::Misaligned),
            (LARGE, SMALL, MapError::Misaligned),
            (4 * LARGE, LARGE, MapError::Occupied),
            (3 * LARGE, 2 * LARGE, MapError::Occupied),
        ] {
            assert_eq!(table.graft(at, bytes, 1, first, user).unwrap_err(), error, "{at:#x} {bytes:#x}");
        }
        _ = table.graft(LARGE, LARGE, 1, first, user).unwrap().not_needed();
    }
    assert_eq!(table.query(LARGE + 3 * SMALL).unwrap().physical, 0x7000);
    let root = table.root();
    assert_eq!(table.memory.rights(root, LARGE + 3 * SMALL), user);
    // SAFETY: no CPU uses the table.
    _ = unsafe { table.ungraft(LARGE, LARGE, 1).unwrap().not_needed() };
    assert_eq!(table.query(LARGE + 3 * SMALL), None);
    assert!(table.query(4 * LARGE).is_some());
}
