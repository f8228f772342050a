//! Capabilities and the slots that hold them.

use crate::environment::EnvironmentId;
use exo_abi::capability::{Name, SLOTS};

/// A name and rights.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Dominates the guards that begin with it.
    pub name: Name,
    /// Bits of [`exo_abi::capability::rights`].
    pub rights: u64,
}

impl Capability {
    /// Whether it dominates a guard and has all of these rights.
    #[must_use]
    pub fn allows(&self, guard: &Name, rights: u64) -> bool {
        self.rights & rights == rights && self.name.dominates(guard)
    }
}

/// What a slot holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Slot {
    /// Nothing.
    #[default]
    Empty,
    /// Nothing, but this environment may grant one capability into it.
    Open(EnvironmentId),
    /// A capability.
    Held(Capability),
}

/// The slots of one environment.
#[derive(Clone, Copy, Debug)]
pub struct Slots([Slot; SLOTS]);

impl Slots {
    pub(crate) const EMPTY: Self = Self([Slot::Empty; SLOTS]);

    /// What a slot holds; `None` where there is no such slot.
    #[must_use]
    pub fn slot(&self, slot: u64) -> Option<Slot> {
        self.0.get(usize::try_from(slot).ok()?).copied()
    }

    /// The capability in a slot.
    #[must_use]
    pub fn get(&self, slot: u64) -> Option<Capability> {
        match self.slot(slot)? {
            Slot::Held(capability) => Some(capability),
            _ => None,
        }
    }

    /// All slots by number.
    pub fn iter(&self) -> impl Iterator<Item = (u8, Slot)> + '_ {
        (0..).zip(self.0)
    }

    /// Fills or empties a slot that exists.
    pub(crate) fn set(&mut self, slot: u64, content: Slot) {
        if let Some(place) = usize::try_from(slot).ok().and_then(|slot| self.0.get_mut(slot)) {
            *place = content;
        }
    }
}
