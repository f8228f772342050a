//! Environments from their making to their end.

use super::capabilities::MODIFY;
use super::{Answer, Environment, Frame, Id, Model, Page, Vcpu, Wait, done, fails, time};
use crate::calls::Effect;
use crate::environment::Outcome;
use crate::tests::fake::{OPEN_COST, cost, event_page_address};
use exo_abi::environment_page::{phase, reason};
use exo_abi::error::Error;
use exo_abi::events;
use exo_abi::info::{environment_outcome, environment_state};
use std::collections::BTreeMap;
use std::vec::Vec;

impl Model {
    /// The name that the next environment gets.
    fn next_name(&self) -> Option<Id> {
        let index = (0..self.places).find(|index| !self.environments.contains_key(index))?;
        Some(Id { index, generation: self.generations.get(&index).unwrap_or(&0) + 1 })
    }

    pub(crate) fn add(&mut self, parent: Option<Id>, guard: &[u8]) -> Option<Id> {
        let id = self.next_name()?;
        let environment = Environment {
            id,
            state: environment_state::STOPPED,
            outcome: environment_outcome::NONE,
            status: 0,
            parent,
            guard: guard.to_vec(),
            guarantee: 0,
            ticks: 0,
            name: Vec::new(),
            slots: BTreeMap::new(),
            vcpus: BTreeMap::new(),
            input: false,
            page: Page::default(),
        };
        self.generations.insert(id.index, id.generation);
        self.environments.insert(id.index, environment);
        Some(id)
    }

    pub(super) fn create(&mut self, me: Id, name: &[u8], physical: u64, length: u64) -> Answer {
        let runs = self.list(me, physical, length, 4096)?;
        self.metadata(me, name, &runs)?;
        if self.next_name().is_none() {
            return fails(Error::TableFull);
        }
        if runs.iter().map(|run| run.1).sum::<u64>() < OPEN_COST {
            return fails(Error::ReserveEmpty);
        }
        let id = self.add(Some(me), name).expect("there is a name");
        self.make_metadata(&runs, id);
        done(id.to_argument())
    }

    pub(super) fn start(&mut self, me: Id, credential: u64, argument: u64) -> Answer {
        let id = self.named_under(me, credential, argument, MODIFY)?;
        if self.runs(id) {
            return fails(Error::WrongState);
        }
        self.of(id).state = environment_state::RUNNING;
        done(0)
    }

    pub(super) fn stop(&mut self, me: Id, credential: u64, argument: u64) -> Answer {
        let id = self.named_under(me, credential, argument, MODIFY)?;
        if !self.runs(id) {
            return fails(Error::WrongState);
        }
        self.of(id).state = environment_state::STOPPED;
        Ok((0, Effect::Reschedule))
    }

    pub(super) fn destroy(&mut self, me: Id, credential: u64, argument: u64) -> Answer {
        let id = self.named_under(me, credential, argument, MODIFY)?;
        self.end(id, Outcome::Destroyed);
        Ok((0, Effect::Reschedule))
    }

    pub(super) fn forget_call(&mut self, me: Id, credential: u64, argument: u64) -> Answer {
        let id = if argument == 0 { me } else { Id::from_argument(argument) };
        let Some(state) = self.get(id).map(|environment| environment.state) else {
            return fails(Error::NoSuchEnvironment);
        };
        self.over(me, credential, id, MODIFY)?;
        if state != environment_state::ENDED {
            return fails(Error::WrongState);
        }
        self.environments.remove(&id.index);
        done(0)
    }

    pub(super) fn guarantee_move(&mut self, me: Id, credential: u64, [argument, count, way]: [u64; 3]) -> Answer {
        let id = self.named_under(me, credential, argument, MODIFY)?;
        let (from, to) = match way {
            0 => (me, id),
            1 => (id, me),
            _ => return Err((Error::BadArgument, way)),
        };
        let available = self.guarantee(from) - self.guaranteed_set(from);
        if count > available {
            return Err((Error::GuaranteeExceeded, available));
        }
        self.of(from).guarantee -= count;
        self.of(to).guarantee += count;
        done(self.guarantee(id))
    }

    pub(super) fn vcpu_create(&mut self, me: Id, credential: u64, arguments: [u64; 5]) -> Answer {
        let [argument, cpu, instruction, stack, table] = arguments;
        let id = self.named_under(me, credential, argument, MODIFY)?;
        if cpu >= self.clocks.len() as u64 {
            return Err((Error::NoSuchCpu, cpu));
        }
        if !time::is_canonical(instruction) || !time::is_canonical(stack) {
            return fails(Error::BadArgument);
        }
        if table % 4096 != 0 || table / 4096 >= self.frames.len() as u64 {
            return Err((Error::BadArgument, table));
        }
        let count = self.of(id).vcpus.len() as u64;
        if count == 8 {
            return fails(Error::TooManyVcpus);
        }
        let bound: Vec<u64> = self.bindings.keys().filter(|key| key.0 == id).map(|key| key.1).collect();
        if cost(count + 1, bound.iter()) > self.reserve_of(id) {
            return fails(Error::ReserveEmpty);
        }
        self.add_vcpu(id, cpu);
        done(event_page_address(id.place(), count as usize))
    }

