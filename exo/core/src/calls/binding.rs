//! The calls on bindings.

use super::{At, Context, Failure, Handled, done};
use crate::bindings::bit;
use crate::capability::Capability;
use crate::environment::EnvironmentId;
use crate::machine::Binding;
use exo_abi::boot_page::FrameRun;
use exo_abi::call::FRAMES_MAX;
use exo_abi::capability::rights;
use exo_abi::environment_page::reason;
use exo_abi::error::Error;

const BINDABLE: u64 = rights::READ | rights::WRITE | rights::EXECUTE;

/// Where something is bound, and what allows it.
struct Place {
    id: EnvironmentId,
    /// That of the slot that it is bound under.
    capability: Capability,
    binding: Binding,
}

impl Context<'_, '_> {
    pub(super) fn bind_run(&mut self, environment: u64, slot: u64, wanted: u64, first: u64, count: u64) -> Handled {
        let place = self.place(environment, slot, wanted)?;
        let run = self.run(first, count, FRAMES_MAX)?;
        self.check_bindable(&place, run, false)?;
        let bound = self.core.bind(self.machine, place.id, run, place.binding);
        bound.map_or(Err(Error::ReserveEmpty.into()), |()| done(0))
    }

    pub(super) fn bind_list(&mut self, environment: u64, slot: u64, wanted: u64, list: u64, length: u64) -> Handled {
        let place = self.place(environment, slot, wanted)?;
        let runs = self.take_list(list, length, FRAMES_MAX)?;
        for index in runs.clone() {
            self.check_bindable(&place, self.core.list[index], false)?;
        }
        for index in runs.clone() {
            if self.core.bind(self.machine, place.id, self.core.list[index], place.binding).is_err() {
                for undone in runs.start..index {
                    self.core.unbind(self.machine, place.id, self.core.list[undone]);
                }
                self.machine.flush();
                return Err(Error::ReserveEmpty.into());
            }
        }
        done(0)
    }

    /// Checks that a run can be bound at a place, and is bound there already or not.
    fn check_bindable(&self, place: &Place, run: FrameRun, bound: bool) -> Result<(), Failure> {
        self.core.check_bindable(run, &place.capability, place.binding.rights, (place.id.place(), bound))
    }

    fn place(&self, environment: u64, slot: u64, wanted: u64) -> Result<Place, Failure> {
        let id = self.own_environment_or_second(environment)?;
        let slots = self.core.environments.private(id).map(|private| &private.slots);
        let capability = slots.and_then(|slots| slots.get(slot)).ok_or(Error::BadSlot.at(slot))?;
        if wanted & !BINDABLE != 0 || !self.machine.can_bind(wanted) {
            return Err(Error::BadRights.at(wanted));
        }
        let slot = u8::try_from(slot).map_err(|_| Error::BadSlot)?;
        Ok(Place { id, capability, binding: Binding { rights: wanted, slot } })
    }

    pub(super) fn unbind_run(&mut self, environment: u64, first: u64, count: u64) -> Handled {
        let id = self.environment(environment)?;
        let run = self.run(first, count, FRAMES_MAX)?;
        let over_frames = self.authority_to_unbind(id)?;
        self.check_unbinding(id, over_frames.as_ref(), run)?;
        self.unbind(id, over_frames.as_ref(), run);
        self.machine.flush();
        done(0)
    }

    pub(super) fn unbind_list(&mut self, environment: u64, list: u64, length: u64) -> Handled {
        let id = self.environment(environment)?;
        let runs = self.take_list(list, length, FRAMES_MAX)?;
        let over_frames = self.authority_to_unbind(id)?;
        for index in runs.clone() {
            self.check_unbinding(id, over_frames.as_ref(), self.core.list[index])?;
        }
        for index in runs {
            self.unbind(id, over_frames.as_ref(), self.core.list[index]);
        }
        self.machine.flush();
        done(0)
    }

    /// Whoever may act in an environment may unbind there: `None`. Else the frames' own guards decide, under this capability.
    fn authority_to_unbind(&self, id: EnvironmentId) -> Result<Option<Capability>, Failure> {
        match self.own_environment_or_second(id.to_argument()) {
            Ok(_) => Ok(None),
            Err(refused) => self.credential_with(rights::MODIFY).map(Some).map_err(|_| refused),
        }
    }

    fn check_unbinding(
        &self,
        id: EnvironmentId,
        over_frames: Option<&Capability>,
        run: FrameRun,
    ) -> Result<(), Failure> {
        let bit = bit(id.place());
        let records = self.core.frames.run(run);
        let in_all = records.iter().fold(bit, |all, record| all & record.binders);
        if over_frames.is_none() && in_all != 0 {
            return Ok(());
        }
        for (frame, record) in (run.first..).zip(records) {
            if over_frames.is_some_and(|capability| !capability.name.dominates(&record.guard)) {
                return Err(Error::Underprivileged.at(frame));
            }
            if record.binders & bit == 0 {
                return Err(Error::FrameNotBound.at(frame));
            }
        }
        Ok(())
    }

    fn unbind(&mut self, id: EnvironmentId, over_frames: Option<&Capability>, run: FrameRun) {
        self.core.unbind(self.machine, id, run);
        if over_frames.is_some() && run.count != 0 {
            self.core.repossess(self.machine, id, run, reason::OWNER);
        }
    }

    pub(super) fn change_rights_run(
        &mut self,
        environment: u64,
        slot: u64,
        wanted: u64,
        first: u64,
        count: u64,
    ) -> Handled {
        let place = self.place(environment, slot, wanted)?;
        let run = self.run(first, count, FRAMES_MAX)?;
        self.check_bindable(&place, run, true)?;
        self.change_rights(&place, run);
        self.machine.flush();
        done(0)
    }

    pub(super) fn change_rights_list(
        &mut self,
        environment: u64,
        slot: u64,
        wanted: u64,
        list: u64,
        length: u64,
    ) -> Handled {
        let place = self.place(environment, slot, wanted)?;
        let runs = self.take_list(list, length, FRAMES_MAX)?;
        for index in runs.clone() {
            self.check_bindable(&place, self.core.list[index], true)?;
        }
        for index in runs {
            self.change_rights(&place, self.core.list[index]);
        }
        self.machine.flush();
        done(0)
    }

    fn change_rights(&mut self, place: &Place, run: FrameRun) {
        if run.count != 0 {
            self.machine.change(place.id.place(), run, place.binding);
        }
    }
}
