//! The arguments of each call.

use super::pick::Pick;
use crate::tests::choices::Choices;
use crate::tests::fake::FRAMES;
use crate::tests::model::{Id, Model, Run, Slot};
use crate::tests::world::SLICE_TICKS;
use core::ops::{Deref, DerefMut};
use exo_abi::call::Call;
use std::vec::Vec;

pub(super) const MODIFY: u64 = 8;

/// A call to be made.
pub(super) struct Plan<'m, 'c, 'b> {
    pub(super) pick: Pick<'m, 'c, 'b>,
    pub(super) number: u64,
    pub(super) credential: u64,
    pub(super) second: u64,
    pub(super) arguments: [u64; 6],
    pub(super) memory: Option<(u64, Vec<u64>)>,
    /// Bits of rax that mean nothing.
    pub(super) high: u64,
}

impl<'m, 'c, 'b> Deref for Plan<'m, 'c, 'b> {
    type Target = Pick<'m, 'c, 'b>;
    fn deref(&self) -> &Self::Target {
        &self.pick
    }
}

impl DerefMut for Plan<'_, '_, '_> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.pick
    }
}

impl<'m, 'c, 'b> Plan<'m, 'c, 'b> {
    pub(super) fn new(model: &'m Model, choices: &'c mut Choices<'b>, me: Id, vcpu: u64, number: u64) -> Self {
        let pick = Pick { model, choices, me };
        let mut plan = Self { pick, number, credential: 0, second: 0, arguments: [0; 6], memory: None, high: 0 };
        match number {
            0..=9 => plan.basic(vcpu),
            10..=14 => plan.capabilities(),
            15..=18 | 25..=28 => plan.frames(),
            19..=24 => plan.bindings(),
            29..=36 => plan.environments(),
            37..=39 | 42 => plan.slices(),
            40..=41 => plan.claims(),
            44..=52 => plan.gates(vcpu),
            _ => plan.credential = plan.slot(me, |_, has| has & 256 != 0),
        }
        plan
    }

    pub(super) fn set(&mut self, arguments: &[u64]) {
        self.arguments[..arguments.len()].copy_from_slice(arguments);
    }

    /// Memory that the call reads, from what comes next in it on.
    pub(super) fn words(&mut self, words: Vec<u64>) -> u64 {
        let address = self.address();
        self.memory = Some((address, words));
        address
    }

    pub(super) fn list(&mut self, runs: &[Run]) -> [u64; 2] {
        let address = self.words(runs.iter().flat_map(|&(first, count)| [first, count]).collect());
        [address, runs.len() as u64]
    }

    fn basic(&mut self, vcpu: u64) {
        let (me, address, length) = (self.me, self.address(), self.choices.below(200));
        match self.number {
            1 => self.set(&[0xffff_ffff_0000_0007]),
            2 => self.set(&[1 + length % 2, address, length]),
            3 => self.set(&[address, length]),
            5 => self.set(&[length % 2]),
            6 => self.set(&[address, 1 << 46]),
            7 => {
                let until = self.model.now + self.choices.below(SLICE_TICKS * 8);
                let never = self.choices.once_in(4);
                self.set(&[if never { 0 } else { until }]);
            }
            8 => {
                let now = self.model.now;
                let program = match self.choices.below(8) {
                    0 => std::vec![2, 0, 0, now + SLICE_TICKS, 11, 0],
                    1 | 5 | 6 => std::vec![1, address & !7, 0, 5, 8, 0],
                    2 => (0..2 * self.choices.below(17)).map(|_| self.choices.below(3)).collect(),
                    3 => (0..2 * 16).map(|at| u64::from(at > 16 && at % 2 == 0) * 3).collect(),
                    _ => std::vec![0, 0],
                };
                let length = program.len() as u64 / 2;
                let at = self.words(program);
                self.set(&[at, length]);
            }
            9 => {
                let cpu = self.model.get(me).and_then(|one| one.vcpus.get(&vcpu)).map_or(0, |vcpu| vcpu.cpu);
                let (id, vcpu) = self.vcpu_on(cpu);
                let argument = self.argument(id);
                self.set(&[argument, vcpu]);
            }
            _ => {}
        }
    }

    pub(super) fn vcpu_on(&mut self, cpu: u64) -> (Id, u64) {
        let everybody = self.model.environments.values();
        let vcpus = everybody.flat_map(|one| one.vcpus.iter().map(|(at, vcpu)| (one.id, *at, vcpu.cpu)));
        let there: Vec<(Id, u64)> = vcpus.filter(|vcpu| vcpu.2 == cpu).map(|(id, at, _)| (id, at)).collect();
        self.choices.one(&there).unwrap_or((self.me, 0))
    }

    fn capabilities(&mut self) {
        let (me, other) = (self.me, self.other());
        let rights = self.choices.one(&[1023, 15, 255, 9, 513, 1]).unwrap_or(1023);
        match self.number {
            10 => {
                self.credential = self.slot(me, |_, _| true);
                let (to, length) = (self.empty_slot(me), self.choices.below(4));
                let suffix = 0x0062_6162 & ((1 << (length * 8)) - 1);
                self.set(&[to, rights, suffix, length]);
            }
            11 => {
                self.credential = self.slot(me, |_, has| has & 16 != 0);
                let to = if self.choices.once_in(3) { other } else { self.environment(MODIFY) };
                self.second = self.over(to, MODIFY);
                let open = self.model.get(to).into_iter().flat_map(|one| &one.slots);
                let open: Vec<u64> = open.filter(|(_, slot)| **slot == Slot::Open(me)).map(|(at, _)| *at).collect();
                let slot = self.choices.one(&open).unwrap_or_else(|| self.empty_slot(to));
                let argument = self.argument(to);
                self.set(&[argument, slot, rights]);
            }
            12 => {
                let to = self.empty_slot(me);
                self.set(&[to, other.to_argument()]);
            }
            13 => {
                let slots: Vec<u64> =
                    self.model.get(me).into_iter().flat_map(|one| one.slots.keys().copied()).collect();
                // The first one is what an environment lives on.
                let slot = self.choices.one(&slots).filter(|&slot| slot != 0).unwrap_or(self.choices.below(66));
                self.set(&[slot]);
            }
            _ => {
                self.credential = self.slot(me, |_, has| has & 32 != 0);
                let length = self.choices.below(3);
                self.set(&[0x6162 & ((1 << (length * 8)) - 1), length]);
            }
        }
    }

    /// Makes one thing wrong.
    pub(super) fn spoil(&mut self) {
        const ABSURD: [u64; 14] = [0, 1, 2, 3, 16, 63, 64, 255, 513, 4097, FRAMES, 1 << 32, 1 << 63, u64::MAX];
        let value = match self.choices.below(3) {
            0 => self.choices.below(FRAMES + 4),
            1 => self.choices.one(&ABSURD).unwrap_or(0),
            _ => self.choices.word(),
        };
        match self.choices.below(12) {
            0 => self.credential = self.choices.below(70),
            1 => self.second = self.choices.below(70),
            2 => self.number = 53 + self.choices.below(4),
            3 => self.high = 1 << self.choices.below(32),
            4 => self.memory = None,
            _ => {
                let count = Call::from_number(self.number as u16).map_or(6, |call| call.description().arguments.len());
                let at = self.choices.below(count as u64) as usize;
                let arguments = &mut self.arguments;
                arguments[at] = match value % 5 {
                    0 => arguments[at].wrapping_add(1),
                    1 => arguments[at].wrapping_sub(1),
                    _ => value,
                };
            }
        }
    }
}
