//! The table of descriptors beside a naive one.

use super::Descriptors;
use crate::errno::Errno;
use crate::file::{Description, File, OpenFlags, Status};
use proptest::prelude::*;
use std::any::Any;
use std::collections::BTreeMap;
use std::rc::Rc;

/// A file that is told apart by its number.
#[derive(Debug)]
struct Numbered(u64);

impl File for Numbered {
    fn status(&self) -> Status {
        Status { inode: self.0, ..Status::default() }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

fn description(number: u64) -> Rc<Description> {
    Description::new(Rc::new(Numbered(number)), OpenFlags::empty())
}

fn number(description: &Description) -> u64 {
    description.file().status().inode
}

#[derive(Clone, Debug)]
enum Step {
    Add(bool, u64),
    Replace(u64, bool),
    Remove(u64),
    Mark(u64, bool),
    Exec,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (any::<bool>(), 0..12_u64).prop_map(|(close, from)| Step::Add(close, from)),
        2 => (0..20_u64, any::<bool>()).prop_map(|(at, close)| Step::Replace(at, close)),
        4 => (0..20_u64).prop_map(Step::Remove),
        2 => (0..20_u64, any::<bool>()).prop_map(|(at, close)| Step::Mark(at, close)),
        1 => Just(Step::Exec),
    ]
}

proptest! {
    #[test]
    fn the_lowest_free_number_is_given_and_everything_stays_where_it_is(steps in proptest::collection::vec(step(), 1..80)) {
        const LIMIT: u64 = 16;
        let mut table = Descriptors::default();
        let mut model: BTreeMap<u64, (u64, bool)> = BTreeMap::new();
        for (name, step) in (1000..).zip(steps) {
            match step {
                Step::Add(close, from) => {
                    let free = (from..LIMIT).find(|at| !model.contains_key(at));
                    prop_assert_eq!(table.add(description(name), close, from, LIMIT), free.ok_or(Errno::EMFILE));
                    free.map(|at| model.insert(at, (name, close)));
                }
                Step::Replace(at, close) if at >= LIMIT => {
                    prop_assert!(table.replace(at, description(name), close, LIMIT).is_err());
                }
                Step::Replace(at, close) => {
                    let old = table.replace(at, description(name), close, LIMIT).unwrap();
                    prop_assert_eq!(old.map(|old| number(&old)), model.insert(at, (name, close)).map(|(name, _)| name));
                }
                Step::Remove(at) => {
                    let removed = table.remove(at).map(|removed| number(&removed));
                    prop_assert_eq!(removed, model.remove(&at).map(|(name, _)| name).ok_or(Errno::EBADF));
                }
                Step::Mark(at, close) => {
                    let known = model.get_mut(&at).map(|entry| entry.1 = close);
                    prop_assert_eq!(table.set_close_on_exec(at, close), known.ok_or(Errno::EBADF));
                }
                Step::Exec => {
                    let mut closed: Vec<u64> = table.take_for_exec().iter().map(|each| number(each)).collect();
                    closed.sort_unstable();
                    let (gone, kept): (BTreeMap<_, _>, _) = model.into_iter().partition(|(_, (_, close))| *close);
                    model = kept;
                    prop_assert_eq!(closed, gone.values().map(|(name, _)| *name).collect::<std::collections::BTreeSet<_>>().into_iter().collect::<Vec<_>>());
                }
            }
            prop_assert_eq!(table.numbers().collect::<Vec<_>>(), model.keys().copied().collect::<Vec<_>>());
            prop_assert_eq!(table.check_room(LIMIT).is_ok(), model.len() < LIMIT as usize);
            for (&at, &(name, close)) in &model {
                prop_assert_eq!(number(table.get(at).unwrap()), name);
                prop_assert_eq!(table.closes_on_exec(at), Ok(close));
                // Programs pass an int.
                prop_assert_eq!(number(table.get(at | 7 << 32).unwrap()), name);
            }
        }
    }
}
