//! The end of an environment, in two steps: it loses everything by which it could act at once; what it had is free when the last
//! CPU has let go of its virtual CPUs.

use crate::environment::{EnvironmentId, Outcome, is_live};
use crate::frames::{is_owned_by, owner};
use crate::machine::Machine;
use crate::state::Core;
use core::sync::atomic::Ordering;
use exo_abi::boot_page::FrameRun;
use exo_abi::events;
use exo_abi::info::{EnvironmentRecord, MAX_ENVIRONMENTS, MAX_VCPUS, environment_state, frame_flags, frame_state};

fn parent(record: &EnvironmentRecord) -> EnvironmentId {
    EnvironmentId { index: record.parent_index, generation: record.parent_generation }
}

impl Core<'_> {
    /// Ends a live environment and all that it has made. Each CPU that has virtual CPUs of it lets go of them, and says so with
    /// [`vcpu_gone`](Self::vcpu_gone). `false` where `id` names no live environment.
    pub fn end(&mut self, machine: &mut dyn Machine, id: EnvironmentId, outcome: Outcome) -> bool {
        if !self.begin_end(machine, id, outcome) {
            return false;
        }
        // Descendants, however deep: each round ends those whose parent has begun to end.
        loop {
            let orphan = |&place: &usize| {
                let Some(id) = self.environments.at(place).filter(|&id| self.environments.is_live(id)) else {
                    return false;
                };
                let Some(record) = self.environments.get(id) else { return false };
                self.is_orphan(record)
            };
            let Some(child) = (0..MAX_ENVIRONMENTS).find(orphan).and_then(|place| self.environments.at(place)) else {
                break;
            };
            self.begin_end(machine, child, Outcome::Destroyed);
        }
        for place in 0..MAX_ENVIRONMENTS {
            if let Some(id) = self.environments.at(place) {
                self.finish_end(machine, id);
            }
        }
        // Those that had ended before and that nobody is left to forget would keep their places for ever.
        for place in 0..MAX_ENVIRONMENTS {
            let id = self.environments.at(place);
            if let Some(id) = id.filter(|&id| self.environments.get(id).is_some_and(|record| self.is_orphan(record))) {
                self.environments.forget(id);
            }
        }
        true
    }

    fn is_orphan(&self, record: &EnvironmentRecord) -> bool {
        let parent = parent(record);
        parent.generation != 0 && !self.environments.is_live(parent)
    }

    /// A CPU has let go of a virtual CPU of an environment that ends. With the last one, everything that it had is free.
    pub fn vcpu_gone(&mut self, machine: &mut dyn Machine, id: EnvironmentId, vcpu: usize) {
        // Saying so twice, or of somebody who lives, must not make another virtual CPU's memory free.
        if self.environments.get(id).is_none_or(|record| record.state != environment_state::DYING) {
            return;
        }
        let place = self.environments.private_mut(id).and_then(|private| private.vcpus.get_mut(vcpu));
        if place.and_then(Option::take).is_none() {
            return;
        }
        if let Some(record) = self.environments.get_mut(id) {
            record.vcpus -= 1;
        }
        self.leave_chain(machine, (id, vcpu));
        self.finish_end(machine, id);
    }

    fn begin_end(&mut self, machine: &mut dyn Machine, id: EnvironmentId, outcome: Outcome) -> bool {
        if !self.environments.is_live(id) {
            return false;
        }
        self.cancel_claims(machine, id);
        self.environments.begin_end(id, outcome);
        self.pass_guarantee_on(id);
        self.slices.remove_all(id);
        self.publish_all_ready(id);
        self.end_unjustified_gates(machine, id);
        self.end_bindings_of_gates(machine, |(callee, _)| callee == id);
        if let Some(record) = self.environments.get_mut(id) {
            record.slices = 0;
        }
        self.kick_all(machine, id);
        true
    }

    /// Has every CPU with a virtual CPU of this environment look at its state.
    pub(crate) fn kick_all(&mut self, machine: &mut dyn Machine, id: EnvironmentId) {
        let vcpus = self.environments.private(id).map(|private| private.vcpus).unwrap_or_default();
        for vcpu in vcpus.into_iter().flatten() {
            machine.kick(vcpu.cpu, id.place());
        }
    }

    fn finish_end(&mut self, machine: &mut dyn Machine, id: EnvironmentId) {
        let ready = |record: &EnvironmentRecord| record.state == environment_state::DYING && record.vcpus == 0;
        if !self.environments.get(id).is_some_and(ready) {
            return;
        }
        self.take_bindings(machine, id);
        machine.flush();
        self.free_frames(id);
        if let Some(&record) = self.environments.get(id) {
            machine.close(id.place(), &record);
        }
        for vcpu in 0..MAX_VCPUS {
            if let Some(word) = self.event_word(id, vcpu) {
                word.store(0, Ordering::Relaxed); // only this lock's holders and the CPUs that have let go use it
            }
        }
        let Some(record) = self.environments.get_mut(id) else { return };
        (record.state, record.frames, record.promised, record.reserve) = (environment_state::ENDED, 0, 0, 0);
        let parent = parent(record);
        if self.environments.is_live(parent) {
            self.raise_environment(machine, parent, events::CHILD_EXIT);
        } else if parent.generation != 0 {
            // Nobody is left who could ask; the kernel's own children are kept for the report.
            self.environments.forget(id);
        }
    }

    /// What is guaranteed to an environment that begins to end, and what was paid for its reserve, goes to its nearest ancestor that
    /// lives. That chain is whole: whoever has ended took all that it had made with it. What the kernel gave is nobody's again.
    fn pass_guarantee_on(&mut self, id: EnvironmentId) {
        let Some(record) = self.environments.get_mut(id) else { return };
        let guarantee = core::mem::take(&mut record.guarantee);
        let reserve = record.reserve;
        let mut heir = parent(record);
        while let Some(record) = self.environments.get_mut(heir) {
            if is_live(record) {
                record.guarantee += guarantee + reserve;
                self.system.frames_guaranteed += reserve;
                return;
            }
            heir = parent(record);
        }
        self.system.frames_guaranteed -= guarantee;
    }

    /// Ends all bindings of this environment, and all bindings of its frames anywhere.
    fn take_bindings(&mut self, machine: &mut dyn Machine, id: EnvironmentId) {
        let mut from = 0;
        while let Some((run, _)) = machine.next_binding(id.place(), from) {
            from = run.first + run.count;
            self.unbind(machine, id, run);
        }
        let mut frame = 0;
        while frame < self.frames.frame_count() {
            let first = frame;
            while let Some(record) = self.frames.get_mut(frame).filter(|record| is_owned_by(record, id)) {
                record.state = frame_state::QUARANTINED;
                frame += 1;
            }
            self.unbind_from_others(machine, FrameRun { first, count: frame - first }, id);
            frame += 1;
        }
    }

    /// Frees what this environment owned, its reserve, and what was promised to it.
    fn free_frames(&mut self, id: EnvironmentId) {
        for (_, record) in self.frames.iter_mut() {
            if owner(record) != Some(id) {
                continue;
            }
            match record.state {
                frame_state::QUARANTINED | frame_state::KERNEL | frame_state::PROMISED | frame_state::FREE => {
                    *record = exo_abi::info::FrameRecord {
                        state: frame_state::FREE,
                        flags: frame_flags::DIRTY,
                        ..exo_abi::info::FrameRecord::default()
                    };
                }
                _ => {}
            }
        }
    }

    /// A frame of an environment goes, and with it its place in the guaranteed set, if it has one.
    pub(crate) fn leave_guaranteed_set(&mut self, frame: u64, id: EnvironmentId) {
        let Some(record) = self.frames.get_mut(frame) else { return };
        if record.flags & frame_flags::GUARANTEED != 0
            && let Some(private) = self.environments.private_mut(id)
        {
            record.flags &= !frame_flags::GUARANTEED;
            private.guaranteed -= 1;
        }
    }

    /// How many frames an environment has in its guaranteed set.
    pub(crate) fn guaranteed_set(&self, id: EnvironmentId) -> u64 {
        self.environments.private(id).map_or(0, |private| private.guaranteed)
    }
}
