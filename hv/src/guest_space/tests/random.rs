//! Two spaces and an account, in any order of calls, against a naive model: the same answers, and a frame becomes the kernel's exactly
//! when no space has bound it and none has lost it without a flush.

use super::{Departing, GuestSpace, READ, WRITE, dismantle, space};
use crate::addr::FrameNumber;
use crate::page::Page;
use crate::paging::ept::EptAttributes;
use crate::pool::{self, Account};
use crate::test_machine::{account, flush, memory, run};
use proptest::prelude::{Just, ProptestConfig, Strategy, prop_oneof, proptest};
use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::vec::Vec;

/// Frames that the calls name: a 2 MiB leaf and both ends of its neighbours.
const FRAMES: u64 = 3 * 512;
const TABLES: u64 = 64;

#[derive(Clone, Copy, Debug)]
enum Call {
    Bind { space: usize, first: u64, count: u64, attributes: EptAttributes },
    Unbind { space: usize, first: u64, count: u64 },
    Change { space: usize, first: u64, count: u64, attributes: EptAttributes },
    Contribute { first: u64, count: u64 },
    Show { space: usize },
    Drop,
    Flush { spaces: u64 },
}

fn calls() -> impl Strategy<Value = Call> {
    let run = prop_oneof![
        (510_u64..515, 1_u64..4),
        (0_u64..FRAMES, 1_u64..600),
        Just((512, 512)),
        Just((0, FRAMES)),
        (1020_u64..1026, 1_u64..4),
    ];
    let attributes = prop_oneof![Just(READ), Just(WRITE), Just(READ.with_tag(5))];
    prop_oneof![
        4 => (0_usize..2, run.clone(), attributes.clone())
            .prop_map(|(space, (first, count), attributes)| Call::Bind { space, first, count, attributes }),
        4 => (0_usize..2, run.clone()).prop_map(|(space, (first, count))| Call::Unbind { space, first, count }),
        2 => (0_usize..2, run.clone(), attributes)
            .prop_map(|(space, (first, count), attributes)| Call::Change { space, first, count, attributes }),
        2 => run.prop_map(|(first, count)| Call::Contribute { first, count: count.min(3) }),
        1 => (0_usize..2).prop_map(|space| Call::Show { space }),
        1 => Just(Call::Drop),
        2 => (0_u64..4).prop_map(|spaces| Call::Flush { spaces }),
    ]
}

struct Run {
    base: FrameNumber,
    account: Account,
    spaces: [GuestSpace; 2],
    departing: Departing,
    pages: Vec<Page<u64>>,
    bound: [BTreeMap<u64, EptAttributes>; 2],
    leaving: Vec<(usize, u64)>,
    kernels: Vec<u64>,
}

/// Numbers of the two spaces: the model's bits 0 and 1.
const NUMBERS: [u8; 2] = [0, 1];

impl Run {
    fn frame(&self, offset: u64) -> FrameNumber {
        super::after(self.base, offset)
    }

    fn is_used(&self, frame: u64) -> bool {
        self.bound.iter().any(|bound| bound.contains_key(&frame))
            || self.leaving.iter().any(|&(_, leaving)| leaving == frame)
            || self.kernels.contains(&frame)
    }

