//! Slices: who has which, and whose turn it is.

use super::capabilities::MODIFY;
use super::{Answer, Fail, Id, Model, Slice, Wanted, Who, done, fails};
use exo_abi::error::Error;
use std::vec::Vec;

type At = (u64, u64);

impl Model {
    pub(super) fn place(&self, cpu: u64, position: u64) -> Result<(), Fail> {
        if cpu >= self.clocks.len() as u64 {
            return Err((Error::NoSuchCpu, cpu));
        }
        if position >= 64 { fails(Error::NoSuchSlice) } else { Ok(()) }
    }

    fn vcpu_there(&self, id: Id, vcpu: u64, cpu: u64) -> Result<(), Fail> {
        let there = self.get(id).and_then(|environment| environment.vcpus.get(&vcpu));
        if there.is_some_and(|vcpu| vcpu.cpu == cpu) { Ok(()) } else { fails(Error::NoSuchVcpu) }
    }

    fn give(&mut self, at: At, owner: Id, vcpu: u64, guard: Vec<u8>) {
        self.slices.insert(at, Slice { vcpu: Some(vcpu), owner, guard });
    }

    pub(crate) fn boot_slice(&mut self, at: At, owner: Id, vcpu: u64) {
        let guard = self.of(owner).guard.clone();
        self.give(at, owner, vcpu, guard);
    }

    pub(super) fn slice_allocate(&mut self, me: Id, (first, second): At, arguments: [u64; 4]) -> Answer {
        let [cpu, position, argument, vcpu] = arguments;
        let (name, _) = self.capability_with(me, first, MODIFY)?;
        self.place(cpu, position)?;
        match self.slices.get(&(cpu, position)) {
            None => {}
            Some(Slice { vcpu: None, owner, .. }) if *owner == me => {}
            Some(_) => return fails(Error::SliceTaken),
        }
        let id = self.mine_or_second(me, second, argument)?;
        self.vcpu_there(id, vcpu, cpu)?;
        self.give((cpu, position), id, vcpu, name);
        done(0)
    }

    /// A slice of the caller's, under the credential.
    fn my_slice(&self, me: Id, credential: u64, cpu: u64, position: u64) -> Result<Slice, Fail> {
        let (name, _) = self.capability_with(me, credential, MODIFY)?;
        self.place(cpu, position)?;
        let slice = self.slices.get(&(cpu, position)).filter(|slice| slice.owner == me && slice.vcpu.is_some());
        let Some(slice) = slice else { return fails(Error::SliceForeign) };
        if slice.guard.starts_with(&name) { Ok(slice.clone()) } else { fails(Error::Underprivileged) }
    }

    pub(super) fn slice_free(&mut self, me: Id, credential: u64, cpu: u64, position: u64) -> Answer {
        self.my_slice(me, credential, cpu, position)?;
        let wanted = Wanted::Slice(cpu, position);
        let claim = self.claims.iter_mut().find(|claim| claim.victim == me && claim.wanted == wanted);
        let Some(claim) = claim else {
            // What it lost by overrunning stays with the position: giving it back and taking it again wins nothing.
            self.slices.remove(&(cpu, position));
            return done(0);
        };
        claim.left = 0;
        let claimant = claim.claimant;
        self.promise_slice((cpu, position), claimant);
        self.note_given(me, 1);
        done(1)
    }

    pub(super) fn promise_slice(&mut self, at: At, claimant: Id) {
        self.penalties.remove(&at);
        self.slices.insert(at, Slice { vcpu: None, owner: claimant, guard: Vec::new() });
    }

    pub(super) fn slice_give(&mut self, me: Id, credential: u64, [cpu, position, to, vcpu]: [u64; 4]) -> Answer {
        let slice = self.my_slice(me, credential, cpu, position)?;
        let id = self.named(me, to)?;
        self.vcpu_there(id, vcpu, cpu)?;
        let wanted = Wanted::Slice(cpu, position);
        if self.claims.iter().any(|claim| claim.victim == me && claim.wanted == wanted) {
            return fails(Error::ClaimPending);
        }
        self.give((cpu, position), id, vcpu, slice.guard);
        done(0)
    }

    /// A slice was overrun by its owner.
    pub(crate) fn penalise(&mut self, cpu: u64, position: u64, owner: Id) {
        if self.slices.get(&(cpu, position)).is_some_and(|slice| slice.owner == owner && slice.vcpu.is_some()) {
            *self.penalties.entry((cpu, position)).or_insert(0) += 1;
        } else {
            self.saw("somebody else has what was overrun");
        }
    }

    /// The slice that is next: in order of position, past those that cannot run, and past those that have lost theirs unless
    /// nobody else can run.
    pub(crate) fn next_slice(&mut self, cpu: u64) -> Option<(u64, Id, u64, Who)> {
        let last = self.clocks.get(cpu as usize)?.0;
        let order: Vec<u64> = (1..=64).map(|step| (last + step) % 64).collect();
        let (mut chosen, mut second_choice) = (None, None);
        for position in order {
            let Some(Slice { vcpu: Some(vcpu), owner, .. }) = self.slices.get(&(cpu, position)).cloned() else {
                continue;
            };
            let Some(runs) = self.who_runs(owner, vcpu) else { continue };
            let lost = self.penalties.entry((cpu, position)).or_insert(0);
            if *lost == 0 {
                chosen = Some((position, owner, vcpu, runs));
                break;
            }
            *lost -= 1;
            second_choice = second_choice.or(Some((position, owner, vcpu, runs)));
        }
        if chosen.is_none() && second_choice.is_some() {
            self.saw("only those who lost their slices can run");
        }
        if chosen.is_some() && second_choice.is_some() {
            self.saw("a slice is lost");
        }
        let (position, owner, vcpu, runs) = chosen.or(second_choice)?;
        if runs != (owner, vcpu) {
            self.saw("a slice is for somebody who serves");
        }
        let clock = &mut self.clocks[cpu as usize];
        *clock = (position, clock.1 + 1);
        Some((position, owner, vcpu, runs))
    }
}
