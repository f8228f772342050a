//! The whole state, and what the kernel's glue does with it at boot.

mod create_error;

pub use create_error::CreateError;

use crate::capability::{Capability, Slot};
use crate::environment::{EnvironmentId, Environments, Private};
use crate::frames::{FrameError, FrameTable, own};
use crate::gates::{GateWords, Mailbox};
use crate::machine::{Binding, Machine};
use crate::slices::Slices;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_abi::boot_page::FrameRun;
use exo_abi::capability::{Name, rights};
use exo_abi::info::{EnvironmentRecord, FrameRecord, MAX_NAME, MAX_VCPUS, SliceVector, SystemPage};

/// Where the state lies. What library OSes may read is in pages of its own, which the glue exposes.
#[derive(Debug)]
pub struct Storage<'a> {
    /// The machine: its facts are filled in, the counters are zero.
    pub system: &'a mut SystemPage,
    /// [`MAX_ENVIRONMENTS`](exo_abi::info::MAX_ENVIRONMENTS) records.
    pub environments: &'a mut [EnvironmentRecord],
    /// What is not exposed of them.
    pub private: &'a mut [Private],
    /// Events that have happened and are not yet in a virtual CPU's event page: [`MAX_VCPUS`] words for each environment. The glue
    /// reads and clears them.
    pub events: &'a [AtomicU64],
    /// One for each CPU.
    pub slices: &'a mut [SliceVector],
    /// One record for each frame by number.
    pub frames: &'a mut [FrameRecord],
    /// The words of gates and calls.
    pub gates: GateWords<'a>,
    /// One for each virtual CPU that there can be ([`NUMBERS`](crate::gates::NUMBERS)).
    pub mail: &'a mut [Mailbox],
    /// Room for the list of one call: [`LIST_MAX`](exo_abi::call::LIST_MAX) runs.
    pub list: &'a mut [FrameRun],
}

/// Who owns what.
#[derive(Debug)]
pub struct Core<'a> {
    pub(crate) system: &'a mut SystemPage,
    pub(crate) environments: Environments<'a>,
    pub(crate) events: &'a [AtomicU64],
    pub(crate) slices: Slices<'a>,
    pub(crate) frames: FrameTable<'a>,
    pub(crate) gates: GateWords<'a>,
    pub(crate) mail: &'a mut [Mailbox],
    pub(crate) list: &'a mut [FrameRun],
    pub(crate) claim_serial: u64,
    /// Claims under way.
    pub(crate) claims: u32,
    /// CPUs that take no part after all, one bit each.
    pub(crate) absent: u64,
}

/// What an environment of the manifest is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewEnvironment<'n> {
    /// Its name for people.
    pub name: &'n str,
    /// Guards it and its frames; its first slot holds the capability of this name.
    pub guard: Name,
    /// The rights of that capability.
    pub rights: u64,
    /// Frames that it can never be asked to return.
    pub guarantee: u64,
    /// The run does not wait for it to end.
    pub background: bool,
    /// It gets what is typed at the console.
    pub input: bool,
}

impl<'a> Core<'a> {
    /// A state without environments. Free frames are declared next.
    #[must_use]
    pub fn new(storage: Storage<'a>) -> Self {
        let Storage { system, environments, private, events, slices, frames, gates, mail, list } = storage;
        mail.fill(Mailbox::EMPTY);
        Self {
            system,
            environments: Environments::new(environments, private),
            events,
            slices: Slices::new(slices),
            frames: FrameTable::new(frames),
            gates,
            mail,
            list,
            claim_serial: 0,
            claims: 0,
            absent: 0,
        }
    }

    /// A CPU takes no part after all: from now on there is no such CPU for any call.
    pub fn without_cpu(&mut self, cpu: u32) {
        self.absent |= 1_u64.checked_shl(cpu).unwrap_or(0);
    }

    /// Says at boot that frames are free memory, and may be guaranteed.
    ///
    /// # Errors
    /// A run outside the table, or a frame declared before; nothing changes then.
    pub fn declare_free(&mut self, run: FrameRun) -> Result<(), FrameError> {
        self.frames.declare_free(run)?;
        self.system.frames_guaranteeable += run.count;
        Ok(())
    }

    /// Says at boot that frames are the kernel's own.
    ///
    /// # Errors
    /// As [`declare_free`](Self::declare_free).
    pub fn declare_kernel(&mut self, run: FrameRun) -> Result<(), FrameError> {
        self.frames.declare_kernel(run)
    }

