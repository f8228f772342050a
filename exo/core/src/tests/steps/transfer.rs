//! Going on after a call, and the shortcut for calls through gates and replies.

use crate::calls::Effect;
use crate::environment::EnvironmentId;
use crate::gates::WAITING;
use crate::tests::model::{Id, Who};
use crate::tests::world::World;
use core::sync::atomic::Ordering;
use exo_abi::call::Call;
use exo_abi::info::MAX_VCPUS;

/// The number that stands for a virtual CPU.
pub(crate) fn number((id, vcpu): Who) -> u64 {
    u64::from(id.index) * MAX_VCPUS as u64 + vcpu + 1
}

impl World<'_> {
    /// A virtual CPU that runs goes on: what has come for it goes into its registers. Says which call fails by that, if one does.
    pub(super) fn resume(&mut self, id: Id, vcpu: u64) -> Option<(u64, u64)> {
        let there = self.model.get(id).is_some_and(|one| one.vcpus.contains_key(&vcpu));
        if !there || !self.model.runs(id) || !self.model.gates.executes((id, vcpu)) {
            return None;
        }
        let mail = self.core.take_mail(id, vcpu as usize).map(|mail| (mail.word, mail.message));
        assert_eq!(mail, self.model.gates.arriving.remove(&(id, vcpu)), "what {id} {vcpu} finds when it goes on");
        let (error, _) = mail.filter(|mail| mail.1.is_none())?;
        let closed = error == exo_abi::error::Error::NoSuchGate.number();
        Some((if closed { Call::GateReply } else { Call::GateCall } as u64, error))
    }

    pub(super) fn set_message(&mut self) {
        let nonce = self.model.calls.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        self.machine.message = core::array::from_fn(|index| nonce.rotate_left(index as u32));
        self.model.message = self.machine.message;
    }

    /// Now and then a call or a reply is made as the assembly in `hv` makes it: by the published words and nothing else. The model must
    /// find that it is what the dispatcher would have done.
    pub(super) fn takes_the_shortcut(&mut self, caller: Id, vcpu: u64, word: u64) -> bool {
        let me = (caller, vcpu);
        let there = self.model.get(caller).is_some_and(|one| one.vcpus.contains_key(&vcpu));
        // The glue keeps those from it whose calls are bounded.
        if !there
            || !self.model.runs(caller)
            || self.model.gates.limits.contains_key(&me)
            || self.machine.message[1] & 1 == 0
        {
            return false;
        }
        let Some(other) = self.transfer(me, word) else { return false };
        let answer = self.model.call(caller, vcpu, word, [0; 6]);
        let effect = Effect::TransferTo { environment: other.0, vcpu: other.1 as usize };
        assert_eq!(answer.map(|answer| (answer.0, answer.2)), Some((0, effect)), "what the shortcut does");
        let word = if word == Call::GateReply as u64 { 0 } else { caller.to_argument() };
        let expected = Some((word, Some(self.machine.message)));
        assert_eq!(self.model.gates.arriving.remove(&other), expected, "what crosses on the shortcut");
        assert!(self.model.runs(other.0), "the shortcut enters somebody who is stopped");
        // It counts no calls.
        self.model.calls -= 1;
        self.model.saw("the shortcut is taken");
        true
    }

    fn transfer(&mut self, me: Who, word: u64) -> Option<Who> {
        let words = self.core.gates;
        let load = |words: &[core::sync::atomic::AtomicU64], at: u64| {
            words.get(at as usize).map(|word| word.load(Ordering::Relaxed))
        };
        let store = |words: &[core::sync::atomic::AtomicU64], at: u64, value| {
            words[at as usize].store(value, Ordering::Relaxed)
        };
        let other = if word == Call::GateReply as u64 {
            load(words.callers, number(me))?
        } else {
            let slot = (word ^ Call::GateCall as u64)
                .checked_shr(16)
                .filter(|slot| *slot < 64 && word & 0xffff == Call::GateCall as u64)?;
            let other = words.slots[me.0.place()][slot as usize].load(Ordering::Relaxed) & 0x3ff;
            Some(other).filter(|&other| load(words.callers, other) == Some(WAITING))?
        };
        if load(words.ready, other)? == 0 || !self.are_on_one_cpu(number(me), other) {
            return None;
        }
        if word == Call::GateReply as u64 {
            store(words.callers, number(me), WAITING);
            store(words.callees, other, 0);
        } else {
            store(words.callers, other, number(me));
            store(words.callees, number(me), other);
        }
        self.named(other)
    }

    fn named(&self, number: u64) -> Option<Who> {
        let index = number.checked_sub(1)?;
        let id: EnvironmentId = self.core.environments.at(index as usize / MAX_VCPUS)?;
        Some((id, index % MAX_VCPUS as u64))
    }

    fn are_on_one_cpu(&self, one: u64, other: u64) -> bool {
        let cpu = |number| {
            let (id, vcpu) = self.named(number)?;
            self.core.environments.vcpu(id, vcpu as usize).map(|vcpu| vcpu.cpu)
        };
        cpu(one).is_some() && cpu(one) == cpu(other)
    }
}
