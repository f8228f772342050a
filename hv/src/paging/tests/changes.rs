//! Changes at random, and what each does to a flat map.

use crate::paging::MapError;
use proptest::prelude::{Just, Strategy, prop_oneof};
use std::collections::BTreeMap;

/// The window lies across a boundary of 1 GiB, where tables of three levels meet.
pub(super) const WINDOW: u64 = 1536;
pub(super) const BASE: u64 = (1 << 18) - 1024;

#[derive(Clone, Debug)]
pub(super) enum Change {
    Map { first: u64, count: u64, shift: u64, attributes: usize, spare: Option<usize> },
    Unmap { first: u64, count: u64 },
    Protect { first: u64, count: u64, attributes: usize },
    Flush,
}

fn run() -> impl Strategy<Value = (u64, u64)> {
    prop_oneof![
        // Whole and half leaves are what splits and merges turn on.
        (0..WINDOW / 256, 1..=4_u64).prop_map(|(first, count)| (first * 256, count * 256)),
        (0..WINDOW, 1..20_u64),
        (0..WINDOW, Just(1)),
        (0..WINDOW, 1..WINDOW),
    ]
}

pub(super) fn change() -> impl Strategy<Value = Change> {
    // Mostly the identity, as the kernel maps; now and then frames that no large leaf can begin with.
    let shift = prop_oneof![4 => Just(0_u64), 1 => Just(512), 1 => 1..512_u64];
    let spare = prop_oneof![4 => Just(None), 1 => (0..6_usize).prop_map(Some)];
    prop_oneof![
        4 => (run(), shift, 0..3_usize, spare).prop_map(|((first, count), shift, attributes, spare)| {
            Change::Map { first, count, shift, attributes, spare }
        }),
        3 => run().prop_map(|(first, count)| Change::Unmap { first, count }),
        3 => (run(), 0..3_usize).prop_map(|((first, count), attributes)| Change::Protect { first, count, attributes }),
        1 => Just(Change::Flush),
    ]
}

pub(super) type Flat<A> = BTreeMap<u64, (u64, A)>;

/// The model: what each operation does to a flat map, or the error that it gives.
pub(super) fn model_map<A: Copy>(
    flat: &mut Flat<A>,
    first: u64,
    count: u64,
    shift: u64,
    attributes: A,
) -> Result<(), MapError> {
    if let Some((&page, _)) = flat.range(first..first + count).next() {
        return Err(MapError::AlreadyMapped { page });
    }
    flat.extend((first..first + count).map(|page| (page, (page + shift, attributes))));
    Ok(())
}

pub(super) fn model_change<A: Copy>(
    flat: &mut Flat<A>,
    first: u64,
    count: u64,
    mut change: impl FnMut(&mut Flat<A>, u64),
) -> Result<(), MapError> {
    if let Some(page) = (first..first + count).find(|page| !flat.contains_key(page)) {
        return Err(MapError::NotMapped { page });
    }
    (first..first + count).for_each(|page| change(flat, page));
    Ok(())
}
