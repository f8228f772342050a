//! Claims: admitted, answered, forced, cancelled.

use super::capabilities::allows;
use super::{Answer, Claim, Fail, Frame, Id, Model, Wanted, done, fails};
use exo_abi::environment_page::{ANY, Repossession, Request, kind, phase, reason};
use exo_abi::error::Error;
use exo_abi::events;
use std::vec::Vec;

const CLAIM: u64 = 64;

impl Model {
    pub(super) fn claimed_by_name(&self, me: Id, frame: u64) -> bool {
        let covers = |wanted| matches!(wanted, Wanted::Run(first, count) if (first..first + count).contains(&frame));
        self.claims.iter().any(|claim| claim.victim == me && covers(claim.wanted))
    }

    fn counted(&mut self, answer: Answer) -> Answer {
        if let Err((Error::NotEntitled | Error::VictimGuaranteed | Error::ClaimPending, _)) = answer {
            self.counters.refused += 1;
        }
        answer
    }

    pub(super) fn claim_run(&mut self, me: Id, credential: u64, arguments: [u64; 3]) -> Answer {
        let answer = self.try_claim_run(me, credential, arguments);
        self.counted(answer)
    }

    fn try_claim_run(&mut self, me: Id, credential: u64, [argument, first, count]: [u64; 3]) -> Answer {
        let victim = self.named(me, argument)?;
        self.run(first, count, 4096)?;
        let dominated = self.over(me, credential, victim, CLAIM).is_ok();
        for frame in first..first + count {
            let Some(owned) = self.owned(frame, victim) else { return Err((Error::FrameForeign, frame)) };
            if owned.pinned {
                return Err((Error::FramePinned, frame));
            }
            if owned.guaranteed && !dominated {
                return Err((Error::VictimGuaranteed, frame));
            }
        }
        self.claim_frames(me, victim, Wanted::Run(first, count), count, dominated)
    }

    pub(super) fn claim_count(&mut self, me: Id, credential: u64, arguments: [u64; 2]) -> Answer {
        let answer = self.try_claim_count(me, credential, arguments);
        self.counted(answer)
    }

    fn try_claim_count(&mut self, me: Id, credential: u64, [argument, count]: [u64; 2]) -> Answer {
        let victim = self.named(me, argument)?;
        if count > 4096 {
            return fails(Error::TooLong);
        }
        let dominated = self.over(me, credential, victim, CLAIM).is_ok();
        self.claim_frames(me, victim, Wanted::Count, count, dominated)
    }

    fn claim_frames(&mut self, me: Id, victim: Id, wanted: Wanted, count: u64, dominated: bool) -> Answer {
        if me == victim || count == 0 {
            return fails(Error::BadArgument);
        }
        let below = self.owns(me) + self.promised_to(me) + count <= self.guarantee(me);
        if !below && !dominated {
            return fails(Error::NotEntitled);
        }
        if !below && self.promised_to(me) != 0 {
            return fails(Error::ClaimPending);
        }
        let keeps = if dominated { 0 } else { self.guarantee(victim) };
        if self.owns(victim) < keeps + count {
            return fails(Error::VictimGuaranteed);
        }
        self.one_at_a_time(me, victim)?;
        done(self.admit(me, victim, wanted, count, dominated))
    }

    fn one_at_a_time(&self, me: Id, victim: Id) -> Result<(), Fail> {
        let busy = self.claims.iter().any(|claim| claim.claimant == me || claim.victim == victim);
        if busy { fails(Error::ClaimPending) } else { Ok(()) }
    }

    pub(super) fn claim_slice(&mut self, me: Id, credential: u64, arguments: [u64; 3]) -> Answer {
        let answer = self.try_claim_slice(me, credential, arguments);
        self.counted(answer)
    }

