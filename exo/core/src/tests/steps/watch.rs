//! What is watched from one step to the next.

use crate::tests::fake::FRAMES;
use crate::tests::model::{Environment, Frame, Id, Owned};
use crate::tests::world::World;
use core::sync::atomic::Ordering;
use exo_abi::info::environment_state;
use std::vec::Vec;

/// A virtual CPU, its CPU, and its events that are not yet delivered.
type Raised = (Id, usize, u32, u64);
/// An environment, its state, and the CPUs of its virtual CPUs.
type State = (Id, u32, Vec<u64>);

impl World<'_> {
    pub(super) fn raised(&self) -> Vec<Raised> {
        let vcpus = self.model.environments.values().flat_map(|one| one.vcpus.iter().map(|vcpu| (one.id, vcpu)));
        vcpus
            .filter_map(|(id, (&at, vcpu))| {
                let word = self.core.event_word(id, at as usize)?;
                Some((id, at as usize, u32::try_from(vcpu.cpu).ok()?, word.load(Ordering::Relaxed)))
            })
            .collect()
    }

    pub(super) fn states(&self) -> Vec<State> {
        let cpus = |one: &Environment| one.vcpus.values().map(|vcpu| vcpu.cpu).collect();
        self.model.environments.values().map(|one| (one.id, one.state, cpus(one))).collect()
    }

    /// A CPU whose virtual CPU has new events is kicked, and so is every CPU of an environment that begins to end; one that is stopped
    /// is expelled at once.
    pub(super) fn check_kicks(&self, raised: &[Raised], states: &[State]) {
        for (id, vcpu, cpu, before) in raised {
            let after = self.core.event_word(*id, *vcpu).map_or(0, |word| word.load(Ordering::Relaxed));
            let there = self.model.get(*id).is_some_and(|one| one.vcpus.contains_key(&(*vcpu as u64)));
            let new = after & !before & !exo_abi::events::TIMER;
            assert!(!there || new == 0 || self.machine.kicked.contains(cpu), "nobody looks at the events of {id}");
        }
        for (id, before, cpus) in states {
            let now = self.model.get(*id).map_or(environment_state::EMPTY, |one| one.state);
            if now == environment_state::DYING && *before != now {
                assert!(cpus.iter().all(|cpu| self.machine.kicked.contains(&(*cpu as u32))), "{id} ends and runs on");
            }
            if now == environment_state::STOPPED && *before == environment_state::RUNNING {
                assert!(self.machine.expelled.contains(&id.place()), "{id} stops and runs on");
            }
        }
    }

    /// A frame that has a new owner holds only zeros, unless the owner itself left it.
    pub(super) fn check_contents(&mut self, before: &[Frame]) {
        for frame in 0..FRAMES {
            let Frame::Owned(Owned { by, .. }) = self.model.frame(frame) else { continue };
            let (by, before) = (*by, &before[frame as usize]);
            let same = matches!(before, Frame::Owned(owned) if owned.by == by) || *before == Frame::Free(Some(by));
            assert!(same || self.machine.frame(frame).iter().all(|&byte| byte == 0), "frame {frame} has old contents");
        }
    }
}
