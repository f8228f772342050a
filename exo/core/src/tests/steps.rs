//! One step of a sequence, done to both, and what must be true after it.

mod transfer;
mod watch;

use super::fake::FRAMES;
use super::model::{Frame, Id, Owned};
use super::world::World;
use crate::calls::{Effect, dispatch};
use crate::environment::Outcome;
use crate::invariants;
use crate::slices::Slice;
use exo_abi::error::Error;
use exo_abi::info::environment_state;
use std::collections::BTreeMap;
use std::vec::Vec;
pub(crate) use transfer::number;

#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// A call, before which the caller puts words into its memory if it can.
    Call {
        caller: Id,
        vcpu: u64,
        word: u64,
        arguments: [u64; 6],
        memory: Option<(u64, Vec<u64>)>,
    },
    /// A virtual CPU accesses a frame, and leaves this where it writes.
    Touch {
        id: Id,
        vcpu: u64,
        frame: u64,
        rights: u64,
        leaves: u8,
    },
    Time(u64),
    /// The slice that runs on a CPU ends after so many ticks, and the next begins.
    SliceEnd {
        cpu: u64,
        ran: u64,
        /// Whoever had it, if it overran it.
        overrun: Option<Id>,
    },
    Expire,
    /// A CPU lets go of a virtual CPU of a dying environment.
    Gone {
        id: Id,
        vcpu: u64,
    },
    /// The glue puts events into the event page.
    Deliver {
        id: Id,
        vcpu: u64,
    },
    /// The library OS clears what is pending and sets its mask.
    Acknowledge {
        id: Id,
        vcpu: u64,
        mask: u64,
    },
    Kill(Id),
    Type(u8),
    /// A device begins or ceases to reach a frame.
    Pin {
        frame: u64,
        on: bool,
    },
    Halt {
        id: Id,
        vcpu: u64,
        until: u64,
    },
}

/// What sequences have come to.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    /// Which call gave which error, or 0 for success, and how often.
    pub(crate) calls: BTreeMap<(u64, u64), u64>,
    /// What else has happened.
    pub(crate) seen: BTreeMap<&'static str, u64>,
}

