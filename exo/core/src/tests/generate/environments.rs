//! Arguments of the calls on environments, slices and claims.

use super::arguments::{MODIFY, Plan};
use crate::tests::fake::FRAMES;
use crate::tests::model::{Id, Wanted};
use std::vec::Vec;

impl Plan<'_, '_, '_> {
    pub(super) fn environments(&mut self) {
        let rights = if self.number == 36 { 128 } else { MODIFY };
        let children: Vec<Id> =
            self.model.environments.values().filter(|one| one.parent == Some(self.pick.me)).map(|one| one.id).collect();
        let id = self.choices.one(&children).filter(|_| !self.choices.once_in(4));
        let id = id.unwrap_or_else(|| self.environment(rights));
        // The parents of all would end the sequence.
        let id = if matches!(self.number, 30 | 31) && id.generation == 1 && id.index < 2 && !self.choices.once_in(40) {
            Id { index: 7, generation: 1 }
        } else {
            id
        };
        self.credential = self.over(id, rights);
        let argument = self.argument(id);
        match self.number {
            33 => {
                let length = self.choices.below(34);
                let at = self.words(std::vec![0x6162_6364_6566_6768; 4]);
                self.set(&[argument, at, length]);
            }
            34 => {
                let (count, way) = (self.choices.below(8), self.choices.below(2));
                self.set(&[argument, count, way]);
            }
            35 => {
                let (cpu, table) = (self.choices.below(2), self.choices.below(FRAMES) * 4096);
                self.set(&[argument, cpu, 0xffff_8000_0000_0000, 4096, table]);
            }
            36 => {
                let vcpu = self.choices.below(3);
                self.set(&[argument, vcpu]);
            }
            _ => self.set(&[argument]),
        }
    }

    pub(super) fn slices(&mut self) {
        let (me, model) = (self.me, self.model);
        self.credential = self.slot(me, |_, has| has & MODIFY != 0);
        let mine = model.slices.iter().filter(|(_, slice)| slice.owner == me);
        let promised = mine.clone().filter(|(_, slice)| slice.vcpu.is_none()).map(|(at, _)| *at);
        let owned: Vec<_> = mine.filter(|(_, slice)| slice.vcpu.is_some()).map(|(at, _)| *at).collect();
        let (cpu, position) = if self.number == 37 {
            let free = (self.choices.below(2), self.choices.below(8));
            self.choices.any(promised).unwrap_or(free)
        } else if self.number == 42 {
            let victim = self.environment(64);
            self.credential = self.over(victim, 64);
            let its = model.slices.iter().filter(|(_, slice)| slice.owner == victim && slice.vcpu.is_some());
            let (cpu, position) = self.choices.any(its.map(|(at, _)| *at)).unwrap_or((0, 0));
            let argument = self.argument(victim);
            return self.set(&[argument, cpu, position]);
        } else {
            let asked = model.claims.iter().find_map(|claim| match claim.wanted {
                Wanted::Slice(cpu, position) if claim.victim == me => Some((cpu, position)),
                _ => None,
            });
            let some = self.choices.one(&owned).unwrap_or((0, self.pick.choices.below(64)));
            asked.filter(|_| self.choices.once_in(2)).unwrap_or(some)
        };
        let (id, vcpu) = self.vcpu_on(cpu);
        self.second = self.over(id, MODIFY);
        let argument = self.argument(id);
        match self.number {
            38 => self.set(&[cpu, position]),
            _ => self.set(&[cpu, position, argument, vcpu]),
        }
    }

    pub(super) fn claims(&mut self) {
        let (me, model) = (self.me, self.model);
        let victim = if self.choices.once_in(2) { self.environment(64) } else { self.other() };
        self.credential = self.slot(me, |name, has| model.may_claim(&(name.to_vec(), has), victim));
        let argument = self.argument(victim);
        if self.number == 40 {
            let (first, count) = self.run(4, |frame, _| model.owned(frame, victim).is_some());
            self.set(&[argument, first, count]);
        } else {
            let count = 1 + self.choices.below(5);
            self.set(&[argument, count]);
        }
    }
}
