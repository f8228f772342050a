//! Arguments of the calls on frames and bindings.

use super::arguments::{MODIFY, Plan};
use crate::tests::model::{Frame, Wanted};
use std::vec::Vec;

impl Plan<'_, '_, '_> {
    pub(super) fn frames(&mut self) {
        let me = self.me;
        self.credential = self.slot(me, |_, has| has & MODIFY != 0);
        let model = self.model;
        let claimed = |frame: u64| {
            model.claims.iter().any(|claim| {
                claim.victim == me && {
                    matches!(claim.wanted, Wanted::Run(first, count) if (first..first + count).contains(&frame))
                }
            })
        };
        let prefer_claimed = model.claims.iter().any(|claim| claim.victim == me) && self.choices.once_in(2);
        let free = |_: u64, state: &Frame| matches!(state, Frame::Free(_)) || *state == Frame::Promised(me);
        let promised = model.promised_to(me) != 0 && self.choices.once_in(2);
        let mine = |frame: u64, state: &Frame| {
            let alone = model.owned(frame, me).is_some() && model.binders(frame).is_empty();
            matches!(state, Frame::Owned(_)) && alone && (!prefer_claimed || claimed(frame))
        };
        match self.number {
            15 | 16 => {
                let wanted = |frame: u64, state: &Frame| {
                    if promised { *state == Frame::Promised(me) } else { free(frame, state) }
                };
                if self.number == 15 {
                    let (first, count) = self.run(6, wanted);
                    self.set(&[first, count]);
                } else {
                    let runs = self.runs(4, wanted);
                    let list = self.list(&runs);
                    self.set(&list);
                }
            }
            18 | 28 => {
                let runs = self.runs(4, mine);
                let list = self.list(&runs);
                self.set(&list);
            }
            17 | 27 => {
                let (first, count) = self.run(3, mine);
                self.set(&[first, count]);
            }
            25 => {
                self.second = self.slot(me, |_, has| has & MODIFY != 0);
                let (first, count) = self.run(4, |_, state| matches!(state, Frame::Owned(owned) if owned.by == me));
                self.set(&[first, count]);
            }
            _ => {
                let (first, count) = self.run(4, |_, state| matches!(state, Frame::Owned(owned) if owned.by == me));
                let on = u64::from(!self.choices.once_in(3));
                self.set(&[first, count, on]);
            }
        }
    }

    /// Frames that a slot of the environment allows to be bound there, or that are bound there.
    pub(super) fn bindings(&mut self) {
        let (me, number) = (self.me, self.number);
        let id = if self.choices.once_in(3) { self.environment(MODIFY) } else { me };
        self.second = self.over(id, MODIFY);
        let model = self.model;
        let slot = self.slot(id, |_, has| has & 7 != 0);
        let held = model.capability(id, slot).unwrap_or_default();
        let rights = self.choices.one(&[3, 3, 7, 1, 5, 2]).unwrap_or(3);
        let rights = if held.1 & rights == rights { rights } else { 1 };
        let bound = |frame: u64| model.bindings.contains_key(&(id, frame));
        let guarded = |frame: u64| model.guard(frame).starts_with(&held.0);
        let foreign = self.choices.once_in(3);
        let wanted = |frame: u64, state: &Frame| match state {
            Frame::Owned(owned) => {
                let new = number < 21 && !bound(frame) && (owned.by != me) == foreign;
                (new || number >= 21 && bound(frame)) && (number == 21 || number == 22 || guarded(frame))
            }
            _ => false,
        };
        let argument = self.argument(id);
        let before: &[u64] = if matches!(number, 21 | 22) { &[argument] } else { &[argument, slot, rights] };
        let [a, b] = if number % 2 == 1 {
            let (first, count) = self.run(6, wanted);
            [first, count]
        } else {
            let runs = self.runs(5, wanted);
            self.list(&runs)
        };
        let arguments: Vec<u64> = before.iter().copied().chain([a, b]).collect();
        self.set(&arguments);
        if matches!(number, 21 | 22) && self.choices.once_in(3) {
            self.unbind_from_another();
        }
    }

    /// An owner takes its frame out of somebody else's EPT.
    pub(super) fn unbind_from_another(&mut self) {
        let (me, model) = (self.me, self.model);
        let shared = model.bindings.keys().filter(|key| key.0 != me && model.owned(key.1, me).is_some());
        if let Some((id, frame)) = self.choices.any(shared.copied()) {
            let guard = model.guard(frame);
            self.credential = self.slot(me, |name, has| has & MODIFY != 0 && guard.starts_with(name));
            self.second = self.choices.below(9);
            if self.choices.once_in(4) {
                self.credential = self.slot(me, |_, has| has & MODIFY == 0);
            }
            let [a, b] = if self.number == 21 { [frame, 1] } else { self.list(&[(frame, 1)]) };
            self.set(&[id.to_argument(), a, b]);
        }
    }
}
