//! The calls on time: slices, waiting, yielding; claims; and the audit.

use super::{At, Context, Effect, Failure, Handled, done};
use crate::claims::{Basis, Wanted};
use crate::environment::{EnvironmentId, Waiting};
use crate::predicate::Predicate;
use crate::slices::slice_owner;
use exo_abi::call::FRAMES_MAX;
use exo_abi::capability::rights;
use exo_abi::error::Error;
use exo_abi::info::{SliceRecord, slice_state};
use exo_abi::wakeup::{Instruction, MAX_INSTRUCTIONS};
use zerocopy::IntoBytes;

impl Context<'_, '_> {
    pub(super) fn yield_slice(&mut self) -> Handled {
        Ok((0, Effect::YieldSlice))
    }

    pub(super) fn block(&mut self, until: u64) -> Handled {
        let until = if until == 0 { u64::MAX } else { until };
        if until <= self.machine.now() {
            return done(0);
        }
        self.wait(Waiting::Until(until))
    }

    pub(super) fn block_on(&mut self, physical: u64, length: u64) -> Handled {
        if length > MAX_INSTRUCTIONS as u64 {
            return Err(Error::TooLong.into());
        }
        let mut program = [Instruction::default(); MAX_INSTRUCTIONS];
        let program = &mut program[..usize::try_from(length).map_err(|_| Error::TooLong)?];
        let bytes = program.as_mut_bytes();
        self.check_memory(physical, bytes.len() as u64, bytes.len() as u64, rights::READ)?;
        self.copy_in(physical, bytes);
        let predicate = Predicate::new(program).ok_or(Error::BadPredicate)?;
        for word in predicate.words() {
            self.check_memory(word, 8, 8, rights::READ)?;
        }
        if predicate.holds(self.machine, self.caller) {
            return done(0);
        }
        self.wait(Waiting::On(predicate))
    }

    fn wait(&mut self, waiting: Waiting) -> Handled {
        let place = self.caller.place();
        let raised = self.machine.pending_events(place, self.vcpu) & !self.machine.event_mask(place, self.vcpu);
        if raised != 0 || self.core.has_events(self.caller, self.vcpu) {
            return done(0);
        }
        if let Some(vcpu) = self.core.environments.vcpu_mut(self.caller, self.vcpu) {
            vcpu.waiting = waiting;
        }
        Ok((0, Effect::YieldSlice))
    }

    pub(super) fn yield_to(&mut self, environment: u64, vcpu: u64) -> Handled {
        let id = self.environment(environment)?;
        let vcpu = usize::try_from(vcpu).map_err(|_| Error::NoSuchVcpu)?;
        let target = self.core.environments.vcpu(id, vcpu).ok_or(Error::NoSuchVcpu)?.cpu;
        let here = self.core.environments.vcpu(self.caller, self.vcpu).map(|own| own.cpu);
        if here != Some(target) {
            return Err(Error::NotRunnable.into());
        }
        let (environment, vcpu) = self.core.who_runs(self.machine, id, vcpu).ok_or(Error::NotRunnable)?;
        Ok((0, Effect::YieldTo { environment, vcpu }))
    }

    pub(super) fn slice_allocate(&mut self, cpu: u64, position: u64, environment: u64, vcpu: u64) -> Handled {
        let capability = self.credential_with(rights::MODIFY)?;
        let (cpu, position, record) = self.slice(cpu, position)?;
        let free = record.state == slice_state::FREE
            || record.state == slice_state::PROMISED && slice_owner(&record) == Some(self.caller);
        if !free {
            return Err(Error::SliceTaken.into());
        }
        let id = self.own_environment_or_second(environment)?;
        let vcpu = self.vcpu_on(id, vcpu, cpu)?;
        self.core.give_slice(self.machine, (cpu, position), id, vcpu, capability.name);
        done(0)
    }

    pub(super) fn slice_free(&mut self, cpu: u64, position: u64) -> Handled {
        let (cpu, position, _) = self.own_slice(cpu, position)?;
        done(u64::from(self.core.give_slice_back(self.machine, cpu, position)))
    }

    pub(super) fn slice_give(&mut self, cpu: u64, position: u64, environment: u64, vcpu: u64) -> Handled {
        let (cpu, position, record) = self.own_slice(cpu, position)?;
        let id = self.environment(environment)?;
        let vcpu = self.vcpu_on(id, vcpu, cpu)?;
        // What is claimed goes to the claimant, not out of its reach.
        if self.core.claimed_slice(self.caller) == Some((cpu, position)) {
            return Err(Error::ClaimPending.into());
        }
        self.core.give_slice(self.machine, (cpu, position), id, vcpu, record.guard);
        done(0)
    }

