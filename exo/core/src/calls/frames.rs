//! The calls on frames and their bindings.

use super::{At, Context, Failure, Handled, done};
use crate::capability::Capability;
use crate::environment::EnvironmentId;
use crate::frames::{is_free_for, is_owned_by, owner};
use crate::machine::Binding;
use core::ops::Range;
use exo_abi::boot_page::FrameRun;
use exo_abi::call::{ALLOCATE_MAX, FRAMES_MAX};
use exo_abi::capability::rights;
use exo_abi::error::Error;
use exo_abi::info::{frame_flags, frame_state};

const BINDABLE: u64 = rights::READ | rights::WRITE | rights::EXECUTE;

impl Context<'_, '_> {
    pub(super) fn allocate_run(&mut self, first: u64, count: u64) -> Handled {
        let capability = self.credential_with(rights::MODIFY)?;
        let runs = self.take_run(first, count, ALLOCATE_MAX)?;
        self.allocate(runs, &capability)
    }

    pub(super) fn allocate_list(&mut self, physical: u64, length: u64) -> Handled {
        let capability = self.credential_with(rights::MODIFY)?;
        let runs = self.take_list(physical, length, ALLOCATE_MAX)?;
        self.allocate(runs, &capability)
    }

    fn allocate(&mut self, runs: Range<usize>, capability: &Capability) -> Handled {
        for frame in self.frames_of(runs.clone()) {
            let record = self.core.frames.get(frame).ok_or(Error::NoSuchFrame.at(frame))?;
            match record.state {
                _ if is_free_for(record, self.caller) => {}
                frame_state::UNUSABLE | frame_state::KERNEL => return Err(Error::NoSuchFrame.at(frame)),
                _ => return Err(Error::FrameTaken.at(frame)),
            }
        }
        let (mut scrubbed, mut taken) = (0, 0);
        for index in runs {
            let FrameRun { first, count } = self.core.list[index];
            taken += count;
            for frame in first..first + count {
                let Some(record) = self.core.frames.get(frame) else { continue };
                let promised = record.state == frame_state::PROMISED;
                let own_bytes = !promised && owner(record) == Some(self.caller);
                if record.flags & frame_flags::DIRTY != 0 && !own_bytes {
                    self.machine.scrub(FrameRun { first: frame, count: 1 });
                    scrubbed += 1;
                }
                self.core.frames.own(frame, self.caller, capability.name);
                if let Some(environment) = self.core.environments.get_mut(self.caller) {
                    environment.promised -= u64::from(promised);
                }
            }
        }
        if let Some(environment) = self.core.environments.get_mut(self.caller) {
            environment.frames += taken;
        }
        done(scrubbed)
    }

    pub(super) fn free_run(&mut self, first: u64, count: u64) -> Handled {
        let capability = self.credential_with(rights::MODIFY)?;
        let runs = self.take_run(first, count, FRAMES_MAX)?;
        self.free(runs, &capability)
    }

    pub(super) fn free_list(&mut self, physical: u64, length: u64) -> Handled {
        let capability = self.credential_with(rights::MODIFY)?;
        let runs = self.take_list(physical, length, FRAMES_MAX)?;
        self.free(runs, &capability)
    }

    fn free(&mut self, runs: Range<usize>, capability: &Capability) -> Handled {
        for frame in self.frames_of(runs.clone()) {
            self.check_unbound(frame, capability)?;
        }
        let mut answered = 0;
        for index in runs {
            let FrameRun { first, count } = self.core.list[index];
            for frame in first..first + count {
                answered += u64::from(self.core.give_back(frame, self.caller));
            }
        }
        self.core.note_given(self.machine, self.caller, answered);
        done(answered)
    }

    /// Checks that a frame is the caller's, under the capability, and nobody can reach it.
    pub(super) fn check_unbound(&self, frame: u64, capability: &Capability) -> Result<(), Failure> {
        let record = self.check_own(frame)?;
        if !capability.name.dominates(&record.guard) {
            return Err(Error::Underprivileged.at(frame));
        }
        if record.binders != 0 {
            return Err(Error::FrameBound.at(frame));
        }
        if record.flags & frame_flags::PINNED != 0 {
            return Err(Error::FramePinned.at(frame));
        }
        Ok(())
    }

    /// The same, and that it can become metadata: what is claimed by name goes to the claimant.
    pub(super) fn check_reserve(&self, frame: u64, capability: &Capability) -> Result<(), Failure> {
        self.check_unbound(frame, capability)?;
        if self.core.is_claimed(frame, self.caller) { Err(Error::ClaimPending.at(frame)) } else { Ok(()) }
    }

