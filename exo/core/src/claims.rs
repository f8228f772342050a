//! Visible revocation, then abort: who may claim what, the request, the answer, and force when the deadline has passed.
//!
//! The kernel never chooses whom to take from: the claimant names the victim, and the victim names what it gives. Only where
//! it does not answer does a fixed rule decide: ascending frame numbers outside of its guaranteed set.

mod end;
mod force;

use crate::calls::{At, Failure};
use crate::environment::EnvironmentId;
use crate::frames::is_owned_by;
use crate::machine::Machine;
use crate::state::Core;
use exo_abi::environment_page::{ANY, Request, kind, phase};
use exo_abi::error::Error;
use exo_abi::events;
use exo_abi::info::frame_flags;

/// Slices that the victim may run before force comes.
const SLICES_TO_RUN: u64 = 4;
/// Slices of wall-clock time after which force comes in any case.
const SLICES_TO_WAIT: u64 = 64;

/// What is claimed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// These frames.
    Run { first: u64, end: u64 },
    /// Any frames.
    Frames,
    /// This slice.
    Slice { cpu: usize, position: usize },
}

/// What allows a claim: at least one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Basis {
    /// With it the claimant stays within its guarantee.
    pub(crate) entitled: bool,
    /// The claimant dominates the victim: even the guaranteed set may be taken.
    pub(crate) dominated: bool,
}

/// A claim under way, kept with its victim.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) claimant: EnvironmentId,
    pub(crate) wanted: Wanted,
    /// What is still to be given.
    pub(crate) left: u64,
    /// What allows it.
    pub(crate) basis: Basis,
    begun: u64,
    deadline: u64,
    /// The victim's account at which force comes.
    run_until: u64,
}

