//! Taking by force what was claimed.

use super::{Claim, Frame, Model, Wanted};
use exo_abi::environment_page::{Repossession, kind, phase, reason};
use std::vec::Vec;

impl Model {
    /// Whatever is overdue is taken.
    pub(crate) fn expire(&mut self) {
        for victim in self.everybody() {
            let due = |claim: &Claim| {
                let ran = self.get(claim.victim).map_or(0, |environment| environment.ticks);
                claim.victim == victim && (self.now >= claim.deadline || ran >= claim.run_until)
            };
            if let Some(at) = self.claims.iter().position(due) {
                self.force(at);
            }
        }
    }

    fn force(&mut self, at: usize) {
        let claim = self.claims[at].clone();
        let all = 0..self.frames.len() as u64;
        let taken = match claim.wanted {
            Wanted::Run(first, count) => self.force_frames(&claim, first..first + count),
            Wanted::Count => self.force_frames(&claim, all),
            Wanted::Slice(cpu, position) => {
                self.promise_slice((cpu, position), claim.claimant);
                let (kind, reason) = (kind::SLICE, reason::FORCED);
                self.enter(claim.victim, Repossession { kind, reason, first: cpu, count: position });
                1
            }
        };
        self.claims[at].left -= taken;
        self.counters.forced += 1;
        self.counters.taken += taken;
        self.counters.deadline_ticks += self.now - claim.begun;
        self.end_claim(at, phase::FORCED);
    }

    fn force_frames(&mut self, claim: &Claim, range: core::ops::Range<u64>) -> u64 {
        let victim = claim.victim;
        let takeable = |frame: &u64| {
            self.owned(*frame, victim).is_some_and(|owned| !owned.pinned && (claim.dominated || !owned.guaranteed))
        };
        let takeable: Vec<u64> = range.filter(takeable).collect();
        // Below its guarantee only a dominator brings it.
        let spare = if claim.dominated { u64::MAX } else { self.owns(victim).saturating_sub(self.guarantee(victim)) };
        let taken: Vec<u64> = takeable.into_iter().take(claim.left.min(spare) as usize).collect();
        for run in taken.chunk_by(|a, b| a + 1 == *b) {
            self.unbind_from_others(run, victim);
            run.iter().for_each(|&frame| {
                self.bindings.remove(&(victim, frame));
                self.set(frame, Frame::Promised(claim.claimant));
            });
            self.repossess(victim, reason::FORCED, run[0], run.len() as u64);
        }
        if taken.len() as u64 != claim.left {
            self.saw("force finds less than is left");
        }
        taken.len() as u64
    }
}
