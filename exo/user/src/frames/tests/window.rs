use crate::frames::window::extend;
use crate::page_table::tests::fake::Fake;
use crate::page_table::{Flags, LARGE, PageTable, SMALL};
use exo_abi::boot_page::FrameRun;

const WINDOW: u64 = 0xffff_8000_0000_0000;

#[test]
fn the_window_grows_by_large_pages_where_it_is_new_and_by_small_ones_where_it_is_not() {
    let mut fake = Fake::new(8);
    let mut table = PageTable::new(&mut fake).unwrap();
    let flags = Flags::PRESENT | Flags::WRITABLE;
    // SAFETY: no CPU uses the table.
    unsafe {
        // What the loader left: three small pages, one of them read-only.
        _ = table.map(WINDOW + LARGE, LARGE, 2 * SMALL, flags, SMALL).unwrap().not_needed();
        _ = table
            .map(WINDOW + LARGE + 2 * SMALL, LARGE + 2 * SMALL, SMALL, Flags::PRESENT, SMALL)
            .unwrap()
            .not_needed();
        _ = extend(&mut table, WINDOW, FrameRun { first: 513, count: 512 }).unwrap().not_needed();
    }
    let at = |physical: u64| table.query(WINDOW + physical).map(|mapping| (mapping.bytes, mapping.physical));
    assert_eq!(at(LARGE + SMALL), Some((SMALL, LARGE + SMALL)));
    assert_eq!(at(2 * LARGE - SMALL), Some((SMALL, 2 * LARGE - SMALL)));
    assert_eq!(at(2 * LARGE), Some((LARGE, 2 * LARGE)));
    assert_eq!(at(LARGE - SMALL), None);
    let flags_at = |physical: u64| table.query(WINDOW + physical).unwrap().flags;
    assert_eq!(flags_at(LARGE + 2 * SMALL), Flags::PRESENT, "what is mapped stays as it is");
    assert_eq!(flags_at(3 * LARGE - 1), flags | Flags::NO_EXECUTE);
    assert_eq!(fake.in_use(), 4, "a large page needs no table of its own");
}
