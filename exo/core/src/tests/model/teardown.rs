//! The end of environments.

use super::{Frame, Id, Model};
use crate::environment::Outcome;
use exo_abi::environment_page::{phase, reason};
use exo_abi::events;
use exo_abi::info::{environment_outcome, environment_state};
use std::vec::Vec;

impl Model {
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
        (environment.input, environment.told_of_input) = (false, false);
        self.end_gates_of(id);
        let its: Vec<_> = self.slices.iter().filter(|(_, slice)| slice.owner == id).map(|(at, _)| *at).collect();
        for at in its {
            self.slices.remove(&at);
            self.penalties.remove(&at);
        }
        // What is guaranteed, and what its reserve has cost, goes to the nearest ancestor that lives.
        let guarantee = core::mem::take(&mut self.of(id).guarantee) + self.reserve_of(id);
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
            self.leave_chain((id, vcpu));
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