    fn slice(&self, cpu: u64, position: u64) -> Result<(usize, usize, SliceRecord), Failure> {
        let cpu = usize::try_from(self.core.check_cpu(cpu)?).map_err(|_| Error::NoSuchCpu)?;
        let position = usize::try_from(position).map_err(|_| Error::NoSuchSlice)?;
        let record = self.core.slices.get(cpu, position).ok_or(Error::NoSuchSlice)?;
        Ok((cpu, position, *record))
    }

    /// A slice of the caller's, under the credential.
    fn own_slice(&self, cpu: u64, position: u64) -> Result<(usize, usize, SliceRecord), Failure> {
        let capability = self.credential_with(rights::MODIFY)?;
        let (cpu, position, record) = self.slice(cpu, position)?;
        if record.state != slice_state::OWNED || slice_owner(&record) != Some(self.caller) {
            return Err(Error::SliceForeign.into());
        }
        if !capability.name.dominates(&record.guard) {
            return Err(Error::Underprivileged.into());
        }
        Ok((cpu, position, record))
    }

    fn vcpu_on(&self, id: EnvironmentId, vcpu: u64, cpu: usize) -> Result<usize, Failure> {
        let vcpu = usize::try_from(vcpu).map_err(|_| Error::NoSuchVcpu)?;
        let there = self.core.environments.vcpu(id, vcpu).filter(|vcpu| usize::try_from(vcpu.cpu) == Ok(cpu));
        there.map(|_| vcpu).ok_or(Error::NoSuchVcpu.into())
    }

    pub(super) fn claim_run(&mut self, victim: u64, first: u64, count: u64) -> Handled {
        let claimed = self.try_claim_run(victim, first, count);
        self.count_refusal(claimed)
    }

    fn try_claim_run(&mut self, victim: u64, first: u64, count: u64) -> Handled {
        let victim = self.environment(victim)?;
        let runs = self.take_run(first, count, FRAMES_MAX)?;
        let dominated = self.dominates_victim(victim);
        for frame in self.frames_of(runs) {
            self.core.check_claimable(frame, victim, dominated)?;
        }
        self.claim_frames(victim, Wanted::Run { first, end: first + count }, count, dominated)
    }

    pub(super) fn claim_count(&mut self, victim: u64, count: u64) -> Handled {
        let victim = self.environment(victim)?;
        if count > FRAMES_MAX {
            return Err(Error::TooLong.into());
        }
        let dominated = self.dominates_victim(victim);
        let claimed = self.claim_frames(victim, Wanted::Frames, count, dominated);
        self.count_refusal(claimed)
    }

    fn dominates_victim(&self, victim: EnvironmentId) -> bool {
        self.credential().is_ok_and(|capability| capability.allows(&self.guard_of(victim), rights::CLAIM))
    }

    fn claim_frames(&mut self, victim: EnvironmentId, wanted: Wanted, count: u64, dominated: bool) -> Handled {
        let basis = self.core.check_frame_claim(self.caller, victim, count, dominated)?;
        self.core.check_no_claim(self.caller, victim, basis)?;
        done(self.core.begin_claim(self.machine, self.caller, victim, wanted, count, basis))
    }

    pub(super) fn claim_slice(&mut self, victim: u64, cpu: u64, position: u64) -> Handled {
        let victim = self.environment_under_credential(victim, rights::CLAIM)?;
        let (cpu, position, record) = self.slice(cpu, position)?;
        if record.state != slice_state::OWNED || slice_owner(&record) != Some(victim) {
            return Err(Error::SliceForeign.into());
        }
        let basis = Basis { entitled: false, dominated: true };
        let free = self.core.check_no_claim(self.caller, victim, basis).map_err(Failure::from);
        self.count_refusal(free.map(|()| (0, Effect::None)))?;
        let wanted = Wanted::Slice { cpu, position };
        done(self.core.begin_claim(self.machine, self.caller, victim, wanted, 1, basis))
    }

    /// Counts a claim that was well formed and not admitted.
    fn count_refusal(&mut self, claimed: Handled) -> Handled {
        if let Err(Failure { error: Error::NotEntitled | Error::VictimGuaranteed | Error::ClaimPending, .. }) = claimed
        {
            self.core.system.revocation.refused += 1;
        }
        claimed
    }

    pub(super) fn audit(&mut self) -> Handled {
        self.credential_with(rights::AUDIT)?;
        done(crate::invariants::check(self.core, self.machine).err().map_or(0, |broken| broken.number.into()))
    }
}

impl crate::state::Core<'_> {
    /// The CPU of an argument.
    pub(crate) fn check_cpu(&self, cpu: u64) -> Result<u32, Failure> {
        let cpus = u64::from(self.system.cpus);
        let here = |cpu: &u32| u64::from(*cpu) < cpus && self.absent.checked_shr(*cpu).unwrap_or(0) & 1 == 0;
        u32::try_from(cpu).ok().filter(here).ok_or(Error::NoSuchCpu.at(cpu))
    }
}
