//! Frames that come back from their owner, by its own call.

use crate::calls::{At, Failure};
use crate::capability::Capability;
use crate::claims::Wanted;
use crate::environment::EnvironmentId;
use crate::frames::{Differences, free, is_owned_by, owned, promised};
use crate::state::Core;
use core::ops::Range;
use exo_abi::boot_page::FrameRun;
use exo_abi::error::Error;
use exo_abi::info::{FrameRecord, frame_flags, frame_state};

impl Core<'_> {
    /// Checks that a run is an environment's, under a capability, and that nobody and no device can reach it.
    pub(crate) fn check_unbound(
        &self,
        run: FrameRun,
        id: EnvironmentId,
        capability: &Capability,
    ) -> Result<(), Failure> {
        let records = self.frames.run(run);
        let Some(guard) = records.first().map(|record| record.guard) else { return Ok(()) };
        // Most runs have one guard, which is then looked at once.
        let differences = Differences::of(records, &owned(id, guard));
        if !differences.in_all_but_flags_or(frame_flags::PINNED) && capability.name.dominates(&guard) {
            return Ok(());
        }
        for (frame, record) in (run.first..).zip(records) {
            check_own(frame, record, id)?;
            if !capability.name.dominates(&record.guard) {
                return Err(Error::Underprivileged.at(frame));
            }
            if record.binders != 0 {
                return Err(Error::FrameBound.at(frame));
            }
            if record.flags & frame_flags::PINNED != 0 {
                return Err(Error::FramePinned.at(frame));
            }
        }
        Ok(())
    }

    /// A checked run becomes metadata of an environment. Its owner pays with as much of its guarantee: what nobody can claim back is
    /// within what was granted to somebody, or taking it would take from what others are guaranteed.
    pub(crate) fn make_metadata(&mut self, run: FrameRun, payer: EnvironmentId, id: EnvironmentId) {
        for frame in run.first..run.first + run.count {
            self.leave_guaranteed_set(frame, payer);
        }
        self.frames.charge(run, id);
        if let Some(record) = self.environments.get_mut(payer) {
            record.frames -= run.count;
            record.guarantee -= run.count;
        }
        self.system.frames_guaranteed -= run.count;
        if let Some(record) = self.environments.get_mut(id) {
            record.reserve += run.count;
        }
    }

    /// What of its guarantee an environment can part with. What it has marked as its guaranteed set stays within the rest, and so does
    /// what is or will be promised to it: nobody can claim that, and with the guarantee another could be promised as much again.
    pub(crate) fn available_guarantee(&self, id: EnvironmentId) -> u64 {
        let (guarantee, promised) =
            self.environments.get(id).map_or((0, 0), |record| (record.guarantee, record.promised));
        let victim = self.environments.private(id).and_then(|private| private.claims_from);
        let claim = victim.and_then(|victim| self.environments.private(victim)?.request);
        let asked = claim.filter(|claim| claim.basis.entitled).map_or(0, |claim| claim.left);
        guarantee.saturating_sub(self.guaranteed_set(id) + promised + asked)
    }

    /// A run comes back from its owner: to whoever has claimed it, else to nobody. Says how many frames answered a request.
    pub(crate) fn give_back(&mut self, run: FrameRun, from: EnvironmentId) -> u64 {
        let (answering, claimant) = self.take_from_claim(run, from);
        let is_guaranteed = |record: &FrameRecord| u64::from(record.flags & frame_flags::GUARANTEED != 0);
        let guaranteed = match self.guaranteed_set(from) {
            0 => 0,
            _ => self.frames.run(run).iter().map(is_guaranteed).sum(),
        };
        let answered = answering.end - answering.start;
        for rest in [run.first..answering.start, answering.end..run.first + run.count] {
            self.frames.range_mut(rest).iter_mut().for_each(free);
        }
        self.frames.range_mut(answering).fill(promised(claimant));
        if let Some(private) = self.environments.private_mut(from) {
            private.guaranteed -= guaranteed;
        }
        if let Some(record) = self.environments.get_mut(from) {
            record.frames -= run.count;
        }
        if let Some(record) = self.environments.get_mut(claimant) {
            record.promised += answered;
        }
        answered
    }

    /// Which frames of a run answer what is claimed from their owner, and to whom they go. Where none do, the range
    /// is empty and at the beginning of the run.
    fn take_from_claim(&mut self, run: FrameRun, from: EnvironmentId) -> (Range<u64>, EnvironmentId) {
        let none = run.first..run.first;
        let claim = self.environments.private_mut(from).and_then(|private| private.request.as_mut());
        let Some(claim) = claim else { return (none, EnvironmentId::default()) };
        let end = run.first + run.count;
        let answering = match claim.wanted {
            Wanted::Run { first: wanted, end: wanted_end } => {
                let first = run.first.max(wanted);
                // A frame that was given, and came back to its old owner, answers no second time.
                first..end.min(wanted_end).min(first.saturating_add(claim.left)).max(first)
            }
            Wanted::Frames => run.first..run.first + run.count.min(claim.left),
            Wanted::Slice { .. } => none.clone(),
        };
        if answering.is_empty() {
            return (none, claim.claimant);
        }
        claim.left = claim.left.saturating_sub(answering.end - answering.start);
        (answering, claim.claimant)
    }
}

/// Checks that a frame is this environment's.
pub(crate) fn check_own(frame: u64, record: &FrameRecord, id: EnvironmentId) -> Result<(), Failure> {
    match record.state {
        frame_state::UNUSABLE | frame_state::KERNEL => Err(Error::NoSuchFrame.at(frame)),
        _ if is_owned_by(record, id) => Ok(()),
        _ => Err(Error::FrameForeign.at(frame)),
    }
}
