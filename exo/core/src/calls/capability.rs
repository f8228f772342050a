//! The calls on capabilities.

use super::{At, Context, Failure, Handled, done};
use crate::capability::{Capability, Slot};
use crate::environment::EnvironmentId;
use exo_abi::capability::{Name, SUFFIX_MAX, rights};
use exo_abi::error::Error;

impl Context<'_, '_> {
    pub(super) fn capability_derive(&mut self, to: u64, wanted: u64, suffix: u64, length: u64) -> Handled {
        let parent = self.credential()?;
        let name = extended(&parent.name, suffix, length)?;
        self.check_slot(self.caller, to, |slot| slot == Slot::Empty)?;
        let rights = checked_rights(wanted)? & parent.rights;
        self.fill(self.caller, to, Slot::Held(Capability { name, rights }));
        done(rights)
    }

    pub(super) fn capability_grant(&mut self, environment: u64, to: u64, wanted: u64) -> Handled {
        let given = self.credential_with(rights::GRANT)?;
        let id = self.environment(environment)?;
        let open = self.core.environments.private(id).and_then(|private| private.slots.slot(to));
        if open == Some(Slot::Open(self.caller)) {
            // The second credential is not needed, but a wrong one is still a mistake.
        } else {
            self.own_environment_or_second(environment)?;
            self.check_slot(id, to, |slot| slot == Slot::Empty)?;
        }
        let rights = checked_rights(wanted)? & given.rights;
        self.fill(id, to, Slot::Held(Capability { name: given.name, rights }));
        done(rights)
    }

    pub(super) fn capability_accept(&mut self, to: u64, environment: u64) -> Handled {
        self.check_slot(self.caller, to, |slot| slot == Slot::Empty)?;
        let from = self.environment(environment)?;
        self.fill(self.caller, to, Slot::Open(from));
        done(0)
    }

    pub(super) fn capability_drop(&mut self, slot: u64) -> Handled {
        let slots = self.core.environments.private(self.caller).map(|private| &private.slots);
        match slots.and_then(|slots| slots.slot(slot)) {
            None | Some(Slot::Empty) => return Err(Error::BadSlot.at(slot)),
            Some(Slot::Open(_) | Slot::Held(_)) => {}
        }
        self.fill(self.caller, slot, Slot::Empty);
        let ended = self.core.end_unjustified(self.machine, self.caller, 0..u64::MAX)
            + self.core.end_unjustified_gates(self.machine, self.caller);
        self.machine.flush();
        done(ended)
    }

    pub(super) fn capability_revoke(&mut self, suffix: u64, length: u64) -> Handled {
        let capability = self.credential_with(rights::REVOKE)?;
        let name = extended(&capability.name, suffix, length)?;
        let presented = (self.caller, self.credential);
        let mut emptied = 0;
        for place in 0..exo_abi::info::MAX_ENVIRONMENTS {
            let Some(id) = self.core.environments.at(place) else { continue };
            let Some(private) = self.core.environments.private_mut(id) else { continue };
            let mut lost = 0;
            for (slot, held) in private.slots.clone().iter() {
                let below = matches!(held, Slot::Held(other) if name.dominates(&other.name));
                if below && (id, slot) != presented {
                    private.slots.set(slot.into(), Slot::Empty);
                    lost += 1;
                }
            }
            if lost != 0 {
                self.core.end_unjustified(self.machine, id, 0..u64::MAX);
                self.core.end_unjustified_gates(self.machine, id);
                self.core.raise_environment(self.machine, id, exo_abi::events::CREDENTIAL_REVOKED);
            }
            emptied += lost;
        }
        self.machine.flush();
        done(emptied)
    }

    fn check_slot(&self, id: EnvironmentId, slot: u64, allowed: impl Fn(Slot) -> bool) -> Result<(), Failure> {
        let slots = self.core.environments.private(id).map(|private| &private.slots);
        match slots.and_then(|slots| slots.slot(slot)) {
            None => Err(Error::BadSlot.at(slot)),
            Some(content) if allowed(content) => Ok(()),
            Some(_) => Err(Error::SlotTaken.at(slot)),
        }
    }

    fn fill(&mut self, id: EnvironmentId, slot: u64, content: Slot) {
        if let Some(private) = self.core.environments.private_mut(id) {
            private.slots.set(slot, content);
        }
    }
}

fn checked_rights(wanted: u64) -> Result<u64, Failure> {
    if wanted & !rights::ALL == 0 { Ok(wanted) } else { Err(Error::BadArgument.at(wanted)) }
}

/// A name followed by the lowest `length` bytes of a register; the rest of the register is 0.
fn extended(name: &Name, suffix: u64, length: u64) -> Result<Name, Failure> {
    let length = usize::try_from(length).ok().filter(|&length| length <= SUFFIX_MAX).ok_or(Error::BadArgument)?;
    let bytes = suffix.to_le_bytes();
    let (used, rest) = bytes.split_at(length);
    if rest.iter().any(|&byte| byte != 0) {
        return Err(Error::BadArgument.at(suffix));
    }
    name.extended(used).ok_or(Error::NameTooLong.into())
}