    fn try_claim_slice(&mut self, me: Id, credential: u64, [argument, cpu, position]: [u64; 3]) -> Answer {
        let victim = self.named_under(me, credential, argument, CLAIM)?;
        self.place(cpu, position)?;
        match self.slices.get(&(cpu, position)) {
            Some(slice) if slice.owner == victim && slice.vcpu.is_some() => {}
            _ => return fails(Error::SliceForeign),
        }
        if me == victim {
            return fails(Error::BadArgument);
        }
        self.one_at_a_time(me, victim)?;
        done(self.admit(me, victim, Wanted::Slice(cpu, position), 1, true))
    }

    fn admit(&mut self, claimant: Id, victim: Id, wanted: Wanted, left: u64, dominated: bool) -> u64 {
        self.serial += 1;
        self.counters.requests += 1;
        let (begun, to_run) = (self.now, self.slice_ticks * 4);
        let deadline = begun.saturating_add(self.slice_ticks * 64);
        let run_until = self.of(victim).ticks.saturating_add(to_run);
        let (kind, first, count) = match wanted {
            Wanted::Run(first, count) => (kind::FRAMES, first, count),
            Wanted::Count => (kind::FRAMES, ANY, left),
            Wanted::Slice(cpu, position) => (kind::SLICE, cpu, position),
        };
        let seen_by = |other: Id| Request {
            serial: self.serial,
            kind,
            phase: phase::REQUESTED,
            first,
            count,
            left,
            other_index: other.index,
            other_generation: other.generation,
            time_to_run: to_run,
            deadline,
        };
        let (request, claim) = (seen_by(claimant), seen_by(victim));
        self.of(victim).page.request = request;
        self.of(claimant).page.claim = claim;
        self.claims.push(Claim { claimant, victim, wanted, left, dominated, begun, deadline, run_until });
        self.raise_all(victim, events::REVOCATION);
        self.serial
    }

    fn tell(&mut self, at: usize, phase: u32) {
        let Claim { victim, claimant, left, .. } = self.claims[at];
        let request = &mut self.of(victim).page.request;
        (request.left, request.phase) = (left, phase);
        let claim = &mut self.of(claimant).page.claim;
        (claim.left, claim.phase) = (left, phase);
    }

    pub(super) fn end_claim(&mut self, at: usize, phase: u32) {
        self.tell(at, phase);
        let claim = self.claims.remove(at);
        self.saw(match (phase, claim.wanted) {
            (phase::ANSWERED, Wanted::Run(..)) => "a run is given",
            (phase::ANSWERED, Wanted::Count) => "a count is given",
            (phase::ANSWERED, Wanted::Slice(..)) => "a slice is given",
            (phase::FORCED, Wanted::Run(..)) => "a run is forced",
            (phase::FORCED, Wanted::Count) => "a count is forced",
            (phase::FORCED, Wanted::Slice(..)) => "a slice is forced",
            _ if self.lives(claim.victim) && claim.left != 0 => "a claim is cancelled",
            _ => "a claim ends otherwise",
        });
        self.raise_all(claim.claimant, events::CLAIM);
    }

    /// Something that was asked for was given.
    pub(super) fn note_given(&mut self, victim: Id, given: u64) {
        let Some(at) = self.claims.iter().position(|claim| claim.victim == victim) else { return };
        if given == 0 {
            return;
        }
        self.counters.given += given;
        if self.claims[at].left != 0 {
            self.saw("a part is given");
            return self.tell(at, phase::REQUESTED);
        }
        self.counters.answered += 1;
        self.counters.answer_ticks += self.now - self.claims[at].begun;
        self.end_claim(at, phase::ANSWERED);
    }

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
        let taken: Vec<u64> = range.filter(takeable).take(claim.left as usize).collect();
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

    /// Whether a capability of this environment has CLAIM over another: for those who choose what to try.
    pub(crate) fn may_claim(&self, slot: &(std::vec::Vec<u8>, u64), victim: Id) -> bool {
        self.get(victim).is_some_and(|environment| allows(slot, &environment.guard, CLAIM))
    }
}
