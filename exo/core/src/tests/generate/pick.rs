//! Picking what a call could be about.

use crate::tests::choices::Choices;
use crate::tests::fake::FRAMES;
use crate::tests::model::{Frame, Id, Model, Run, Slot};
use crate::tests::world::NOBODY;
use std::vec::Vec;

/// A state, a caller, and decisions.
pub(super) struct Pick<'m, 'c, 'b> {
    pub(super) model: &'m Model,
    pub(super) choices: &'c mut Choices<'b>,
    pub(super) me: Id,
}

impl Pick<'_, '_, '_> {
    /// A slot of an environment that holds what is wanted; else some slot.
    pub(super) fn slot(&mut self, of: Id, wanted: impl Fn(&[u8], u64) -> bool) -> u64 {
        let slots = self.model.get(of).map(|one| &one.slots).into_iter().flatten();
        let fitting = slots.filter(|(_, slot)| matches!(slot, Slot::Held(name, rights) if wanted(name, *rights)));
        let fitting: Vec<u64> = fitting.map(|(at, _)| *at).collect();
        self.choices.one(&fitting).unwrap_or_else(|| self.choices.below(6))
    }

    pub(super) fn empty_slot(&mut self, of: Id) -> u64 {
        let empty = (0..12).filter(|at| self.model.get(of).is_some_and(|one| !one.slots.contains_key(at)));
        let empty: Vec<u64> = empty.collect();
        self.choices.one(&empty).unwrap_or(63)
    }

    /// The slot of a capability over an environment.
    pub(super) fn over(&mut self, id: Id, rights: u64) -> u64 {
        let guard = self.model.get(id).map(|one| one.guard.clone()).unwrap_or_default();
        let me = self.me;
        self.slot(me, |name, has| guard.starts_with(name) && has & rights == rights)
    }

    /// An environment over which the caller has these rights, itself included; now and then another.
    pub(super) fn environment(&mut self, rights: u64) -> Id {
        let mine = self.model.get(self.me).map(|one| &one.slots).into_iter().flatten().map(|(_, slot)| slot);
        let held: Vec<_> =
            mine.filter_map(|slot| if let Slot::Held(name, has) = slot { Some((name, *has)) } else { None }).collect();
        let everybody = self.model.everybody().into_iter();
        let under: Vec<Id> = everybody
            .filter(|&id| {
                let guard = self.model.get(id).map(|one| one.guard.clone()).unwrap_or_default();
                held.iter().any(|(name, has)| guard.starts_with(name) && has & rights == rights)
            })
            .collect();
        let usual = self.choices.one(&under).filter(|_| !self.choices.once_in(12));
        usual.or_else(|| self.choices.any(self.model.everybody())).unwrap_or(NOBODY)
    }

    /// A live environment, not the caller where there is another.
    pub(super) fn other(&mut self) -> Id {
        let me = self.me;
        let everybody = self.model.everybody().into_iter();
        let others: Vec<Id> = everybody.filter(|&id| id != me && self.model.lives(id)).collect();
        self.choices.one(&others).unwrap_or(me)
    }

    /// As an argument: 0 for the caller, mostly.
    pub(super) fn argument(&mut self, id: Id) -> u64 {
        if id == self.me && !self.choices.once_in(4) { 0 } else { id.to_argument() }
    }

    /// A run of frames of which all are as wanted.
    pub(super) fn run(&mut self, most: u64, wanted: impl Fn(u64, &Frame) -> bool) -> Run {
        let fits = |frame: &u64| self.model.frames.get(*frame as usize).is_some_and(|state| wanted(*frame, state));
        let fitting: Vec<u64> = (0..FRAMES).filter(fits).collect();
        let Some(first) = self.choices.one(&fitting) else { return (self.choices.below(FRAMES), 1) };
        let longest = (first..first + most).take_while(fits).count() as u64;
        (first, 1 + self.choices.below(longest))
    }

    /// Some such runs, in ascending order.
    pub(super) fn runs(&mut self, most: u64, wanted: impl Fn(u64, &Frame) -> bool) -> Vec<Run> {
        let mut frames: Vec<u64> = Vec::new();
        for _ in 0..=self.choices.below(3) {
            let (first, count) = self.run(most, &wanted);
            frames.extend(first..first + count);
        }
        frames.sort_unstable();
        frames.dedup();
        let mut runs: Vec<Run> = frames.chunk_by(|a, b| a + 1 == *b).map(|run| (run[0], run.len() as u64)).collect();
        match self.choices.below(24) {
            0 => runs.reverse(),
            1 => runs.push((self.choices.below(FRAMES + 2), self.choices.below(3))),
            2 => runs.insert(0, (0, 0)),
            3 => runs.push((self.choices.one(&[FRAMES, 1 << 52, u64::MAX]).unwrap_or(0), 1)),
            _ => {}
        }
        runs
    }

    /// An address of memory that the caller can read and write.
    pub(super) fn address(&mut self) -> u64 {
        let me = self.me;
        let bound = self.model.bindings.iter().filter(|(key, value)| key.0 == me && value.0 & 3 == 3);
        let frame = self.choices.any(bound.map(|(key, _)| key.1)).unwrap_or(6);
        frame * 4096 + self.choices.one(&[0, 8, 4096 - 16, 4096 - 64]).unwrap_or(0)
    }
}