    /// Checks that a frame is the caller's.
    pub(super) fn check_own(&self, frame: u64) -> Result<exo_abi::info::FrameRecord, Failure> {
        let record = self.core.frames.get(frame).ok_or(Error::NoSuchFrame.at(frame))?;
        match record.state {
            frame_state::UNUSABLE | frame_state::KERNEL => Err(Error::NoSuchFrame.at(frame)),
            _ if is_owned_by(record, self.caller) => Ok(*record),
            _ => Err(Error::FrameForeign.at(frame)),
        }
    }

    pub(super) fn bind_run(&mut self, environment: u64, slot: u64, wanted: u64, first: u64, count: u64) -> Handled {
        let (id, capability, binding) = self.binding_arguments(environment, slot, wanted)?;
        let runs = self.take_run(first, count, FRAMES_MAX)?;
        self.bind(id, &capability, binding, runs)
    }

    pub(super) fn bind_list(
        &mut self,
        environment: u64,
        slot: u64,
        wanted: u64,
        physical: u64,
        length: u64,
    ) -> Handled {
        let (id, capability, binding) = self.binding_arguments(environment, slot, wanted)?;
        let runs = self.take_list(physical, length, FRAMES_MAX)?;
        self.bind(id, &capability, binding, runs)
    }

    /// The environment in which something is bound, the capability of its slot, and the binding.
    fn binding_arguments(
        &self,
        environment: u64,
        slot: u64,
        wanted: u64,
    ) -> Result<(EnvironmentId, Capability, Binding), Failure> {
        let id = self.own_environment_or_second(environment)?;
        let slots = self.core.environments.private(id).map(|private| &private.slots);
        let capability = slots.and_then(|slots| slots.get(slot)).ok_or(Error::BadSlot.at(slot))?;
        if wanted & !BINDABLE != 0 || !self.machine.can_bind(wanted) {
            return Err(Error::BadRights.at(wanted));
        }
        let slot = u8::try_from(slot).map_err(|_| Error::BadSlot)?;
        Ok((id, capability, Binding { rights: wanted, slot }))
    }

    fn bind(&mut self, id: EnvironmentId, capability: &Capability, binding: Binding, runs: Range<usize>) -> Handled {
        let bit = crate::bindings::bit(id.place());
        for frame in self.frames_of(runs.clone()) {
            self.core.check_bindable(frame, capability, binding.rights)?;
            if self.core.frames.get(frame).is_some_and(|record| record.binders & bit != 0) {
                return Err(Error::AlreadyBound.at(frame));
            }
        }
        for index in runs.clone() {
            let run = self.core.list[index];
            if run.count != 0 && self.core.bind(self.machine, id, run, binding).is_err() {
                for undone in runs.start..index {
                    let run = self.core.list[undone];
                    if run.count != 0 {
                        self.core.unbind(self.machine, id, run);
                    }
                }
                self.machine.flush();
                return Err(Error::ReserveEmpty.into());
            }
        }
        done(0)
    }

    pub(super) fn unbind_run(&mut self, environment: u64, first: u64, count: u64) -> Handled {
        let id = self.environment(environment)?;
        let runs = self.take_run(first, count, FRAMES_MAX)?;
        self.unbind(id, runs)
    }

    pub(super) fn unbind_list(&mut self, environment: u64, physical: u64, length: u64) -> Handled {
        let id = self.environment(environment)?;
        let runs = self.take_list(physical, length, FRAMES_MAX)?;
        self.unbind(id, runs)
    }

    fn unbind(&mut self, id: EnvironmentId, runs: Range<usize>) -> Handled {
        // Whoever may act in the environment may unbind there; else the frames' own guards decide.
        let over_frames = match self.own_environment_or_second(id.to_argument()) {
            Ok(_) => None,
            Err(refused) => Some(self.credential_with(rights::MODIFY).map_err(|_| refused)?),
        };
        let bit = crate::bindings::bit(id.place());
        for frame in self.frames_of(runs.clone()) {
            let record = self.core.frames.get(frame).ok_or(Error::NoSuchFrame.at(frame))?;
            if over_frames.is_some_and(|capability| !capability.name.dominates(&record.guard)) {
                return Err(Error::Underprivileged.at(frame));
            }
            if record.binders & bit == 0 {
                return Err(Error::FrameNotBound.at(frame));
            }
        }
        for index in runs {
            let run = self.core.list[index];
            if run.count == 0 {
                continue;
            }
            self.core.unbind(self.machine, id, run);
            if over_frames.is_some() {
                self.core.repossess(self.machine, id, run, exo_abi::environment_page::reason::OWNER);
            }
        }
        self.machine.flush();
        done(0)
    }

