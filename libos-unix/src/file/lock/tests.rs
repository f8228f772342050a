//! Locks of several owners beside an array that says of every byte who has it.

use super::{FileLocks, Hold, Locks, Owner};
use crate::errno::Errno;
use proptest::prelude::*;
use std::any::Any;
use std::rc::Rc;
use std::vec::Vec;

const BYTES: usize = 24;
const OWNERS: usize = 4;

fn file() -> (Locks, Rc<FileLocks>) {
    let locks = Locks::default();
    let file: Rc<dyn Any> = Rc::new(5_u8);
    let of = locks.of(&file);
    (locks, of)
}

fn holds(of: &Rc<FileLocks>) -> Vec<Hold> {
    let owner = |number| if number % 2 == 0 { Owner::Process(number) } else { Owner::Description(number as usize) };
    (0..OWNERS as u32).map(|number| Hold::new(of, owner(number))).collect()
}

#[derive(Clone, Debug)]
enum Step {
    Lock { who: usize, first: usize, last: usize, kind: Option<bool> },
    End(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (0..OWNERS, 0..BYTES, 0..BYTES, any::<Option<bool>>()).prop_map(|(who, one, other, kind)| {
            Step::Lock { who, first: one.min(other), last: one.max(other), kind }
        }),
        1 => (0..OWNERS).prop_map(Step::End),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn every_byte_has_the_locks_that_were_granted(steps in proptest::collection::vec(step(), 1..60)) {
        let (_locks, of) = file();
        let mut holds = holds(&of);
        // Who has which kind of lock on each byte.
        let mut model = [[None::<bool>; BYTES]; OWNERS];
        for step in steps {
            match step {
                Step::Lock { who, first, last, kind } => {
                    let in_the_way = |kind: bool| (0..OWNERS).filter(|&other| other != who).any(|other| {
                        model[other][first..=last].iter().flatten().any(|&held| held || kind)
                    });
                    let refused = kind.is_some_and(in_the_way);
                    let granted = holds[who].lock(first as u64, last as u64, kind);
                    prop_assert_eq!(granted, if refused { Err(Errno::EAGAIN) } else { Ok(()) });
                    if !refused {
                        model[who][first..=last].fill(kind);
                    }
                }
                Step::End(who) => {
                    let owner = holds[who].owner;
                    // One goes, and the next has the same name.
                    holds[who] = Hold::new(&of, Owner::Process(1000));
                    holds[who] = Hold::new(&of, owner);
                    model[who] = [None; BYTES];
                }
            }
            let ranges = of.ranges.borrow();
            for (who, bytes) in model.iter().enumerate() {
                for (at, &kind) in bytes.iter().enumerate() {
                    let held = ranges.iter().filter(|held| held.owner == holds[who].owner && (held.first..=held.last).contains(&(at as u64)));
                    prop_assert_eq!(held.map(|held| held.exclusive).collect::<Vec<_>>(), kind.into_iter().collect::<Vec<_>>());
                }
                // Neighbours of the same kind are one.
                let runs = bytes.iter().enumerate().filter(|&(at, kind)| kind.is_some() && (at == 0 || bytes[at - 1] != *kind)).count();
                prop_assert_eq!(ranges.iter().filter(|held| held.owner == holds[who].owner).count(), runs);
            }
        }
    }

    #[test]
    fn whole_files_are_locked_by_one_or_shared_by_many(steps in proptest::collection::vec((0..OWNERS, any::<Option<bool>>()), 1..40)) {
        let (_locks, of) = file();
        let holds = holds(&of);
        let mut model = [None::<bool>; OWNERS];
        for (who, kind) in steps {
            let others = || model.iter().enumerate().filter(|&(other, _)| other != who).filter_map(|(_, held)| *held);
            let refused = kind.is_some_and(|kind| others().any(|held| held || kind));
            prop_assert_eq!(holds[who].lock_whole(kind).is_err(), refused);
            // What one has is given up before another kind is asked for.
            model[who] = if refused { None } else { kind };
            prop_assert_eq!(of.whole.borrow().len(), model.iter().flatten().count());
        }
    }
}

#[test]
fn locks_reach_to_the_end_of_all_files_and_have_a_limit() {
    let (_locks, of) = file();
    let holds = holds(&of);
    holds[0].lock(10, u64::MAX, Some(true)).unwrap();
    assert_eq!(holds[1].lock(u64::MAX, u64::MAX, Some(false)), Err(Errno::EAGAIN));
    let wanted = super::RangeLock { owner: holds[1].owner, first: 0, last: 100, exclusive: false };
    assert_eq!(
        of.conflict(&wanted).map(|held| (held.first, held.last, held.owner)),
        Some((10, u64::MAX, holds[0].owner))
    );
    holds[0].lock(10, u64::MAX, None).unwrap();
    let most = (0..).find(|number| holds[0].lock(number * 2, number * 2, Some(true)).is_err());
    assert_eq!(most, Some(super::MOST as u64));
    assert_eq!(holds[0].lock(1, 1, Some(true)), Err(Errno::ENOLCK));
    assert_eq!(holds[0].lock(0, 100, None), Ok(()));
    assert_eq!(holds[0].lock(1, 1, Some(true)), Ok(()));
}

#[test]
fn locks_are_a_files_as_long_as_somebody_has_some() {
    let locks = Locks::default();
    let (one, other): (Rc<dyn Any>, Rc<dyn Any>) = (Rc::new(1_u8), Rc::new(2_u8));
    assert!(locks.find(&one).is_none());
    let of = locks.of(&one);
    assert!(Rc::ptr_eq(&of, &locks.of(&one)) && !Rc::ptr_eq(&of, &locks.of(&other)));
    let hold = Hold::new(&of, Owner::Process(1));
    drop(of);
    assert!(locks.find(&one).is_some());
    drop(hold);
    assert!(locks.find(&one).is_none());
}
