//! Whose turn it is, who waits, and whose time it was.

use crate::environment::{EnvironmentId, Waiting};
use crate::machine::Machine;
use crate::slices::{Slice, Slices, slice_owner};
use crate::state::Core;
use core::sync::atomic::Ordering;
use exo_abi::capability::Name;
use exo_abi::events;
use exo_abi::info::{SLICE_POSITIONS, slice_state};

/// When an idle CPU looks again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Wakeup {
    /// At this TSC, if at any.
    pub at: Option<u64>,
    /// Somebody waits for a predicate, which only looking at it finds true.
    pub poll: bool,
}

impl Core<'_> {
    /// The slice that runs next on a CPU. `None` where nobody can run.
    pub fn next_slice(&mut self, machine: &mut dyn Machine, cpu: usize) -> Option<Slice> {
        // The vectors are apart from what decides who can run.
        let mut slices = core::mem::replace(&mut self.slices, Slices::none());
        let slice = slices.next(cpu, |id, vcpu| self.who_runs(machine, id, vcpu));
        self.slices = slices;
        slice
    }

    /// Whether a virtual CPU neither is stopped nor sleeps. One whose time or predicate has come no longer does.
    pub(crate) fn is_awake(&mut self, machine: &mut dyn Machine, id: EnvironmentId, vcpu: usize) -> bool {
        if !self.environments.is_running(id) {
            return false;
        }
        let Some(state) = self.environments.vcpu(id, vcpu) else { return false };
        if matches!(state.waiting, Waiting::No) {
            return true;
        }
        let over = match state.waiting {
            Waiting::No => true,
            _ if self.has_events(id, vcpu) => true,
            Waiting::Until(until) if machine.now() >= until => {
                if let Some(word) = self.event_word(id, vcpu) {
                    word.fetch_or(events::TIMER, Ordering::Release);
                }
                self.publish_ready((id, vcpu));
                true
            }
            Waiting::Until(_) => false,
            Waiting::Halted(until) => machine.now() >= until,
            Waiting::On(predicate) => predicate.holds(machine, id),
        };
        if over && let Some(state) = self.environments.vcpu_mut(id, vcpu) {
            state.waiting = Waiting::No;
        }
        over
    }

    /// Whether events wait to go into a virtual CPU's event page.
    #[must_use]
    pub fn has_events(&self, id: EnvironmentId, vcpu: usize) -> bool {
        // Acquire: see `take_events`.
        self.event_word(id, vcpu).is_some_and(|word| word.load(Ordering::Acquire) != 0)
    }

    /// When a CPU on which nobody can run looks again, if nobody kicks it before.
    #[must_use]
    pub fn next_wakeup(&self, cpu: usize) -> Wakeup {
        let mut wakeup = Wakeup { at: self.next_deadline(), poll: false };
        let Some(vector) = self.slices.vectors().get(cpu) else { return wakeup };
        for record in vector.slices.iter().filter(|record| record.state == slice_state::OWNED) {
            let Some(owner) = slice_owner(record).filter(|&id| self.environments.is_running(id)) else { continue };
            // The chain below the owner is the unit that waits.
            let (id, vcpu) = self.tip(owner, record.vcpu.into());
            let call = self.call_deadline(id, vcpu);
            if call != u64::MAX {
                wakeup.at = Some(wakeup.at.map_or(call, |at| at.min(call)));
            }
            match self.environments.vcpu(id, vcpu).map(|vcpu| vcpu.waiting) {
                Some(Waiting::Until(until) | Waiting::Halted(until)) if until != u64::MAX => {
                    wakeup.at = Some(wakeup.at.map_or(until, |at| at.min(until)));
                }
                Some(Waiting::On(_)) => wakeup.poll = true,
                _ => {}
            }
        }
        wakeup
    }

    /// A virtual CPU has halted: it sleeps until something happens, or this TSC.
    pub fn halt(&mut self, id: EnvironmentId, vcpu: usize, until: u64) {
        if !self.has_events(id, vcpu)
            && let Some(state) = self.environments.vcpu_mut(id, vcpu)
        {
            state.waiting = Waiting::Halted(until);
        }
    }

    /// An environment has run for so many TSC ticks.
    pub fn account(&mut self, id: EnvironmentId, ticks: u64) {
        if let Some(record) = self.environments.get_mut(id) {
            record.ticks = record.ticks.saturating_add(ticks);
        }
    }

    /// A slice was overrun beyond its grace: its owner loses a later one there. Whoever has got the position meanwhile does not.
    pub fn penalise(&mut self, cpu: usize, slice: &Slice) {
        self.slices.penalise(cpu, slice.position, slice.owner);
    }

    /// Gives an environment of the manifest the lowest free positions of a CPU; `false`, and none, where they do not suffice.
    pub fn boot_slices(
        &mut self,
        machine: &mut dyn Machine,
        id: EnvironmentId,
        vcpu: usize,
        cpu: usize,
        count: u32,
    ) -> bool {
        let guard = self.environments.get(id).map(|record| record.guard).unwrap_or_default();
        let is_free =
            |&position: &usize| self.slices.get(cpu, position).is_some_and(|record| record.state == slice_state::FREE);
        let free = (0..SLICE_POSITIONS).filter(is_free).count();
        let count = usize::try_from(count).unwrap_or(usize::MAX);
        if free < count {
            return false;
        }
        for _ in 0..count {
            let next = (0..SLICE_POSITIONS).find(|&position| {
                self.slices.get(cpu, position).is_some_and(|record| record.state == slice_state::FREE)
            });
            let Some(position) = next else { return false };
            self.give_slice(machine, (cpu, position), id, vcpu, guard);
        }
        true
    }

    /// Lets an environment of the manifest run.
    pub fn boot_start(&mut self, id: EnvironmentId) {
        if let Some(record) = self.environments.get_mut(id) {
            record.state = exo_abi::info::environment_state::RUNNING;
        }
        self.publish_all_ready(id);
    }

    /// Gives a position, which exists, to a virtual CPU.
    pub(crate) fn give_slice(
        &mut self,
        machine: &mut dyn Machine,
        (cpu, position): (usize, usize),
        id: EnvironmentId,
        vcpu: usize,
        guard: Name,
    ) {
        self.uncount_slice(cpu, position);
        self.slices.give(cpu, position, id, vcpu, guard);
        if let Some(record) = self.environments.get_mut(id) {
            record.slices += 1;
        }
        machine.kick(u32::try_from(cpu).unwrap_or(u32::MAX), id.place());
    }

    /// A slice comes back from its owner: to whoever has claimed it, else to nobody. Says whether it answered a request.
    pub(crate) fn give_slice_back(&mut self, machine: &mut dyn Machine, cpu: usize, position: usize) -> bool {
        let Some(from) = self.slices.get(cpu, position).and_then(slice_owner) else { return false };
        if self.claimed_slice(from) != Some((cpu, position)) {
            self.uncount_slice(cpu, position);
            self.slices.free(cpu, position, None);
            return false;
        }
        let claim = self.environments.private_mut(from).and_then(|private| private.request.as_mut());
        let Some(claim) = claim else { return false };
        claim.left = 0;
        let claimant = claim.claimant;
        self.promise_slice(machine, (cpu, position), claimant);
        self.note_given(machine, from, 1);
        true
    }

    /// Takes a slice from its owner for a claimant.
    pub(crate) fn promise_slice(
        &mut self,
        machine: &mut dyn Machine,
        (cpu, position): (usize, usize),
        claimant: EnvironmentId,
    ) {
        self.uncount_slice(cpu, position);
        self.slices.free(cpu, position, Some(claimant));
        machine.kick(u32::try_from(cpu).unwrap_or(u32::MAX), claimant.place());
    }

    /// The owner of a position, if it has one, has a slice less.
    fn uncount_slice(&mut self, cpu: usize, position: usize) {
        let owned = self.slices.get(cpu, position).filter(|record| record.state == slice_state::OWNED);
        if let Some(record) = owned.and_then(slice_owner).and_then(|id| self.environments.get_mut(id)) {
            record.slices -= 1;
        }
    }
}