    pub(super) fn change_rights_run(
        &mut self,
        environment: u64,
        slot: u64,
        wanted: u64,
        first: u64,
        count: u64,
    ) -> Handled {
        let (id, capability, binding) = self.binding_arguments(environment, slot, wanted)?;
        let runs = self.take_run(first, count, FRAMES_MAX)?;
        self.change_rights(id, &capability, binding, runs)
    }

    pub(super) fn change_rights_list(
        &mut self,
        environment: u64,
        slot: u64,
        wanted: u64,
        physical: u64,
        length: u64,
    ) -> Handled {
        let (id, capability, binding) = self.binding_arguments(environment, slot, wanted)?;
        let runs = self.take_list(physical, length, FRAMES_MAX)?;
        self.change_rights(id, &capability, binding, runs)
    }

    fn change_rights(
        &mut self,
        id: EnvironmentId,
        capability: &Capability,
        binding: Binding,
        runs: Range<usize>,
    ) -> Handled {
        let bit = crate::bindings::bit(id.place());
        for frame in self.frames_of(runs.clone()) {
            if self.core.frames.get(frame).is_none_or(|record| record.binders & bit == 0) {
                return Err(Error::FrameNotBound.at(frame));
            }
            self.core.check_bindable(frame, capability, binding.rights)?;
        }
        for index in runs {
            let run = self.core.list[index];
            if run.count != 0 {
                self.machine.change(id.place(), run, binding);
            }
        }
        self.machine.flush();
        done(0)
    }

    pub(super) fn set_guard(&mut self, first: u64, count: u64) -> Handled {
        let old = self.credential_with(rights::MODIFY)?;
        let new = self.second_with(rights::MODIFY)?;
        let runs = self.take_run(first, count, FRAMES_MAX)?;
        for frame in self.frames_of(runs) {
            if !old.name.dominates(&self.check_own(frame)?.guard) {
                return Err(Error::Underprivileged.at(frame));
            }
        }
        let mut binders = 0;
        for frame in first..first + count {
            if let Some(record) = self.core.frames.get_mut(frame) {
                record.guard = new.name;
                binders |= record.binders;
            }
        }
        let mut ended = 0;
        for place in crate::bindings::places(binders) {
            if let Some(id) = self.core.environments.at(place) {
                ended += self.core.end_unjustified(self.machine, id, first..first + count);
            }
        }
        self.machine.flush();
        done(ended)
    }

    pub(super) fn set_guaranteed(&mut self, first: u64, count: u64, on: u64) -> Handled {
        if on > 1 {
            return Err(Error::BadArgument.at(on));
        }
        let runs = self.take_run(first, count, FRAMES_MAX)?;
        let mut new = 0;
        for frame in self.frames_of(runs) {
            new += u64::from(self.check_own(frame)?.flags & frame_flags::GUARANTEED == 0);
            if self.core.is_claimed(frame, self.caller) {
                return Err(Error::ClaimPending.at(frame));
            }
        }
        let set = self.core.guaranteed_set(self.caller);
        let guarantee = self.core.environments.get(self.caller).map_or(0, |record| record.guarantee);
        if on == 1 && set + new > guarantee {
            return Err(Error::GuaranteeExceeded.at(guarantee - set));
        }
        for frame in first..first + count {
            if let Some(record) = self.core.frames.get_mut(frame) {
                record.flags =
                    record.flags & !frame_flags::GUARANTEED | if on == 1 { frame_flags::GUARANTEED } else { 0 };
            }
        }
        let set = if on == 1 { set + new } else { set - (count - new) };
        if let Some(private) = self.core.environments.private_mut(self.caller) {
            private.guaranteed = set;
        }
        done(set)
    }

    pub(super) fn reserve_add(&mut self, first: u64, count: u64) -> Handled {
        let capability = self.credential_with(rights::MODIFY)?;
        let runs = self.take_run(first, count, FRAMES_MAX)?;
        for frame in self.frames_of(runs) {
            self.check_reserve(frame, &capability)?;
        }
        self.core.check_leaves_claimed(self.caller, count)?;
        let run = FrameRun { first, count };
        for frame in first..first + count {
            self.core.leave_guaranteed_set(frame, self.caller);
        }
        self.machine.add_reserve(self.caller.place(), run);
        self.core.frames.charge(run, self.caller);
        let Some(record) = self.core.environments.get_mut(self.caller) else { return done(0) };
        record.frames -= count;
        record.reserve += count;
        done(record.reserve)
    }
}
