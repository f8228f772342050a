//! Taking by force what was asked for and not given in time. It never needs memory: each table that a split takes is in reserve.

use super::{Claim, Wanted};
use crate::environment::EnvironmentId;
use crate::frames::{is_owned_by, owner, promise};
use crate::machine::Machine;
use crate::state::Core;
use exo_abi::boot_page::FrameRun;
use exo_abi::environment_page::{Repossession, kind, phase, reason};
use exo_abi::info::{FrameRecord, MAX_ENVIRONMENTS, frame_flags, frame_state};

impl Core<'_> {
    /// Takes by force whatever is overdue. The glue calls this at the end of each slice and on an idle CPU's tick.
    pub fn expire_claims(&mut self, machine: &mut dyn Machine) {
        if self.claims == 0 {
            return;
        }
        let (now, mut unseen) = (machine.now(), self.claims);
        for place in 0..MAX_ENVIRONMENTS {
            if unseen == 0 {
                return;
            }
            let Some(victim) = self.environments.at(place) else { continue };
            let Some(claim) = self.environments.private(victim).and_then(|private| private.request) else { continue };
            unseen -= 1;
            let ran = self.environments.get(victim).map_or(0, |record| record.ticks);
            if now >= claim.deadline || ran >= claim.run_until {
                self.force(machine, victim, claim);
            }
        }
    }

    /// The TSC at which the next claim is overdue in any case.
    #[must_use]
    pub fn next_deadline(&self) -> Option<u64> {
        if self.claims == 0 {
            return None;
        }
        let claims = self.environments.iter().filter_map(|(id, _)| self.environments.private(id)?.request);
        claims.map(|claim| claim.deadline).min()
    }

    fn force(&mut self, machine: &mut dyn Machine, victim: EnvironmentId, mut claim: Claim) {
        let before = machine.now();
        let taken = match claim.wanted {
            Wanted::Slice { cpu, position } => self.force_slice(machine, victim, &claim, cpu, position),
            Wanted::Run { first, end } => self.force_frames(machine, victim, &claim, first..end),
            Wanted::Frames => self.force_frames(machine, victim, &claim, 0..self.frames.frame_count()),
        };
        claim.left = claim.left.saturating_sub(taken);
        let counters = &mut self.system.revocation;
        counters.forced += 1;
        counters.taken += taken;
        counters.deadline_ticks += before.saturating_sub(claim.begun);
        counters.force_ticks += machine.now().saturating_sub(before);
        self.end_claim(machine, victim, &claim, phase::FORCED);
    }

    /// Takes frames of the victim's within a range, as many as are left to give: unbound everywhere, flushed once, promised.
    fn force_frames(
        &mut self,
        machine: &mut dyn Machine,
        victim: EnvironmentId,
        claim: &Claim,
        range: core::ops::Range<u64>,
    ) -> u64 {
        let spared =
            if claim.basis.dominated { frame_flags::PINNED } else { frame_flags::PINNED | frame_flags::GUARANTEED };
        let takeable = |record: &FrameRecord| is_owned_by(record, victim) && record.flags & spared == 0;
        let excess = self.environments.get(victim).map_or(0, |record| record.frames.saturating_sub(record.guarantee));
        // An heir's guarantee grows while it is asked.
        let wanted = if claim.basis.dominated { claim.left } else { claim.left.min(excess) };
        let (mut next, mut taken, mut last) = (range.start, 0, range.start);
        while taken < wanted && next < range.end {
            let Some(record) = self.frames.get(next) else { break };
            if !takeable(record) {
                next += 1;
                continue;
            }
            let most = range.end.min(next + (wanted - taken));
            let run = (next..most).take_while(|&frame| self.frames.get(frame).is_some_and(takeable)).count() as u64;
            self.quarantine(machine, victim, FrameRun { first: next, count: run });
            (taken, next) = (taken + run, next + run);
            last = next;
        }
        machine.flush();
        let touched = FrameRun { first: range.start, count: last - range.start };
        for record in self.frames.run_mut(touched) {
            if record.state == frame_state::QUARANTINED && owner(record) == Some(victim) {
                promise(record, claim.claimant);
            }
        }
        if let Some(record) = self.environments.get_mut(victim) {
            record.frames -= taken;
        }
        if let Some(record) = self.environments.get_mut(claim.claimant) {
            record.promised += taken;
        }
        taken
    }

    /// Takes a run out of every EPT and tells its owner, and whoever had it bound.
    fn quarantine(&mut self, machine: &mut dyn Machine, victim: EnvironmentId, run: FrameRun) {
        for frame in run.first..run.first + run.count {
            let Some(record) = self.frames.get_mut(frame) else { continue };
            record.state = frame_state::QUARANTINED;
            self.leave_guaranteed_set(frame, victim);
        }
        self.unbind_from_others(machine, run, victim);
        self.unbind_where_bound(machine, victim, run, None);
        self.repossess(machine, victim, run, reason::FORCED);
    }

    fn force_slice(
        &mut self,
        machine: &mut dyn Machine,
        victim: EnvironmentId,
        claim: &Claim,
        cpu: usize,
        position: usize,
    ) -> u64 {
        self.promise_slice(machine, (cpu, position), claim.claimant);
        let entry =
            Repossession { kind: kind::SLICE, reason: reason::FORCED, first: cpu as u64, count: position as u64 };
        self.enter_repossession(machine, victim, entry);
        1
    }
}
