//! The calls on environments and their virtual CPUs.

use super::basic::is_canonical;
use super::{At, Context, Effect, Handled, done};
use crate::environment::{Outcome, VirtualCpu, Waiting};
use crate::machine::VcpuStart;
use exo_abi::call::FRAMES_MAX;
use exo_abi::capability::rights;
use exo_abi::error::Error;
use exo_abi::events;
use exo_abi::info::{MAX_NAME, environment_state};
use exo_abi::layout::FRAME_SIZE;

impl Context<'_, '_> {
    pub(super) fn environment_create(&mut self, physical: u64, length: u64) -> Handled {
        let capability = self.credential_with(rights::MODIFY)?;
        let runs = self.take_list(physical, length, FRAMES_MAX)?;
        self.check_reserve(runs.clone(), &capability)?;
        let id = self.core.environments.next_id().ok_or(Error::TableFull)?;
        self.machine.open(id, &self.core.list[runs.clone()]).map_err(|_| Error::ReserveEmpty)?;
        self.core.environments.fill(id, Some(self.caller), capability.name);
        for index in runs {
            self.core.make_metadata(self.core.list[index], self.caller, id);
        }
        done(id.to_argument())
    }

    pub(super) fn environment_start(&mut self, environment: u64) -> Handled {
        let id = self.environment_under_credential(environment, rights::MODIFY)?;
        match self.core.environments.get_mut(id) {
            Some(record) if record.state == environment_state::STOPPED => record.state = environment_state::RUNNING,
            _ => return Err(Error::WrongState.into()),
        }
        self.core.publish_all_ready(id);
        self.core.kick_all(self.machine, id);
        done(0)
    }

    pub(super) fn environment_stop(&mut self, environment: u64) -> Handled {
        let id = self.environment_under_credential(environment, rights::MODIFY)?;
        match self.core.environments.get_mut(id) {
            Some(record) if record.state == environment_state::RUNNING => record.state = environment_state::STOPPED,
            _ => return Err(Error::WrongState.into()),
        }
        self.core.publish_all_ready(id);
        self.machine.expel(id.place());
        Ok((0, Effect::Reschedule))
    }

    pub(super) fn environment_destroy(&mut self, environment: u64) -> Handled {
        let id = self.environment_under_credential(environment, rights::MODIFY)?;
        self.core.end(self.machine, id, Outcome::Destroyed);
        Ok((0, Effect::Reschedule))
    }

    pub(super) fn environment_forget(&mut self, environment: u64) -> Handled {
        let id = self.name(environment);
        let record = self.core.environments.get(id).ok_or(Error::NoSuchEnvironment)?;
        if !self.credential()?.allows(&record.guard, rights::MODIFY) {
            return Err(Error::Underprivileged.into());
        }
        if self.core.environments.forget(id) { done(0) } else { Err(Error::WrongState.into()) }
    }

    pub(super) fn environment_name(&mut self, environment: u64, physical: u64, length: u64) -> Handled {
        let id = self.environment_under_credential(environment, rights::MODIFY)?;
        self.check_memory(physical, length, MAX_NAME as u64, rights::READ)?;
        let mut buffer = [0; MAX_NAME];
        let name = &mut buffer[..usize::try_from(length).map_err(|_| Error::TooLong)?];
        self.copy_in(physical, name);
        let text = core::str::from_utf8(name).map_err(|_| Error::BadArgument)?;
        if text.is_empty() || text.chars().any(|character| character.is_control() || matches!(character, '"' | '\\')) {
            return Err(Error::BadArgument.into());
        }
        self.core.environments.name(id, name);
        done(0)
    }

    pub(super) fn guarantee_move(&mut self, environment: u64, frames: u64, direction: u64) -> Handled {
        let id = self.environment_under_credential(environment, rights::MODIFY)?;
        let (from, to) = match direction {
            0 => (self.caller, id),
            1 => (id, self.caller),
            _ => return Err(Error::BadArgument.at(direction)),
        };
        let available = self.core.available_guarantee(from);
        if frames > available {
            return Err(Error::GuaranteeExceeded.at(available));
        }
        // Two that share a guarantee would always raise that of the one that is asked, and never give anything.
        if from != to && self.core.is_entitled_to(to) {
            return Err(Error::ClaimPending.into());
        }
        if let Some(record) = self.core.environments.get_mut(from) {
            record.guarantee -= frames;
        }
        if let Some(record) = self.core.environments.get_mut(to) {
            record.guarantee += frames;
        }
        done(self.core.environments.get(id).map_or(0, |record| record.guarantee))
    }

    pub(super) fn vcpu_create(
        &mut self,
        environment: u64,
        cpu: u64,
        instruction: u64,
        stack: u64,
        table: u64,
    ) -> Handled {
        let id = self.environment_under_credential(environment, rights::MODIFY)?;
        let cpu = self.core.check_cpu(cpu)?;
        if !is_canonical(instruction) || !is_canonical(stack) {
            return Err(Error::BadArgument.into());
        }
        // A table that the CPU can name; what is there is the environment's own affair.
        if !table.is_multiple_of(FRAME_SIZE) || table / FRAME_SIZE >= self.core.frames.frame_count() {
            return Err(Error::BadArgument.at(table));
        }
        let vcpus = self.core.environments.private(id).map(|private| private.vcpus);
        let vcpu = vcpus.and_then(|vcpus| vcpus.iter().position(Option::is_none)).ok_or(Error::TooManyVcpus)?;
        let start = VcpuStart { environment: id, vcpu, cpu, instruction, stack, page_table: table, argument: None };
        let page = self.core.add_vcpu(self.machine, &start).map_err(|_| Error::ReserveEmpty)?;
        done(page)
    }

    pub(super) fn notify(&mut self, environment: u64, vcpu: u64) -> Handled {
        let id = self.environment_under_credential(environment, rights::NOTIFY)?;
        let vcpu = usize::try_from(vcpu).map_err(|_| Error::NoSuchVcpu)?;
        self.core.environments.vcpu(id, vcpu).ok_or(Error::NoSuchVcpu)?;
        self.core.raise(self.machine, id, vcpu, events::NOTIFICATION);
        done(0)
    }
}

impl crate::state::Core<'_> {
    /// Gives an environment a virtual CPU: a free number.
    ///
    /// # Errors
    /// [`ReserveEmpty`](crate::machine::ReserveEmpty); nothing has changed then.
    pub fn add_vcpu(
        &mut self,
        machine: &mut dyn crate::machine::Machine,
        start: &VcpuStart,
    ) -> Result<u64, crate::machine::ReserveEmpty> {
        let page = machine.create_vcpu(start)?;
        if let Some(private) = self.environments.private_mut(start.environment)
            && let Some(place) = private.vcpus.get_mut(start.vcpu)
        {
            *place = Some(VirtualCpu { cpu: start.cpu, waiting: Waiting::No, gate: None });
        }
        if let Some(record) = self.environments.get_mut(start.environment) {
            record.vcpus += 1;
        }
        self.publish_ready((start.environment, start.vcpu));
        Ok(page)
    }
}
