//! Environments but for their end.

use super::capabilities::MODIFY;
use super::{Answer, Environment, Id, Model, Page, Vcpu, Wait, done, fails, time};
use crate::calls::Effect;
use crate::environment::Outcome;
use crate::tests::fake::{OPEN_COST, cost, event_page_address};
use exo_abi::error::Error;
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
            told_of_input: false,
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
        self.make_metadata(me, &runs, id);
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

    /// What an environment's guarantee has beyond what is marked, promised, or claimed on the strength of it.
    pub(super) fn can_part_with(&self, id: Id) -> u64 {
        let claims = self.claims.iter().filter(|claim| claim.claimant == id && claim.entitled);
        let asked: u64 = claims.map(|claim| claim.left).sum();
        self.guarantee(id).saturating_sub(self.guaranteed_set(id) + self.promised_to(id) + asked)
    }

    pub(super) fn guarantee_move(&mut self, me: Id, credential: u64, [argument, count, way]: [u64; 3]) -> Answer {
        let id = self.named_under(me, credential, argument, MODIFY)?;
        let (from, to) = match way {
            0 => (me, id),
            1 => (id, me),
            _ => return Err((Error::BadArgument, way)),
        };
        let available = self.can_part_with(from);
        if count > available {
            return Err((Error::GuaranteeExceeded, available));
        }
        if from != to && self.claims.iter().any(|claim| claim.victim == to && !claim.dominated) {
            return fails(Error::ClaimPending);
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
}
