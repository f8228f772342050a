use super::slots::Slots;
use super::{fill_slot, suffix_word};
use crate::call::Failure;
use exo_abi::error::Error;
use std::vec::Vec;

#[test]
fn slots_are_taken_once_and_come_back() {
    let slots = Slots::new();
    slots.note(0);
    slots.note(2);
    assert_eq!((slots.take(), slots.take()), (Some(1), Some(3)));
    slots.give(1);
    let rest: Vec<_> = std::iter::from_fn(|| slots.take()).collect();
    assert_eq!(rest.len(), 61);
    assert!(!rest.contains(&0) && !rest.contains(&2) && !rest.contains(&3));
    assert_eq!(slots.take(), None);
}

#[test]
fn a_slot_has_one_holder() {
    let slots = Slots::new();
    assert!(slots.hold(5));
    assert!(!slots.hold(5));
    assert!(!slots.hold(64), "there is no such slot");
    slots.give(5);
    assert!(slots.hold(5));
}

#[test]
fn a_slot_that_was_filled_by_another_is_passed_over() {
    let slots = Slots::new();
    let slot = fill_slot(&slots, |to| if to < 3 { Err(Error::SlotTaken.into()) } else { Ok(0) });
    assert_eq!(slot, Ok(3));
    assert!(slots.hold(0), "whoever learns of it can become its holder");
    let failure: Failure = Error::Underprivileged.into();
    assert_eq!(fill_slot(&slots, |_| Err(failure)), Err(failure));
    assert_eq!(slots.take(), Some(4), "a failure costs no slot");
    assert_eq!(fill_slot(&slots, |_| Err(Error::SlotTaken.into())), Err(Error::SlotTaken.into()));
}

#[test]
fn a_suffix_is_a_register() {
    assert_eq!(suffix_word(b"ab"), Ok([0x6261, 2]));
    assert_eq!(suffix_word(&[0xff; 8]), Ok([u64::MAX, 8]));
    assert_eq!(suffix_word(&[0; 9]), Err(Error::NameTooLong.into()));
}
