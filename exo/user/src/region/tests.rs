//! The words of a region against a model with one element for each page.

use super::Rights;
use super::entries::{self, ACCESSED, BACKED, DIRTY, Entries, PROMISED, SHARED};
use super::pager::choose;
use proptest::prelude::{Just, Strategy, prop_oneof, proptest};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::vec::Vec;

const PAGES: usize = 40;

#[derive(Clone, Copy, Debug)]
enum Edit {
    Protect(usize, usize, Rights),
    Unprotect(usize, usize, Rights),
    Share,
    Unshare(usize),
    Write(usize),
}

/// A page as its owner sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Page {
    rights: Rights,
    backed: bool,
    shared: bool,
    dirty: bool,
}

fn rights() -> impl Strategy<Value = Rights> {
    prop_oneof![Just(Rights::None), Just(Rights::Read), Just(Rights::Write)]
}

fn edit() -> impl Strategy<Value = Edit> {
    let range = || (0..PAGES, 0..PAGES).prop_map(|(a, b)| (a.min(b), a.max(b)));
    prop_oneof![
        (range(), rights()).prop_map(|((from, to), rights)| Edit::Protect(from, to, rights)),
        (range(), rights()).prop_map(|((from, to), rights)| Edit::Unprotect(from, to, rights)),
        Just(Edit::Share),
        (0..PAGES).prop_map(Edit::Unshare),
        (0..PAGES).prop_map(Edit::Write),
    ]
}

fn words(backed: impl Fn(usize) -> bool) -> Vec<AtomicU64> {
    let word = |page: usize| if backed(page) { (page as u64 + 1) << 12 | BACKED } else { 0 };
    (0..PAGES).map(|page| AtomicU64::new(word(page))).collect()
}

fn check(entries: Entries<'_>, model: &[Page]) {
    for (number, page) in model.iter().enumerate() {
        let word = entries.get(number);
        let readable = page.backed && page.rights >= Rights::Read;
        let writable = page.backed && page.rights == Rights::Write;
        assert_eq!(entries::allows(word, Rights::Read), readable, "{number} {page:?} {word:#x}");
        assert_eq!(entries::allows(word, Rights::Write), writable && !page.shared, "{number} {page:?} {word:#x}");
        assert_eq!(word & PROMISED != 0, writable && page.shared, "{number} {page:?} {word:#x}");
        assert_eq!((word & SHARED != 0, word & DIRTY != 0), (page.shared, page.dirty), "{number} {word:#x}");
        let place = if page.backed { number as u64 + 1 } else { 0 };
        assert_eq!(entries::physical(word), place << 12);
    }
}

fn apply(entries: Entries<'_>, model: &mut [Page], edit: Edit) {
    match edit {
        Edit::Protect(from, to, rights) => {
            entries.lower(from..to, rights);
            model[from..to].iter_mut().for_each(|page| page.rights = page.rights.min(rights));
        }
        Edit::Unprotect(from, to, rights) => {
            if model.iter().all(|page| page.backed && !page.shared) {
                entries.raise_plain(from..to, rights);
            } else {
                entries.raise(from..to, rights);
            }
            model[from..to]
                .iter_mut()
                .filter(|page| page.backed)
                .for_each(|page| page.rights = page.rights.max(rights));
        }
        Edit::Share => (0..PAGES).for_each(|number| {
            entries.change(number, entries::shared);
            model[number].shared = model[number].backed;
        }),
        Edit::Unshare(number) => {
            if model[number].shared {
                entries.change(number, |word| entries::unshared(word, (number as u64 + 1) << 12));
                model[number].shared = false;
            }
        }
        Edit::Write(number) => {
            if entries::allows(entries.get(number), Rights::Write) {
                entries.change(number, |word| word | DIRTY);
                model[number].dirty = true;
            }
        }
    }
}

proptest! {
    #[test]
    fn rights_are_what_the_model_says(gaps in 0..4_usize, edits in proptest::collection::vec(edit(), 1..60)) {
        let backed = |page: usize| gaps == 0 || !page.is_multiple_of(gaps + 1);
        let words = words(backed);
        let entries = Entries(&words);
        let page = |number| Page { rights: Rights::None, backed: backed(number), shared: false, dirty: false };
        let mut model: Vec<Page> = (0..PAGES).map(page).collect();
        for edit in edits {
            apply(entries, &mut model, edit);
            check(entries, &model);
        }
    }

    #[test]
    fn what_was_used_since_the_hand_came_by_stays(used in proptest::collection::btree_set(0..PAGES, 0..PAGES), hand in 0..PAGES) {
        let words = words(|page| page % 3 != 0);
        let entries = Entries(&words);
        used.iter().filter(|&page| page % 3 != 0).for_each(|&page| _ = entries.change(page, |word| word | ACCESSED));
        let mut passed = BTreeSet::new();
        let victim = choose(entries, hand, |page| assert!(passed.insert(page))).unwrap();
        let order: Vec<usize> = (0..PAGES).map(|step| (hand + step) % PAGES).filter(|page| page % 3 != 0).collect();
        let expected = order.iter().find(|page| !used.contains(page)).unwrap_or(&order[0]);
        assert_eq!(victim, *expected);
        let before = order.iter().take_while(|&&page| page != victim || used.contains(&page));
        assert_eq!(passed, before.copied().filter(|page| used.contains(page)).collect());
    }
}

#[test]
fn an_empty_region_has_nothing_to_give() {
    let words = words(|_| false);
    assert_eq!(choose(Entries(&words), 7, |_| {}), None);
}

#[test]
fn dirt_is_taken_once_and_other_bits_stay() {
    let words = words(|_| true);
    let entries = Entries(&words);
    for page in [3, 4, 9] {
        words[page].fetch_or(DIRTY | ACCESSED, Ordering::Relaxed);
    }
    let mut seen = Vec::new();
    assert_eq!(entries.harvest(0..9, DIRTY, |page| seen.push(page)), 2);
    assert_eq!(entries.harvest(0..PAGES, DIRTY, |page| seen.push(page)), 1);
    assert_eq!(seen, [3, 4, 9]);
    assert_eq!(entries.get(4) & (DIRTY | ACCESSED | BACKED), ACCESSED | BACKED);
}
