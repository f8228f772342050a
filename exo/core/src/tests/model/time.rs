//! Waiting, waking, events.

use super::{Answer, Id, Model, Vcpu, Wait, done, fails};
use crate::calls::Effect;
use exo_abi::error::Error;
use exo_abi::events;
use std::vec::Vec;

/// Whether bits 63:47 are all the same.
pub(crate) fn is_canonical(address: u64) -> bool {
    !(1 << 47..u64::MAX << 47).contains(&address)
}

impl Model {
    fn vcpu(&mut self, id: Id, vcpu: u64) -> Option<&mut Vcpu> {
        self.get_mut(id)?.vcpus.get_mut(&vcpu)
    }

    /// Raises events of a virtual CPU, if it is there.
    pub(crate) fn raise(&mut self, id: Id, vcpu: u64, events: u64) {
        if let Some(vcpu) = self.vcpu(id, vcpu) {
            vcpu.raised |= events;
            vcpu.wait = Wait::No;
        }
    }

    /// The lowest virtual CPU takes the events of an environment.
    pub(super) fn raise_all(&mut self, id: Id, events: u64) {
        if let Some(&lowest) = self.of(id).vcpus.keys().next() {
            self.raise(id, lowest, events);
        }
    }

    pub(super) fn block(&mut self, me: Id, vcpu: u64, until: u64) -> Answer {
        let until = if until == 0 { u64::MAX } else { until };
        if until <= self.now { done(0) } else { self.wait(me, vcpu, Wait::Until(until)) }
    }

    pub(super) fn block_on(&mut self, me: Id, vcpu: u64, physical: u64, length: u64) -> Answer {
        if length > 16 {
            return fails(Error::TooLong);
        }
        let bytes = self.memory(me, physical, length * 16, 256, 1)?;
        let program: Vec<(u64, u64)> = self.words(&bytes).chunks(2).map(|pair| (pair[0], pair[1])).collect();
        if !well_formed(&program) {
            return fails(Error::BadPredicate);
        }
        for (_, address) in program.iter().filter(|one| one.0 == 1) {
            self.memory(me, *address, 8, 8, 1)?;
        }
        if self.holds(me, &program) { done(0) } else { self.wait(me, vcpu, Wait::On(program)) }
    }

    fn wait(&mut self, me: Id, vcpu: u64, wait: Wait) -> Answer {
        let vcpu = self.vcpu(me, vcpu).expect("the caller runs");
        if vcpu.raised != 0 || vcpu.pending & !vcpu.mask != 0 {
            return done(0);
        }
        vcpu.wait = wait;
        Ok((0, Effect::YieldSlice))
    }

    pub(crate) fn halt(&mut self, id: Id, vcpu: u64, until: u64) {
        if let Some(vcpu) = self.vcpu(id, vcpu).filter(|vcpu| vcpu.raised == 0) {
            vcpu.wait = Wait::Halted(until);
        }
    }

    fn holds(&mut self, id: Id, program: &[(u64, u64)]) -> bool {
        let mut stack: Vec<u64> = Vec::new();
        for &(operation, operand) in program {
            let value = match operation {
                0 => operand,
                1 => match self.memory(id, operand, 8, 8, 1) {
                    Ok(bytes) => self.words(&bytes)[0],
                    // What it can no longer read wakes it.
                    Err(_) => {
                        self.saw("a predicate can no longer be read");
                        return true;
                    }
                },
                2 => self.now,
                _ => {
                    let (second, first) = (stack.pop().expect("two words"), stack.pop().expect("two words"));
                    match operation {
                        3 => first.wrapping_add(second),
                        4 => first.wrapping_sub(second),
                        5 => first & second,
                        6 => first | second,
                        7 => first ^ second,
                        8 => u64::from(first == second),
                        9 => u64::from(first != second),
                        10 => u64::from(first < second),
                        11 => u64::from(first <= second),
                        _ => unreachable!("it is well formed"),
                    }
                }
            };
            stack.push(value);
        }
        stack != [0]
    }

    /// Whether a virtual CPU neither is stopped nor sleeps; if what it slept for has come, it sleeps no more.
    pub(crate) fn awake(&mut self, id: Id, number: u64) -> bool {
        let (runs, now) = (self.runs(id), self.now);
        let Some(vcpu) = self.vcpu(id, number).filter(|_| runs) else { return false };
        if vcpu.raised != 0 {
            vcpu.wait = Wait::No;
        }
        let over = match vcpu.wait.clone() {
            Wait::No => true,
            Wait::Until(until) if now >= until => {
                vcpu.raised |= events::TIMER;
                true
            }
            Wait::Until(_) => false,
            Wait::Halted(until) => now >= until,
            Wait::On(program) => {
                let holds = self.holds(id, &program);
                self.saw(if holds { "a predicate wakes" } else { "a predicate sleeps" });
                holds
            }
        };
        if over && let Some(vcpu) = self.vcpu(id, number) {
            vcpu.wait = Wait::No;
        }
        over
    }

    pub(super) fn yield_to(&mut self, me: Id, own: u64, argument: u64, vcpu: u64) -> Answer {
        let id = self.named(me, argument)?;
        let Some(cpu) = self.vcpu(id, vcpu).map(|vcpu| vcpu.cpu) else { return fails(Error::NoSuchVcpu) };
        let here = self.vcpu(me, own).map(|vcpu| vcpu.cpu);
        let runs = if here == Some(cpu) { self.who_runs(id, vcpu) } else { None };
        let Some((environment, vcpu)) = runs else { return fails(Error::NotRunnable) };
        Ok((0, Effect::YieldTo { environment, vcpu: vcpu as usize }))
    }

    pub(super) fn notify(&mut self, me: Id, credential: u64, argument: u64, vcpu: u64) -> Answer {
        let id = self.named_under(me, credential, argument, 128)?;
        if self.vcpu(id, vcpu).is_none() {
            return fails(Error::NoSuchVcpu);
        }
        self.raise(id, vcpu, events::NOTIFICATION);
        done(0)
    }
}

/// At most 8 words on the stack, never fewer than an instruction takes, one in the end.
fn well_formed(program: &[(u64, u64)]) -> bool {
    let mut depth = 0_i32;
    for &(operation, operand) in program {
        let operand_allowed = match operation {
            0 => true,
            1 => operand % 8 == 0,
            _ => operand == 0,
        };
        if operation > 11 || !operand_allowed || operation > 2 && depth < 2 {
            return false;
        }
        depth += if operation > 2 { -1 } else { 1 };
        if depth > 8 {
            return false;
        }
    }
    depth == 1
}
