//! Gates: who waits, who has called whom, and what lies there for somebody. Kept by name, so that nobody's end needs a look at links.

use super::capabilities::MODIFY;
use super::{Answer, Id, Model, done, fails};
use crate::calls::Effect;
use crate::gates::Message;
use exo_abi::error::Error;
use exo_abi::events;
use std::collections::{BTreeMap, BTreeSet};
use std::vec::Vec;

const CALL: u64 = 1 << 9;

/// A virtual CPU.
pub(crate) type Who = (Id, u64);

/// rax, and the message where there is one.
pub(crate) type Letter = (u64, Option<Message>);

#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Gates {
    /// What a capability must dominate to call it.
    pub(crate) guards: BTreeMap<Who, Vec<u8>>,
    /// Gates by environment and gate slot, and the slot of the capability.
    pub(crate) bound: BTreeMap<(Id, u64), (Who, u64)>,
    /// Those that wait to be called.
    pub(crate) waiting: BTreeSet<Who>,
    /// Caller and callee.
    pub(crate) calls: BTreeMap<Who, Who>,
    /// When a call ends.
    pub(crate) deadlines: BTreeMap<Who, u64>,
    pub(crate) limits: BTreeMap<Who, u64>,
    /// What somebody finds when it goes on.
    pub(crate) arriving: BTreeMap<Who, Letter>,
    /// What was sent to somebody who has not taken it.
    pub(crate) queued: BTreeMap<Who, Letter>,
}

impl Gates {
    pub(crate) fn caller_of(&self, callee: Who) -> Option<Who> {
        self.calls.iter().find(|(_, to)| **to == callee).map(|(from, _)| *from)
    }

    /// Whether somebody has instructions to execute, if he has the time.
    pub(crate) fn executes(&self, who: Who) -> bool {
        !self.waiting.contains(&who) && !self.calls.contains_key(&who)
    }

    fn free(&mut self, caller: Who, letter: Letter) {
        self.calls.remove(&caller);
        self.deadlines.remove(&caller);
        self.arriving.insert(caller, letter);
    }
}

impl Model {
    fn has_vcpu(&self, (id, vcpu): Who) -> bool {
        self.get(id).is_some_and(|one| one.vcpus.contains_key(&vcpu))
    }

    fn cpu_of(&self, (id, vcpu): Who) -> Option<u64> {
        Some(self.get(id)?.vcpus.get(&vcpu)?.cpu)
    }

    pub(super) fn gate_open(&mut self, me: Id, credential: u64, vcpu: u64) -> Answer {
        let (name, _) = self.capability_with(me, credential, MODIFY)?;
        if !self.has_vcpu((me, vcpu)) {
            return fails(Error::NoSuchVcpu);
        }
        if self.gates.guards.contains_key(&(me, vcpu)) {
            return fails(Error::GateTaken);
        }
        self.gates.guards.insert((me, vcpu), name);
        done(0)
    }

    pub(super) fn gate_close(&mut self, me: Id, vcpu: u64) -> Answer {
        if !self.has_vcpu((me, vcpu)) {
            return fails(Error::NoSuchVcpu);
        }
        if self.gates.guards.remove(&(me, vcpu)).is_none() {
            return fails(Error::NoSuchGate);
        }
        if self.gates.caller_of((me, vcpu)).is_some() {
            self.saw("a gate is closed while it serves");
        }
        let before = self.gates.bound.len();
        self.gates.bound.retain(|_, (gate, _)| *gate != (me, vcpu));
        let ended = before - self.gates.bound.len();
        self.gates.queued.insert((me, vcpu), (Error::NoSuchGate.number(), None));
        done(ended as u64)
    }

    pub(super) fn gate_bind(&mut self, me: Id, credential: u64, [argument, vcpu, to]: [u64; 3]) -> Answer {
        let (name, _) = self.capability_with(me, credential, CALL)?;
        let id = self.named(me, argument)?;
        if !self.has_vcpu((id, vcpu)) {
            return fails(Error::NoSuchVcpu);
        }
        let Some(guard) = self.gates.guards.get(&(id, vcpu)) else { return fails(Error::NoSuchGate) };
        if !guard.starts_with(&name) {
            return fails(Error::Underprivileged);
        }
        if to >= 64 {
            return Err((Error::BadSlot, to));
        }
        if self.gates.bound.contains_key(&(me, to)) {
            return Err((Error::SlotTaken, to));
        }
        self.gates.bound.insert((me, to), ((id, vcpu), credential));
        done(0)
    }

    pub(super) fn gate_unbind(&mut self, me: Id, slot: u64) -> Answer {
        match self.gates.bound.remove(&(me, slot)) {
            Some(_) => done(0),
            None => Err((Error::NoSuchGate, slot)),
        }
    }

    fn gate_in(&self, me: Id, slot: u64) -> Result<Who, super::Fail> {
        let Some(&(gate, _)) = self.gates.bound.get(&(me, slot)) else { return Err((Error::NoSuchGate, slot)) };
        if self.runs(gate.0) { Ok(gate) } else { fails(Error::GateStopped) }
    }

    pub(super) fn gate_call(&mut self, me: Who, slot: u64) -> Answer {
        let gate = self.gate_in(me.0, slot)?;
        if self.cpu_of(gate) != self.cpu_of(me) {
            return fails(Error::GateElsewhere);
        }
        if !self.gates.waiting.remove(&gate) {
            return fails(Error::GateBusy);
        }
        self.gates.calls.insert(me, gate);
        if let Some(&limit) = self.gates.limits.get(&me) {
            self.gates.deadlines.insert(me, self.now.saturating_add(limit));
        }
        if self.gates.caller_of(me).is_some() {
            self.saw("a callee calls on");
        }
        let letter = (me.0.to_argument(), Some(self.message));
        self.gates.arriving.insert(gate, letter);
        Ok((0, Effect::TransferTo { environment: gate.0, vcpu: gate.1 as usize }))
    }

