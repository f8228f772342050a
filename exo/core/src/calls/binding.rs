//! The calls on bindings.

use super::{At, Context, Failure, Handled, done};
use crate::bindings::bit;
use crate::capability::Capability;
use crate::environment::EnvironmentId;
use crate::machine::Binding;
use core::ops::Range;
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
        let runs = self.take_run(first, count, FRAMES_MAX)?;
        self.bind(&place, runs)
    }

    pub(super) fn bind_list(&mut self, environment: u64, slot: u64, wanted: u64, list: u64, length: u64) -> Handled {
        let place = self.place(environment, slot, wanted)?;
        let runs = self.take_list(list, length, FRAMES_MAX)?;
        self.bind(&place, runs)
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

    fn bind(&mut self, place: &Place, runs: Range<usize>) -> Handled {
        let Place { id, capability, binding } = place;
        for run in &self.core.list[runs.clone()] {
            self.core.check_bindable(*run, capability, binding.rights, (id.place(), false))?;
        }
        for index in runs.clone() {
            let run = self.core.list[index];
            if run.count != 0 && self.core.bind(self.machine, *id, run, *binding).is_err() {
                for undone in runs.start..index {
                    let run = self.core.list[undone];
                    if run.count != 0 {
                        self.core.unbind(self.machine, *id, run);
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

    pub(super) fn unbind_list(&mut self, environment: u64, list: u64, length: u64) -> Handled {
        let id = self.environment(environment)?;
        let runs = self.take_list(list, length, FRAMES_MAX)?;
        self.unbind(id, runs)
    }

    fn unbind(&mut self, id: EnvironmentId, runs: Range<usize>) -> Handled {
        // Whoever may act in the environment may unbind there; else the frames' own guards decide.
        let over_frames = match self.own_environment_or_second(id.to_argument()) {
            Ok(_) => None,
            Err(refused) => Some(self.credential_with(rights::MODIFY).map_err(|_| refused)?),
        };
        let bit = bit(id.place());
        for run in &self.core.list[runs.clone()] {
            let records = self.core.frames.run(*run);
            if over_frames.is_none() && records.iter().all(|record| record.binders & bit != 0) {
                continue;
            }
            for (frame, record) in (run.first..).zip(records) {
                if over_frames.is_some_and(|capability| !capability.name.dominates(&record.guard)) {
                    return Err(Error::Underprivileged.at(frame));
                }
                if record.binders & bit == 0 {
                    return Err(Error::FrameNotBound.at(frame));
                }
            }
        }
        for index in runs {
            let run = self.core.list[index];
            if run.count == 0 {
                continue;
            }
            self.core.unbind(self.machine, id, run);
            if over_frames.is_some() {
                self.core.repossess(self.machine, id, run, reason::OWNER);
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
        let place = self.place(environment, slot, wanted)?;
        let runs = self.take_run(first, count, FRAMES_MAX)?;
        self.change_rights(&place, runs)
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
        self.change_rights(&place, runs)
    }

    fn change_rights(&mut self, place: &Place, runs: Range<usize>) -> Handled {
        let Place { id, capability, binding } = place;
        for run in &self.core.list[runs.clone()] {
            self.core.check_bindable(*run, capability, binding.rights, (id.place(), true))?;
        }
        for index in runs {
            let run = self.core.list[index];
            if run.count != 0 {
                self.machine.change(id.place(), run, *binding);
            }
        }
        self.machine.flush();
        done(0)
    }
}