impl Core<'_> {
    /// Whether a frame of the victim's may be claimed by name.
    pub(crate) fn check_claimable(&self, frame: u64, victim: EnvironmentId, dominated: bool) -> Result<(), Failure> {
        let record = self.frames.get(frame).ok_or(Error::NoSuchFrame.at(frame))?;
        if !is_owned_by(record, victim) {
            return Err(Error::FrameForeign.at(frame));
        }
        if record.flags & frame_flags::PINNED != 0 {
            return Err(Error::FramePinned.at(frame));
        }
        if record.flags & frame_flags::GUARANTEED != 0 && !dominated {
            return Err(Error::VictimGuaranteed.at(frame));
        }
        Ok(())
    }

    /// Whether the claimant may have so many frames of the victim's, and on what basis.
    pub(crate) fn check_frame_claim(
        &self,
        claimant: EnvironmentId,
        victim: EnvironmentId,
        count: u64,
        dominated: bool,
    ) -> Result<Basis, Error> {
        let (Some(taker), Some(giver)) = (self.environments.get(claimant), self.environments.get(victim)) else {
            return Err(Error::NoSuchEnvironment);
        };
        if claimant == victim || count == 0 {
            return Err(Error::BadArgument);
        }
        let entitled = taker.frames + taker.promised + count <= taker.guarantee;
        if !entitled && !dominated {
            return Err(Error::NotEntitled);
        }
        // Promised frames are out of everybody's reach, and nobody can claim them: beyond the guarantee, each promise is taken
        // before the next, or whoever dominates somebody could hoard what others are guaranteed.
        if !entitled && taker.promised != 0 {
            return Err(Error::ClaimPending);
        }
        let least = if dominated { 0 } else { giver.guarantee };
        if giver.frames < least + count { Err(Error::VictimGuaranteed) } else { Ok(Basis { entitled, dominated }) }
    }

    /// Whether neither side has a claim under way that stands in the way of this one. One that rests on dominance alone does not
    /// stand in the way of what is guaranteed: by small claims without end it would keep everybody from the victim.
    pub(crate) fn check_no_claim(
        &self,
        claimant: EnvironmentId,
        victim: EnvironmentId,
        basis: Basis,
    ) -> Result<(), Error> {
        if claimant == victim {
            return Err(Error::BadArgument);
        }
        let claims = self.environments.private(claimant).is_some_and(|private| private.claims_from.is_some());
        let request = self.environments.private(victim).and_then(|private| private.request);
        let asked = request.is_some_and(|claim| claim.basis.entitled || !basis.entitled);
        if claims || asked { Err(Error::ClaimPending) } else { Ok(()) }
    }

    /// Admits a claim, in place of the one under way if there is one: the victim is asked. Returns its serial number.
    pub(crate) fn begin_claim(
        &mut self,
        machine: &mut dyn Machine,
        claimant: EnvironmentId,
        victim: EnvironmentId,
        wanted: Wanted,
        count: u64,
        basis: Basis,
    ) -> u64 {
        if let Some(displaced) = self.environments.private(victim).and_then(|private| private.request) {
            self.end_claim(machine, victim, &displaced, phase::CANCELLED);
        }
        self.claim_serial += 1;
        self.claims += 1;
        self.system.revocation.requests += 1;
        let begun = machine.now();
        let time_to_run = self.system.slice_ticks.saturating_mul(SLICES_TO_RUN);
        let deadline = begun.saturating_add(self.system.slice_ticks.saturating_mul(SLICES_TO_WAIT));
        let run_until = self.environments.get(victim).map_or(0, |record| record.ticks).saturating_add(time_to_run);
        let claim = Claim { claimant, wanted, left: count, basis, begun, deadline, run_until };
        if let Some(private) = self.environments.private_mut(victim) {
            private.request = Some(claim);
        }
        if let Some(private) = self.environments.private_mut(claimant) {
            private.claims_from = Some(victim);
        }
        let (kind, first, count) = match wanted {
            Wanted::Run { first, .. } => (kind::FRAMES, first, count),
            Wanted::Frames => (kind::FRAMES, ANY, count),
            Wanted::Slice { cpu, position } => (kind::SLICE, cpu as u64, position as u64),
        };
        let request = Request {
            serial: self.claim_serial,
            kind,
            phase: phase::REQUESTED,
            first,
            count,
            left: claim.left,
            other_index: claimant.index,
            other_generation: claimant.generation,
            time_to_run,
            deadline,
        };
        if let Some(page) = machine.environment_page(victim.place()) {
            page.request = request;
        }
        if let Some(page) = machine.environment_page(claimant.place()) {
            page.claim = Request { other_index: victim.index, other_generation: victim.generation, ..request };
        }
        self.raise_environment(machine, victim, events::REVOCATION);
        self.claim_serial
    }

    /// Whether a claim by name covers a frame: its owner may give it back, but not put it out of the claimant's reach.
    pub(crate) fn is_claimed(&self, frame: u64, id: EnvironmentId) -> bool {
        let claim = self.environments.private(id).and_then(|private| private.request);
        matches!(claim, Some(Claim { wanted: Wanted::Run { first, end }, .. }) if (first..end).contains(&frame))
    }

    /// Checks that an environment of which so many frames become metadata still has what a claim by count asks for. Where that is
    /// within what the environment has above its guarantee it stays so: the guarantee falls with the frames.
    pub(crate) fn check_leaves_claimed(&self, id: EnvironmentId, count: u64) -> Result<(), Failure> {
        let claim = self.environments.private(id).and_then(|private| private.request);
        let Some(Claim { wanted: Wanted::Frames, left, basis: Basis { dominated: true, .. }, .. }) = claim else {
            return Ok(());
        };
        let frames = self.environments.get(id).map_or(0, |record| record.frames);
        if count != 0 && frames.saturating_sub(count) < left { Err(Error::ClaimPending.into()) } else { Ok(()) }
    }

    /// Whether somebody claims what an environment has above its guarantee.
    pub(crate) fn is_entitled_to(&self, id: EnvironmentId) -> bool {
        let claim = self.environments.private(id).and_then(|private| private.request);
        claim.is_some_and(|claim| !claim.basis.dominated)
    }

    /// The slice that is claimed from an environment.
    pub(crate) fn claimed_slice(&self, id: EnvironmentId) -> Option<(usize, usize)> {
        match self.environments.private(id)?.request?.wanted {
            Wanted::Slice { cpu, position } => Some((cpu, position)),
            _ => None,
        }
    }
}