    pub(super) fn gate_reply(&mut self, me: Who) -> Answer {
        let caller = self.gates.caller_of(me);
        let is_gate = self.gates.guards.contains_key(&me);
        match caller {
            None if !is_gate => return fails(Error::NoSuchGate),
            None => {}
            Some(caller) => self.gates.free(caller, (0, Some(self.message))),
        }
        if !is_gate {
            self.gates.queued.insert(me, (Error::NoSuchGate.number(), None));
        }
        self.gates.waiting.insert(me);
        if let Some((environment, vcpu)) = caller.filter(|caller| self.runs(caller.0)) {
            return Ok((0, Effect::TransferTo { environment, vcpu: vcpu as usize }));
        }
        if self.take_queued(me) {
            return Ok((0, Effect::TransferTo { environment: me.0, vcpu: me.1 as usize }));
        }
        Ok((0, Effect::YieldSlice))
    }

    /// Whoever waits takes what lies there for it, and runs by itself.
    fn take_queued(&mut self, who: Who) -> bool {
        let Some(letter) = self.gates.queued.remove(&who) else { return false };
        self.saw("a message that was sent is taken");
        self.gates.waiting.remove(&who);
        self.gates.arriving.insert(who, letter);
        true
    }

    pub(super) fn gate_send(&mut self, me: Who, slot: u64) -> Answer {
        let gate = self.gate_in(me.0, slot)?;
        if self.gates.queued.contains_key(&gate) {
            return fails(Error::GateBusy);
        }
        self.gates.queued.insert(gate, (me.0.to_argument(), Some(self.message)));
        if self.cpu_of(gate) == self.cpu_of(me)
            && let Some((environment, vcpu)) = self.who_runs(gate.0, gate.1)
        {
            return Ok((0, Effect::YieldTo { environment, vcpu: vcpu as usize }));
        }
        done(0)
    }

    pub(super) fn gate_release(&mut self, me: Who, vcpu: u64) -> Answer {
        let gate = (me.0, vcpu);
        if !self.has_vcpu(gate) {
            return fails(Error::NoSuchVcpu);
        }
        if self.cpu_of(gate) != self.cpu_of(me) {
            return fails(Error::GateElsewhere);
        }
        let Some(caller) = self.gates.caller_of(gate) else { return fails(Error::NotServing) };
        self.gates.free(caller, (Error::CallRefused.number(), None));
        done(0)
    }

    pub(super) fn set_call_limit(&mut self, me: Who, ticks: u64) -> Answer {
        self.gates.limits.remove(&me);
        if ticks != 0 {
            self.gates.limits.insert(me, ticks);
        }
        Ok((0, Effect::CallLimit { limited: ticks != 0 }))
    }

    /// Who runs when somebody is given time: whoever serves it, and so on. Calls that have lasted too long end here.
    pub(crate) fn who_runs(&mut self, id: Id, vcpu: u64) -> Option<Who> {
        let mut tip = (id, vcpu);
        if !self.runs(id) || self.gates.caller_of(tip).is_some() {
            return None;
        }
        if self.gates.waiting.contains(&tip) && !self.take_queued(tip) {
            return None;
        }
        while let Some(&callee) = self.gates.calls.get(&tip) {
            if self.gates.deadlines.get(&tip).is_some_and(|&deadline| deadline <= self.now) {
                self.gates.free(tip, (Error::CallExpired.number(), None));
                self.saw("a call expires");
                self.raise_all(callee.0, events::CALLER_GONE);
                break;
            }
            tip = callee;
        }
        self.awake(tip.0, tip.1).then_some(tip)
    }

    /// A virtual CPU is gone: whom it served and who served it go on without it.
    pub(super) fn leave_chain(&mut self, who: Who) {
        if let Some(caller) = self.gates.caller_of(who) {
            self.saw("a callee ends");
            self.gates.free(caller, (Error::CalleeEnded.number(), None));
        }
        if let Some(callee) = self.gates.calls.remove(&who) {
            self.saw("a caller ends");
            self.raise_all(callee.0, events::CALLER_GONE);
        }
        let gates = &mut self.gates;
        gates.waiting.remove(&who);
        [&mut gates.deadlines, &mut gates.limits].into_iter().for_each(|map| _ = map.remove(&who));
        [&mut gates.arriving, &mut gates.queued].into_iter().for_each(|map| _ = map.remove(&who));
        gates.guards.remove(&who);
    }

    /// Somebody begins to end: nobody calls it any more, and it calls nobody.
    pub(super) fn end_gates_of(&mut self, id: Id) {
        self.gates.bound.retain(|(from, _), (gate, _)| *from != id && gate.0 != id);
    }

    /// What an environment has bound that its capabilities do not allow any more; how many.
    pub(super) fn end_unjustified_gates(&mut self, id: Id) -> u64 {
        let mut bound = core::mem::take(&mut self.gates.bound);
        let before = bound.len();
        bound.retain(|(from, _), (gate, slot)| {
            let allowed = self
                .capability(*from, *slot)
                .is_ok_and(|(name, rights)| rights & CALL != 0 && self.gates.guards[gate].starts_with(&name));
            *from != id || allowed
        });
        let ended = (before - bound.len()) as u64;
        if ended != 0 {
            self.saw("a credential takes a gate with it");
        }
        self.gates.bound = bound;
        ended
    }
}
