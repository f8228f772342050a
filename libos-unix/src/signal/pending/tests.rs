//! Signals that wait, beside a naive list.

use super::Pending;
use crate::signal::{Information, Signal, SignalSet};
use proptest::prelude::*;
use std::vec::Vec;

fn signal(number: u64) -> Signal {
    Signal::new(number).unwrap_or(Signal::KILL)
}

fn sent(number: u64, who: u32) -> Information {
    Information::sent(signal(number), 0, who, 0)
}

#[test]
fn ordinary_signals_wait_once_and_real_time_signals_as_often_as_they_are_sent() {
    let mut pending = Pending::default();
    for who in 1..4 {
        assert!(pending.add(sent(10, who)));
        assert!(pending.add(sent(34, who)));
    }
    assert_eq!(pending.count(), 4);
    let taken: Vec<Information> = std::iter::from_fn(|| pending.take(!SignalSet::default())).collect();
    assert_eq!(taken, [sent(10, 1), sent(34, 1), sent(34, 2), sent(34, 3)], "the lowest first, then as they came");
    assert!(pending.set().is_empty());
}

#[test]
fn what_the_program_did_itself_comes_first() {
    let mut pending = Pending::default();
    pending.add(sent(1, 1));
    pending.add(Information::fault(Signal::SEGMENT, 1, 0x1000));
    let only = SignalSet::of(signal(1));
    assert_eq!(pending.take(!only & !SignalSet::of(Signal::SEGMENT)), None);
    assert_eq!(pending.take(!SignalSet::default()).map(|taken| taken.signal), Some(Signal::SEGMENT));
    assert_eq!(pending.take(!SignalSet::default()).map(|taken| taken.signal), Some(signal(1)));
}

#[test]
fn too_many_are_refused_but_an_ordinary_one_is_still_seen() {
    let mut pending = Pending::default();
    while pending.add(sent(40, 1)) {}
    let count = pending.count();
    assert!(count >= 1000);
    assert!(pending.add(sent(15, 9)));
    assert_eq!(pending.count(), count);
    assert_eq!(pending.take(SignalSet::of(signal(15))).map(|taken| taken.signal), Some(signal(15)));
    assert_eq!(pending.take(SignalSet::of(signal(15))), None);
}

proptest! {
    #[test]
    fn every_signal_is_taken_as_often_as_it_waits(steps in proptest::collection::vec((any::<bool>(), 1..65_u64, any::<u64>()), 1..100)) {
        let mut pending = Pending::default();
        let mut model: Vec<Information> = Vec::new();
        for (who, (adds, number, mask)) in (1..).zip(steps) {
            if adds {
                let new = sent(number, who);
                if new.signal.queues() || !model.iter().any(|each| each.signal == new.signal) {
                    model.push(new);
                }
                prop_assert!(pending.add(new));
            } else {
                let wanted = SignalSet(mask);
                let synchronous = wanted & SignalSet::SYNCHRONOUS;
                let lowest = |set: SignalSet| model.iter().map(|each| each.signal).filter(|&each| set.contains(each)).min_by_key(|each| each.number());
                let first = lowest(synchronous).or_else(|| lowest(wanted));
                let expected = first.and_then(|first| model.iter().position(|each| each.signal == first)).map(|at| model.remove(at));
                prop_assert_eq!(pending.take(wanted), expected);
            }
            let set = model.iter().fold(SignalSet::default(), |set, each| set.with(each.signal));
            prop_assert_eq!((pending.set(), pending.count()), (set, model.len()));
        }
    }
}
