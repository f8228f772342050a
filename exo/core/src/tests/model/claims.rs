//! Claims: admitted, answered, cancelled.

use super::capabilities::allows;
use super::{Answer, Claim, Fail, Id, Model, Wanted, done, fails};
use exo_abi::environment_page::{ANY, Request, kind, phase};
use exo_abi::error::Error;
use exo_abi::events;

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
        let entitled = self.owns(me) + self.promised_to(me) + count <= self.guarantee(me);
        if !entitled && !dominated {
            return fails(Error::NotEntitled);
        }
        if !entitled && self.promised_to(me) != 0 {
            return fails(Error::ClaimPending);
        }
        let keeps = if dominated { 0 } else { self.guarantee(victim) };
        if self.owns(victim) < keeps + count {
            return fails(Error::VictimGuaranteed);
        }
        self.one_at_a_time(me, victim, entitled)?;
        if let Some(at) = self.claims.iter().position(|claim| claim.victim == victim) {
            self.saw("a claim is displaced");
            self.end_claim(at, phase::CANCELLED);
        }
        done(self.admit(me, victim, wanted, count, (entitled, dominated)))
    }

    /// One claim of a claimant, and one of a victim; but whoever takes what is guaranteed to it does not wait for others.
    fn one_at_a_time(&self, me: Id, victim: Id, entitled: bool) -> Result<(), Fail> {
        let waits = |claim: &Claim| claim.victim == victim && (claim.entitled || !entitled);
        let busy = self.claims.iter().any(|claim| claim.claimant == me || waits(claim));
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
        self.one_at_a_time(me, victim, false)?;
        done(self.admit(me, victim, Wanted::Slice(cpu, position), 1, (false, true)))
    }

    fn admit(
        &mut self,
        claimant: Id,
        victim: Id,
        wanted: Wanted,
        left: u64,
        (entitled, dominated): (bool, bool),
    ) -> u64 {
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
        self.claims.push(Claim { claimant, victim, wanted, left, entitled, dominated, begun, deadline, run_until });
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

    /// Whether a capability of this environment has CLAIM over another: for those who choose what to try.
    pub(crate) fn may_claim(&self, slot: &(std::vec::Vec<u8>, u64), victim: Id) -> bool {
        self.get(victim).is_some_and(|environment| allows(slot, &environment.guard, CLAIM))
    }
}