    fn make(&mut self, call: Call) {
        match call {
            Call::Bind { space, first, count, attributes } => {
                let range = first..(first + count).min(FRAMES);
                let may = range.clone().all(|f| !self.bound[space].contains_key(&f) && !self.kernels.contains(&f));
                let (start, count) = (self.frame(first), range.end - range.start);
                let result = self.spaces[space].bind(memory(), start, count, attributes);
                assert_eq!(result.is_ok(), may, "{call:?}: {result:?}");
                if may {
                    self.bound[space].extend(range.map(|frame| (frame, attributes)));
                }
            }
            Call::Unbind { space, first, count } => {
                let range = first..(first + count).min(FRAMES);
                let may = range.clone().all(|frame| self.bound[space].contains_key(&frame));
                let (start, count) = (self.frame(first), range.end - range.start);
                let result = self.spaces[space].unbind(start, count);
                assert_eq!(result.is_ok(), may, "{call:?}");
                if let Ok(unbound) = result {
                    self.departing.add(unbound);
                    self.bound[space].retain(|frame, _| !range.contains(frame));
                    self.leaving.extend(range.map(|frame| (space, frame)));
                }
            }
            Call::Change { space, first, count, attributes } => {
                let range = first..(first + count).min(FRAMES);
                let may = range.clone().all(|frame| self.bound[space].contains_key(&frame));
                let (start, count) = (self.frame(first), range.end - range.start);
                let result = self.spaces[space].change(start, count, attributes);
                assert_eq!(result.is_ok(), may, "{call:?}");
                if let Ok(taken) = result {
                    self.departing.add_rights(taken);
                    self.bound[space].extend(range.map(|frame| (frame, attributes)));
                }
            }
            Call::Contribute { first, count } => {
                let range = first..(first + count).min(FRAMES);
                let may = range.clone().all(|frame| !self.is_used(frame)) && self.kernels.len() < 30;
                if self.kernels.len() < 30 {
                    let (start, count) = (self.frame(first), range.end - range.start);
                    let result = pool::contribute(memory(), self.account, start, count);
                    assert_eq!(result.is_ok(), may, "{call:?}: {result:?}");
                    if may {
                        self.kernels.extend(range);
                    }
                }
            }
            Call::Show { space } => {
                if let Some(page) = Page::new_in(self.account) {
                    self.spaces[space].show(&page).expect("there are tables enough");
                    self.pages.push(page);
                }
            }
            Call::Drop => drop(self.pages.pop()),
            Call::Flush { spaces } => {
                let covered = self.departing.spaces() & !spaces == 0;
                self.departing.release(memory(), &flush(spaces));
                if covered {
                    self.leaving.clear();
                }
            }
        }
    }

    fn check(&self) {
        for (space, bound) in self.spaces.iter().zip(&self.bound) {
            let mut told = BTreeMap::new();
            let mut from = FrameNumber::new(0);
            while let Some((first, count, attributes)) = from.and_then(|from| space.next_binding(from)) {
                let offset = first.number() - self.base.number();
                told.extend((offset..offset + count).map(|frame| (frame, attributes)));
                from = first.checked_add(count);
            }
            assert_eq!(&told, bound);
            for page in &self.pages {
                assert_eq!(space.binding(page.number()), None);
            }
        }
        let mut pages: Vec<_> = self.pages.iter().map(Page::number).collect();
        pages.sort();
        pages.dedup();
        assert_eq!(pages.len(), self.pages.len());
    }

    fn finish(self) {
        self.spaces.into_iter().for_each(dismantle);
        drop(self.pages);
        let mut departing = self.departing;
        departing.release(memory(), &flush(u64::MAX));
        pool::withdraw(memory(), self.account).expect("nothing is in use any more");
        pool::contribute(memory(), self.account, self.base, FRAMES).expect("nothing is held any more");
        pool::withdraw(memory(), self.account).expect("nothing is in use");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 100, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_calls_agrees_with_the_model(calls in proptest::collection::vec(calls(), 1..60)) {
        static OWN: OnceLock<(Account, FrameNumber, FrameNumber)> = OnceLock::new();
        let &(account, tables, base) = OWN.get_or_init(|| {
            let (tables, base) = (run(TABLES), run(FRAMES));
            let account = account(tables, TABLES);
            pool::withdraw(memory(), account).expect("nothing is in use");
            (account, tables, base)
        });
        pool::contribute(memory(), account, tables, TABLES).expect("the case before has ended");
        let mut run = Run {
            base,
            account,
            spaces: NUMBERS.map(|number| space(account, number)),
            departing: Departing::default(),
            pages: Vec::new(),
            bound: [const { BTreeMap::new() }; 2],
            leaving: Vec::new(),
            kernels: Vec::new(),
        };
        for call in calls {
            run.make(call);
            run.check();
        }
        run.finish();
    }
}