impl World<'_> {
    pub(crate) fn step(&mut self, step: &Step, outcomes: &mut Outcomes) {
        let raised = self.raised();
        let states = self.states();
        let frames = self.model.frames.clone();
        self.machine.kicked.clear();
        self.machine.expelled.clear();
        match step {
            Step::Call { caller, vcpu, word, arguments, memory } => {
                if let Some(late) = self.resume(*caller, *vcpu) {
                    *outcomes.calls.entry(late).or_insert(0) += 1;
                }
                let outcome = self.call(*caller, *vcpu, *word, *arguments, memory.as_ref()).0;
                *outcomes.calls.entry((word & 0xffff, outcome)).or_insert(0) += 1;
            }
            Step::Touch { id, vcpu, frame, rights, leaves } => self.touch(*id, *vcpu, *frame, *rights, *leaves),
            Step::Time(ticks) => {
                self.machine.now = self.machine.now.saturating_add(*ticks);
                self.model.now = self.machine.now;
            }
            Step::SliceEnd { cpu, ran, overrun } => self.slice_end(*cpu, *ran, *overrun),
            Step::Expire => {
                self.core.expire_claims(&mut self.machine);
                self.model.expire();
            }
            Step::Gone { id, vcpu } => {
                self.core.vcpu_gone(&mut self.machine, *id, *vcpu as usize);
                self.model.vcpu_gone(*id, *vcpu);
            }
            Step::Deliver { id, vcpu } => self.deliver(*id, *vcpu),
            Step::Acknowledge { id, vcpu, mask } => {
                if let Some(page) = self.machine.event_pages.get_mut(&(id.place(), *vcpu as usize))
                    && let Some(vcpu) = self.model.get_mut(*id).and_then(|one| one.vcpus.get_mut(vcpu))
                {
                    (vcpu.pending, vcpu.mask) = (0, *mask);
                    *page = (0, *mask);
                }
            }
            Step::Kill(id) => {
                let ended = self.core.end(&mut self.machine, *id, Outcome::Killed);
                assert_eq!(ended, self.model.end(*id, Outcome::Killed));
            }
            Step::Type(count) => {
                self.machine.typed.extend(0..*count);
                self.model.typed.extend(0..*count);
                if *count != 0 {
                    self.core.input_came(&mut self.machine);
                    self.model.input_came();
                }
            }
            Step::Pin { frame, on } => self.pin(*frame, *on),
            Step::Halt { id, vcpu, until } => {
                if self.model.runs(*id) {
                    self.core.halt(*id, *vcpu as usize, *until);
                    self.model.halt(*id, *vcpu, *until);
                }
            }
        }
        self.check_kicks(&raised, &states);
        self.check_contents(&frames);
    }

    /// What must be true between any two steps.
    pub(crate) fn check(&mut self, memory: bool) {
        assert_eq!(self.machine.stale(), None, "a CPU has cached what the EPT does not say");
        if let Err(broken) = invariants::check(&self.core, &self.machine) {
            panic!("I{}: {}", broken.number, broken.statement);
        }
        self.compare(memory);
    }

    /// Does a call; returns what rax and rdx are, for a caller that does not run as if it had called nothing.
    pub(crate) fn call(
        &mut self,
        caller: Id,
        vcpu: u64,
        word: u64,
        arguments: [u64; 6],
        memory: Option<&(u64, Vec<u64>)>,
    ) -> (u64, u64) {
        if !self.model.gates.executes((caller, vcpu)) {
            return (Error::UnknownCall.number(), 0);
        }
        if let Some((address, words)) = memory {
            self.put(caller, vcpu, *address, words);
        }
        self.set_message();
        if self.takes_the_shortcut(caller, vcpu, word) {
            return (0, 0);
        }
        let answer = dispatch(&mut self.core, &mut self.machine, (caller, vcpu as usize), word, arguments);
        let show =
            |status| Error::from_number(status).map_or(std::format!("{status}"), |error| std::format!("{error:?}"));
        let expected = self.model.call(caller, vcpu, word, arguments);
        assert_eq!(
            answer.map(|(reply, effect)| (show(reply.status), reply.value, effect)),
            expected.map(|(status, value, effect)| (show(status), value, effect)),
            "the core's answer, and the model's"
        );
        let Some((reply, effect)) = answer else { return (Error::UnknownCall.number(), 0) };
        if let Effect::EndEnvironment { status } = effect {
            let outcome = Outcome::Exited { status };
            assert!(self.core.end(&mut self.machine, caller, outcome) && self.model.end(caller, outcome));
        }
        (reply.status, reply.value)
    }

    /// A library OS writes words into its memory.
    fn put(&mut self, id: Id, vcpu: u64, address: u64, words: &[u64]) {
        for (at, word) in (address..).step_by(8).zip(words) {
            if at / 4096 < FRAMES && self.access(id, vcpu, at / 4096, 2) {
                let at = at as usize;
                self.machine.memory[at..at + 8].copy_from_slice(&word.to_le_bytes());
                self.model.memory[at..at + 8].copy_from_slice(&word.to_le_bytes());
            }
        }
    }

    fn access(&mut self, id: Id, vcpu: u64, frame: u64, rights: u64) -> bool {
        let Some(environment) = self.model.get(id) else { return false };
        let may_run = matches!(environment.state, environment_state::RUNNING | environment_state::DYING);
        let Some(vcpu_here) = environment.vcpus.get(&vcpu).filter(|_| may_run) else { return false };
        let cpu = u32::try_from(vcpu_here.cpu).expect("few CPUs");
        let allowed = self.machine.touch(cpu, id, vcpu as usize, frame, rights);
        let expected = self.model.bindings.get(&(id, frame)).is_some_and(|(held, _)| held & rights == rights);
        assert_eq!(allowed, expected, "{id} reaches frame {frame}");
        allowed
    }

    fn touch(&mut self, id: Id, vcpu: u64, frame: u64, rights: u64, leaves: u8) {
        if frame < FRAMES && self.access(id, vcpu, frame, rights) && rights & 2 != 0 {
            let at = frame as usize * 4096 + usize::from(leaves) * 8;
            self.machine.memory[at] = leaves;
            self.model.memory[at] = leaves;
        }
    }

    fn slice_end(&mut self, cpu: u64, ran: u64, overrun: Option<Id>) {
        let Some(&(position, _)) = self.model.clocks.get(cpu as usize) else { return };
        let owner = self.model.slices.get(&(cpu, position)).map(|slice| slice.owner);
        if let Some(id) = owner {
            self.core.account(id, ran);
            let environment = self.model.of(id);
            environment.ticks = environment.ticks.saturating_add(ran);
        }
        if let Some(owner) = overrun {
            self.core.penalise(cpu as usize, &Slice { position: position as usize, owner, vcpu: 0, runs: (owner, 0) });
            self.model.penalise(cpu, position, owner);
        }
        self.core.expire_claims(&mut self.machine);
        self.model.expire();
        let next = self.core.next_slice(&mut self.machine, cpu as usize);
        let next = next.map(|slice| {
            let runs = (slice.runs.0, slice.runs.1 as u64);
            (slice.position as u64, slice.owner, slice.vcpu as u64, runs)
        });
        assert_eq!(next, self.model.next_slice(cpu));
    }

    fn deliver(&mut self, id: Id, vcpu: u64) {
        let Some(model) = self.model.get_mut(id).and_then(|one| one.vcpus.get_mut(&vcpu)) else { return };
        let taken = self.core.take_events(id, vcpu as usize);
        assert_eq!(taken, core::mem::take(&mut model.raised));
        model.pending |= taken;
        if let Some(page) = self.machine.event_pages.get_mut(&(id.place(), vcpu as usize)) {
            page.0 |= taken;
        }
    }

    fn pin(&mut self, frame: u64, on: bool) {
        const PINNED: u8 = exo_abi::info::frame_flags::PINNED;
        if let Some(Frame::Owned(Owned { pinned, .. })) = self.model.frames.get_mut(frame as usize)
            && let Some(record) = self.core.frames.get_mut(frame)
        {
            *pinned = on;
            record.flags = record.flags & !PINNED | if on { PINNED } else { 0 };
        }
    }
}
