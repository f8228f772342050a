//! Arguments of the calls on gates.

use super::arguments::{MODIFY, Plan};
use crate::tests::choices::Choices;
use crate::tests::model::{Model, Who};
use crate::tests::world::SLICE_TICKS;
use std::vec::Vec;

const CALL: u64 = 1 << 9;

/// What whoever has to do with gates does more often than by chance: it calls where it can, waits where it should, and calls on.
pub(super) fn likely(model: &Model, choices: &mut Choices<'_>, who: Who) -> Option<u64> {
    let serves = model.gates.caller_of(who).is_some();
    if !callable(model, who).is_empty() && choices.once_in(if serves { 2 } else { 5 }) {
        return Some(48);
    }
    let idle = model.gates.guards.contains_key(&who) && !serves;
    (idle && choices.once_in(4)).then_some(49)
}

/// Gate slots whose gate waits on the same CPU.
fn callable(model: &Model, (id, vcpu): Who) -> Vec<u64> {
    let cpu = |(id, vcpu): Who| model.get(id).and_then(|one| one.vcpus.get(&vcpu)).map(|vcpu| vcpu.cpu);
    let bound = model.gates.bound.iter().filter(|((from, _), _)| *from == id);
    let good = bound.filter(|(_, (gate, _))| model.gates.waiting.contains(gate) && cpu(*gate) == cpu((id, vcpu)));
    good.map(|((_, slot), _)| *slot).collect()
}

impl Plan<'_, '_, '_> {
    pub(super) fn gates(&mut self, vcpu: u64) {
        let (me, model) = (self.me, self.model);
        let mine: Vec<u64> = model.get(me).into_iter().flat_map(|one| one.vcpus.keys().copied()).collect();
        let bound: Vec<u64> = model.gates.bound.keys().filter(|(from, _)| *from == me).map(|(_, slot)| *slot).collect();
        match self.number {
            44 => {
                self.credential = self.slot(me, |_, has| has & MODIFY != 0);
                let closed: Vec<u64> =
                    mine.into_iter().filter(|&vcpu| !model.gates.guards.contains_key(&(me, vcpu))).collect();
                let vcpu = self.choices.one(&closed).unwrap_or(vcpu);
                self.set(&[vcpu]);
            }
            45 => {
                let open: Vec<u64> =
                    mine.into_iter().filter(|&vcpu| model.gates.guards.contains_key(&(me, vcpu))).collect();
                let vcpu = self.choices.one(&open).unwrap_or(vcpu);
                self.set(&[vcpu]);
            }
            46 => {
                let open: Vec<_> = model.gates.guards.iter().collect();
                let gate = self.choices.one(&open);
                let (id, vcpu) = gate.map_or((me, vcpu), |(gate, _)| *gate);
                let guard = gate.map(|(_, guard)| guard.clone()).unwrap_or_default();
                self.credential = self.slot(me, |name, has| guard.starts_with(name) && has & CALL != 0);
                let argument = self.argument(id);
                let to = (0..3).find(|to| !bound.contains(to)).unwrap_or(63);
                self.set(&[argument, vcpu, to]);
            }
            47 => {
                let slot = self.choices.one(&bound).unwrap_or(0);
                self.set(&[slot]);
            }
            48 | 50 => {
                let good = if self.choices.once_in(3) { bound } else { callable(model, (me, vcpu)) };
                self.credential = self.choices.one(&good).unwrap_or(0);
            }
            52 => {
                let serving: Vec<u64> =
                    mine.into_iter().filter(|&vcpu| model.gates.caller_of((me, vcpu)).is_some()).collect();
                let vcpu = self.choices.one(&serving).unwrap_or(vcpu);
                self.set(&[vcpu]);
            }
            51 => {
                let ticks = self.choices.one(&[0, 1, SLICE_TICKS, SLICE_TICKS * 30]).unwrap_or(0);
                self.set(&[ticks]);
            }
            _ => {}
        }
    }
}
