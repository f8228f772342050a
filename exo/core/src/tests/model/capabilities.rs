//! Capabilities: slots, names, what ends with them.

use super::{Answer, Fail, Id, Model, Slot, done, fails};
use exo_abi::environment_page::{Repossession, kind, reason};
use exo_abi::error::Error;
use exo_abi::events;
use std::vec::Vec;

pub(crate) const GRANT: u64 = 16;
pub(crate) const MODIFY: u64 = 8;

/// Whether a capability allows this with what has that guard.
pub(crate) fn allows(capability: &(Vec<u8>, u64), guard: &[u8], rights: u64) -> bool {
    guard.starts_with(&capability.0) && capability.1 & rights == rights
}

fn with_suffix(name: &[u8], suffix: u64, length: u64) -> Result<Vec<u8>, Fail> {
    if length > 8 {
        return fails(Error::BadArgument);
    }
    let bytes = suffix.to_le_bytes();
    let (used, rest) = bytes.split_at(length as usize);
    if rest.iter().any(|&byte| byte != 0) {
        return Err((Error::BadArgument, suffix));
    }
    let name = [name, used].concat();
    if name.len() > 15 { fails(Error::NameTooLong) } else { Ok(name) }
}

fn known_rights(rights: u64) -> Result<u64, Fail> {
    if rights < 1024 { Ok(rights) } else { Err((Error::BadArgument, rights)) }
}

impl Model {
    /// The capability in a slot.
    pub(crate) fn capability(&self, id: Id, slot: u64) -> Result<(Vec<u8>, u64), Fail> {
        match self.get(id).and_then(|environment| environment.slots.get(&slot)) {
            Some(Slot::Held(name, rights)) => Ok((name.clone(), *rights)),
            _ => Err((Error::BadSlot, slot)),
        }
    }

    pub(crate) fn capability_with(&self, id: Id, slot: u64, rights: u64) -> Result<(Vec<u8>, u64), Fail> {
        let capability = self.capability(id, slot)?;
        if capability.1 & rights == rights { Ok(capability) } else { fails(Error::Underprivileged) }
    }

    /// A call whose credential has MODIFY.
    pub(super) fn with_modify(&mut self, me: Id, slot: u64, call: impl FnOnce(&mut Self, Vec<u8>) -> Answer) -> Answer {
        let (name, _) = self.capability_with(me, slot, MODIFY)?;
        call(self, name)
    }

    /// The live environment that an argument names.
    pub(crate) fn named(&self, me: Id, argument: u64) -> Result<Id, Fail> {
        let id = if argument == 0 { me } else { Id::from_argument(argument) };
        if self.lives(id) { Ok(id) } else { fails(Error::NoSuchEnvironment) }
    }

    /// The same, over which the credential has these rights.
    pub(crate) fn named_under(&self, me: Id, slot: u64, argument: u64, rights: u64) -> Result<Id, Fail> {
        let id = self.named(me, argument)?;
        self.over(me, slot, id, rights).map(|()| id)
    }

    /// Whether a capability of the caller's has these rights over an environment.
    pub(crate) fn over(&self, me: Id, slot: u64, id: Id, rights: u64) -> Result<(), Fail> {
        let capability = self.capability(me, slot)?;
        let guard = self.get(id).map(|environment| environment.guard.clone()).unwrap_or_default();
        if allows(&capability, &guard, rights) { Ok(()) } else { fails(Error::Underprivileged) }
    }

    /// The caller, or an environment over which the second credential has MODIFY.
    pub(crate) fn mine_or_second(&self, me: Id, second: u64, argument: u64) -> Result<Id, Fail> {
        let id = self.named(me, argument)?;
        if id != me {
            self.over(me, second, id, MODIFY)?;
        }
        Ok(id)
    }

    fn empty_slot(&self, id: Id, slot: u64) -> Result<(), Fail> {
        if slot >= 64 {
            return Err((Error::BadSlot, slot));
        }
        let taken = self.get(id).is_some_and(|environment| environment.slots.contains_key(&slot));
        if taken { Err((Error::SlotTaken, slot)) } else { Ok(()) }
    }