    pub(crate) fn add_vcpu(&mut self, id: Id, cpu: u64) {
        let number = self.of(id).vcpus.len() as u64;
        let vcpu = Vcpu { cpu, wait: Wait::No, raised: 0, pending: 0, mask: 0 };
        self.of(id).vcpus.insert(number, vcpu);
    }

    /// An environment ends, and with it all that it has made.
    pub(crate) fn end(&mut self, id: Id, outcome: Outcome) -> bool {
        if !self.lives(id) {
            return false;
        }
        self.begin_end(id, outcome);
        while let Some(orphan) = self.everybody().into_iter().find(|&id| self.lives(id) && self.is_orphan(id)) {
            self.begin_end(orphan, Outcome::Destroyed);
        }
        self.everybody().into_iter().for_each(|id| self.finish_end(id));
        // Nobody is left to ask what became of the children of the dead.
        for id in self.everybody() {
            if self.of(id).state == environment_state::ENDED && self.is_orphan(id) {
                self.environments.remove(&id.index);
                self.saw("an orphan is forgotten");
            }
        }
        true
    }

    pub(crate) fn everybody(&self) -> Vec<Id> {
        self.environments.values().map(|environment| environment.id).collect()
    }

    fn is_orphan(&self, id: Id) -> bool {
        self.get(id).and_then(|environment| environment.parent).is_some_and(|parent| !self.lives(parent))
    }

    fn begin_end(&mut self, id: Id, outcome: Outcome) {
        while let Some(at) = self.claims.iter().position(|claim| claim.victim == id) {
            self.end_claim(at, phase::CANCELLED);
        }
        while let Some(at) = self.claims.iter().position(|claim| claim.claimant == id) {
            self.end_claim(at, phase::CANCELLED);
        }
        let environment = self.of(id);
        environment.state = environment_state::DYING;
        (environment.outcome, environment.status) = match outcome {
            Outcome::Exited { status } => (environment_outcome::EXITED, status),
            Outcome::Killed => (environment_outcome::KILLED, 0),
            Outcome::Destroyed => (environment_outcome::DESTROYED, 0),
        };
        environment.slots.clear();
        environment.input = false;
        let its: Vec<_> = self.slices.iter().filter(|(_, slice)| slice.owner == id).map(|(at, _)| *at).collect();
        for at in its {
            self.slices.remove(&at);
            self.penalties.remove(&at);
        }
        // What is guaranteed goes to the nearest ancestor that lives.
        let guarantee = core::mem::take(&mut self.of(id).guarantee);
        let mut heir = self.of(id).parent;
        while let Some(dead) = heir.filter(|&heir| !self.lives(heir)) {
            heir = self.get(dead).and_then(|environment| environment.parent);
        }
        if guarantee != 0 && heir != self.of(id).parent {
            self.saw("a guarantee passes a dead parent");
        }
        if let Some(heir) = heir {
            self.of(heir).guarantee += guarantee;
        }
    }

    /// A CPU has let go of a virtual CPU of somebody who ends.
    pub(crate) fn vcpu_gone(&mut self, id: Id, vcpu: u64) {
        let dying = self.get_mut(id).filter(|environment| environment.state == environment_state::DYING);
        if dying.is_some_and(|environment| environment.vcpus.remove(&vcpu).is_some()) {
            self.finish_end(id);
        }
    }

    fn finish_end(&mut self, id: Id) {
        if self.of(id).state != environment_state::DYING || !self.of(id).vcpus.is_empty() {
            return;
        }
        self.bindings.retain(|(bound_in, _), _| *bound_in != id);
        let mine: Vec<u64> = (0..self.frames.len() as u64).filter(|&frame| self.owned(frame, id).is_some()).collect();
        for run in mine.chunk_by(|a, b| a + 1 == *b) {
            self.unbind_from_others(run, id);
        }
        if self.promised_to(id) != 0 {
            self.saw("somebody dies to whom frames are promised");
        }
        if mine.len() > 8 {
            self.saw("somebody dies with many frames");
        }
        for frame in &mut self.frames {
            let its = match frame {
                Frame::Owned(owned) => owned.by == id,
                Frame::Kernel(of) | Frame::Free(of) => *of == Some(id),
                Frame::Promised(to) => *to == id,
                Frame::Unusable => false,
            };
            if its {
                *frame = Frame::Free(None);
            }
        }
        let environment = self.of(id);
        environment.state = environment_state::ENDED;
        let parent = environment.parent;
        match parent {
            Some(parent) if self.lives(parent) => self.raise_all(parent, events::CHILD_EXIT),
            Some(_) => {
                self.environments.remove(&id.index);
            }
            None => {}
        }
    }

    /// Ends all bindings of a run of frames but their owner's.
    pub(super) fn unbind_from_others(&mut self, run: &[u64], owner: Id) {
        for other in self.everybody().into_iter().filter(|&other| other != owner) {
            let bound: Vec<u64> =
                run.iter().copied().filter(|&frame| self.bindings.remove(&(other, frame)).is_some()).collect();
            for part in bound.chunk_by(|a, b| a + 1 == *b) {
                self.repossess(other, reason::OWNER, part[0], part.len() as u64);
                if !self.lives(owner) {
                    self.saw("the dead are bound elsewhere");
                }
            }
        }
    }
}
