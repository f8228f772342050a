//! The end of a claim: answered, forced, or cancelled.

use super::Claim;
use crate::environment::EnvironmentId;
use crate::machine::Machine;
use crate::state::Core;
use exo_abi::environment_page::phase;
use exo_abi::events;

impl Core<'_> {
    /// Part of a claim has been given: tells both sides, and ends the claim with the last part.
    pub(crate) fn note_given(&mut self, machine: &mut dyn Machine, victim: EnvironmentId, given: u64) {
        if given == 0 {
            return;
        }
        let Some(claim) = self.environments.private(victim).and_then(|private| private.request) else { return };
        self.system.revocation.given += given;
        if claim.left != 0 {
            self.tell(machine, victim, &claim, phase::REQUESTED);
            return;
        }
        self.system.revocation.answered += 1;
        self.system.revocation.answer_ticks += machine.now().saturating_sub(claim.begun);
        self.end_claim(machine, victim, &claim, phase::ANSWERED);
    }

    pub(super) fn end_claim(&mut self, machine: &mut dyn Machine, victim: EnvironmentId, claim: &Claim, phase: u32) {
        self.claims -= 1;
        if let Some(private) = self.environments.private_mut(victim) {
            private.request = None;
        }
        if let Some(private) = self.environments.private_mut(claim.claimant) {
            private.claims_from = None;
        }
        self.tell(machine, victim, claim, phase);
        self.raise_environment(machine, claim.claimant, events::CLAIM);
    }

    fn tell(&mut self, machine: &mut dyn Machine, victim: EnvironmentId, claim: &Claim, phase: u32) {
        if let Some(page) = machine.environment_page(victim.place()) {
            (page.request.left, page.request.phase) = (claim.left, phase);
        }
        if let Some(page) = machine.environment_page(claim.claimant.place()) {
            (page.claim.left, page.claim.phase) = (claim.left, phase);
        }
    }

    /// Ends the claims of and from an environment that begins to end.
    pub(crate) fn cancel_claims(&mut self, machine: &mut dyn Machine, id: EnvironmentId) {
        let private = self.environments.private(id).map(|private| (private.request, private.claims_from));
        let Some((request, claims_from)) = private else { return };
        if let Some(claim) = request {
            self.end_claim(machine, id, &claim, phase::CANCELLED);
        }
        let victim = claims_from.and_then(|victim| {
            let claim = self.environments.private(victim)?.request?;
            Some((victim, claim))
        });
        if let Some((victim, claim)) = victim {
            self.end_claim(machine, victim, &claim, phase::CANCELLED);
        }
    }
}