    pub(super) fn derive(&mut self, me: Id, credential: u64, [to, rights, suffix, length]: [u64; 4]) -> Answer {
        let (name, has) = self.capability(me, credential)?;
        let name = with_suffix(&name, suffix, length)?;
        self.empty_slot(me, to)?;
        let rights = known_rights(rights)? & has;
        self.of(me).slots.insert(to, Slot::Held(name, rights));
        done(rights)
    }

    pub(super) fn grant(&mut self, me: Id, (first, second): (u64, u64), [argument, to, rights]: [u64; 3]) -> Answer {
        let (name, has) = self.capability_with(me, first, GRANT)?;
        let id = self.named(me, argument)?;
        if self.of(id).slots.get(&to) != Some(&Slot::Open(me)) {
            self.mine_or_second(me, second, argument)?;
            self.empty_slot(id, to)?;
        }
        let rights = known_rights(rights)? & has;
        self.of(id).slots.insert(to, Slot::Held(name, rights));
        done(rights)
    }

    pub(super) fn accept(&mut self, me: Id, to: u64, argument: u64) -> Answer {
        self.empty_slot(me, to)?;
        let from = self.named(me, argument)?;
        self.of(me).slots.insert(to, Slot::Open(from));
        done(0)
    }

    pub(super) fn drop_slot(&mut self, me: Id, slot: u64) -> Answer {
        if self.of(me).slots.remove(&slot).is_none() {
            return Err((Error::BadSlot, slot));
        }
        done(self.end_unjustified(me) + self.end_unjustified_gates(me))
    }

    pub(super) fn revoke(&mut self, me: Id, credential: u64, suffix: u64, length: u64) -> Answer {
        let (name, _) = self.capability_with(me, credential, 32)?;
        let name = with_suffix(&name, suffix, length)?;
        let mut emptied = 0;
        let everybody: Vec<Id> = self.environments.values().map(|environment| environment.id).collect();
        for id in everybody {
            let below = |slot: &u64, held: &Slot| {
                matches!(held, Slot::Held(other, _) if other.starts_with(&name)) && (id, *slot) != (me, credential)
            };
            let environment = self.of(id);
            let before = environment.slots.len();
            environment.slots.retain(|slot, held| !below(slot, held));
            let lost = (before - environment.slots.len()) as u64;
            if lost != 0 {
                self.end_unjustified(id);
                self.end_unjustified_gates(id);
                self.raise_all(id, events::CREDENTIAL_REVOKED);
            }
            emptied += lost;
        }
        done(emptied)
    }

    /// Ends the bindings of an environment that its slots do not allow any more; says how many.
    pub(super) fn end_unjustified(&mut self, id: Id) -> u64 {
        let all = 0..self.frames.len() as u64;
        self.end_unjustified_in(id, all)
    }

    /// The same for some frames. What follows one another is one entry, however it was bound.
    pub(super) fn end_unjustified_in(&mut self, id: Id, frames: core::ops::Range<u64>) -> u64 {
        let mut lost: Vec<u64> = Vec::new();
        for frame in frames {
            let Some(&(rights, slot)) = self.bindings.get(&(id, frame)) else { continue };
            let allowed = self.capability(id, slot).is_ok_and(|held| allows(&held, &self.guard(frame), rights));
            if !allowed {
                lost.push(frame);
            }
        }
        lost.iter().for_each(|frame| {
            self.bindings.remove(&(id, *frame));
        });
        for group in lost.chunk_by(|a, b| a + 1 == *b) {
            self.repossess(id, reason::CREDENTIAL, group[0], group.len() as u64);
        }
        lost.len() as u64
    }

    pub(super) fn repossess(&mut self, id: Id, why: u32, first: u64, count: u64) {
        self.enter(id, Repossession { kind: kind::FRAMES, reason: why, first, count });
    }

    pub(super) fn enter(&mut self, id: Id, entry: Repossession) {
        self.of(id).page.log.push(entry);
        self.saw(match entry.reason {
            reason::CREDENTIAL => "a credential takes bindings with it",
            reason::OWNER => "an owner takes a binding",
            _ => "something is forced",
        });
        if self.of(id).page.log.len() > 128 {
            self.saw("the repossession vector wraps");
        }
        let credential = if entry.reason == reason::CREDENTIAL { events::CREDENTIAL_REVOKED } else { 0 };
        self.raise_all(id, events::REPOSSESSION | credential);
    }
}