    /// The environments.
    #[must_use]
    pub fn environments(&self) -> &Environments<'a> {
        &self.environments
    }

    /// The frames.
    #[must_use]
    pub fn frames(&self) -> &FrameTable<'a> {
        &self.frames
    }

    /// The slice vectors by CPU.
    #[must_use]
    pub fn slices(&self) -> &Slices<'a> {
        &self.slices
    }

    /// The system page.
    #[must_use]
    pub fn system(&self) -> &SystemPage {
        self.system
    }

    /// Counts a shootdown.
    pub fn count_shootdown(&mut self) {
        self.system.shootdowns += 1;
    }

    /// Makes an environment of the manifest, stopped, with `reserve` frames of metadata at the lowest free run.
    ///
    /// # Errors
    /// The first property that cannot be had; nothing changes then.
    pub fn boot_environment(
        &mut self,
        machine: &mut dyn Machine,
        new: &NewEnvironment<'_>,
        reserve: u64,
    ) -> Result<EnvironmentId, CreateError> {
        if !(1..=MAX_NAME).contains(&new.name.len()) {
            return Err(CreateError::Name);
        }
        let has_input = |(id, _): (EnvironmentId, &EnvironmentRecord)| {
            self.environments.is_live(id) && self.environments.private(id).is_some_and(|private| private.input)
        };
        if new.input && self.environments.iter().any(has_input) {
            return Err(CreateError::InputTaken);
        }
        let guaranteed = self.system.frames_guaranteed.checked_add(new.guarantee).ok_or(CreateError::Guarantee)?;
        // What is metadata is nobody's to claim: it cannot be guaranteed as well.
        let reserves = self.environments.iter().map(|(_, record)| record.reserve).sum::<u64>();
        let needed = reserves.checked_add(reserve).and_then(|reserves| guaranteed.checked_add(reserves));
        if needed.is_none_or(|needed| needed > self.system.frames_guaranteeable) {
            return Err(CreateError::Guarantee);
        }
        let id = self.environments.next_id().ok_or(CreateError::TableFull)?;
        let first = self.frames.find_free(reserve, 1).map_err(CreateError::Frames)?;
        let run = FrameRun { first, count: reserve };
        machine.open(id, &[run]).map_err(|_| CreateError::Reserve)?;
        self.environments.fill(id, None, new.guard);
        self.environments.name(id, new.name.as_bytes());
        self.frames.charge(run, id);
        self.system.frames_guaranteed = guaranteed;
        if let Some(record) = self.environments.get_mut(id) {
            record.guarantee = new.guarantee;
            record.reserve = reserve;
        }
        if let Some(private) = self.environments.private_mut(id) {
            (private.background, private.input) = (new.background, new.input);
            private.slots.set(0, Slot::Held(Capability { name: new.guard, rights: new.rights }));
        }
        Ok(id)
    }

    /// Gives an environment of the manifest the lowest run of free frames that is long enough at this alignment, zeroed, under its own
    /// guard and bound with all rights under its slot 0.
    ///
    /// # Errors
    /// What cannot be had.
    pub fn boot_frames(
        &mut self,
        machine: &mut dyn Machine,
        id: EnvironmentId,
        count: u64,
        align: u64,
    ) -> Result<FrameRun, CreateError> {
        const ALL: u64 = rights::READ | rights::WRITE | rights::EXECUTE;
        let first = self.frames.find_free(count, align).map_err(CreateError::Frames)?;
        let run = FrameRun { first, count };
        let guard = self.environments.get(id).map(|record| record.guard).unwrap_or_default();
        machine.scrub(run);
        self.frames.run_mut(run).iter_mut().for_each(|record| own(record, id, guard));
        if let Some(record) = self.environments.get_mut(id) {
            record.frames += count;
        }
        self.bind(machine, id, run, Binding { rights: ALL, slot: 0 }).map_err(|_| CreateError::Reserve)?;
        Ok(run)
    }

    /// Puts a capability of the manifest into a slot; `false` where the slot does not exist or is in use.
    pub fn boot_capability(&mut self, id: EnvironmentId, slot: u64, capability: Capability) -> bool {
        let Some(private) = self.environments.private_mut(id) else { return false };
        let empty = private.slots.slot(slot) == Some(Slot::Empty);
        if empty {
            private.slots.set(slot, Slot::Held(capability));
        }
        empty
    }

    /// Events of a virtual CPU that are to go into its event page; they are the glue's from here on.
    #[must_use]
    pub fn take_events(&self, id: EnvironmentId, vcpu: usize) -> u64 {
        // Acquire: what the events are about was written before they were raised.
        let events = self.event_word(id, vcpu).map_or(0, |word| word.swap(0, Ordering::Acquire));
        if events != 0 {
            self.publish_ready((id, vcpu));
        }
        events
    }

    pub(crate) fn event_word(&self, id: EnvironmentId, vcpu: usize) -> Option<&'a AtomicU64> {
        self.events.get(id.place().checked_mul(MAX_VCPUS)?.checked_add(vcpu)?)
    }
}
