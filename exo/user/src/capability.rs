//! Capabilities in the environment's own slots, each with one holder that empties the slot at the end.

pub(crate) mod slots;
#[cfg(test)]
mod tests;

use crate::EnvironmentId;
use crate::call::{Failure, Kernel, Machine};
use alloc::sync::Arc;
use core::ops::Deref;
use exo_abi::boot_page::BootPage;
use exo_abi::capability::SLOTS as SLOT_COUNT;
pub use exo_abi::capability::{Name, SUFFIX_MAX, rights};
use exo_abi::error::Error;
use slots::Slots;
use spin::Mutex;

static SLOTS: Slots = Slots::new();
/// The environment's own capability lies in slot 0 for as long as it lives.
static OWN: Capability = Capability { slot: 0 };
/// Names by slot, as far as they are known.
static NAMES: Mutex<[Option<Name>; SLOT_COUNT]> = Mutex::new([None; SLOT_COUNT]);

pub(crate) fn initialise(boot: &BootPage) {
    for listed in boot.capabilities() {
        let slot = u8::try_from(listed.slot).unwrap_or(u8::MAX);
        SLOTS.note(slot);
        set_name(slot, Some(listed.name));
    }
    SLOTS.note(OWN.slot);
    // Nobody else may become its holder.
    SLOTS.hold(OWN.slot);
}

fn set_name(slot: u8, name: Option<Name>) {
    if let Some(place) = NAMES.lock().get_mut(usize::from(slot)) {
        *place = name;
    }
}

/// The holder of one slot. Dropping it empties the slot, and the bindings under it end; whatever binds memory under a
/// capability therefore keeps it, see [`Authority`].
#[derive(Debug, PartialEq, Eq)]
pub struct Capability {
    slot: u8,
}

/// A capability that something keeps for as long as it is under it.
#[derive(Clone, Debug)]
pub enum Authority {
    /// The environment's own.
    Own,
    /// Another, which is not dropped before.
    Held(Arc<Capability>),
}

impl Deref for Authority {
    type Target = Capability;

    fn deref(&self) -> &Capability {
        match self {
            Authority::Own => &OWN,
            Authority::Held(capability) => capability,
        }
    }
}

impl From<Arc<Capability>> for Authority {
    fn from(capability: Arc<Capability>) -> Self {
        Authority::Held(capability)
    }
}

/// The bytes of a suffix as the calls take them.
///
/// # Errors
/// [`Error::NameTooLong`] where they are more than [`SUFFIX_MAX`].
fn suffix_word(suffix: &[u8]) -> Result<[u64; 2], Failure> {
    let mut bytes = [0; SUFFIX_MAX];
    bytes.get_mut(..suffix.len()).ok_or(Error::NameTooLong)?.copy_from_slice(suffix);
    Ok([u64::from_le_bytes(bytes), suffix.len() as u64])
}

/// Takes a free slot and has `fill` fill it. A slot that somebody else has filled meanwhile is left to him.
fn fill_slot(slots: &Slots, mut fill: impl FnMut(u64) -> Result<u64, Failure>) -> Result<u8, Failure> {
    loop {
        let slot = slots.take().ok_or(Error::SlotTaken)?;
        match fill(slot.into()) {
            Ok(_) => return Ok(slot),
            Err(Failure { error: Error::SlotTaken, .. }) => slots.unhold(slot),
            Err(failure) => {
                slots.give(slot);
                return Err(failure);
            }
        }
    }
}

impl Capability {
    /// The environment's own capability.
    #[must_use]
    pub fn own() -> &'static Capability {
        &OWN
    }

    /// Becomes the holder of what lies in a slot: a capability that the boot page lists, or one that somebody with authority
    /// over the environment has put there. `None` where it has a holder.
    #[must_use]
    pub fn adopt(slot: u8) -> Option<Capability> {
        // Lazily: a capability that is made is one that is dropped.
        SLOTS.hold(slot).then(|| Capability { slot })
    }

    /// The slot, as calls name it.
    #[must_use]
    pub const fn slot(&self) -> u8 {
        self.slot
    }

    /// Its name, where the environment knows it: the boot page lists it, or it was derived from one that it lists.
    #[must_use]
    pub fn name(&self) -> Option<Name> {
        NAMES.lock().get(usize::from(self.slot)).copied().flatten()
    }

    /// A capability whose name is this one's followed by up to [`SUFFIX_MAX`] bytes, with those of `rights` that this one has.
    ///
    /// # Errors
    /// As the table says; [`Error::SlotTaken`] where no slot is free.
    pub fn derive(&self, suffix: &[u8], rights: u64) -> Result<Capability, Failure> {
        let [word, length] = suffix_word(suffix)?;
        fill_slot(&SLOTS, |to| Machine.capability_derive(self.slot, to, rights, word, length)).map(|slot| {
            set_name(slot, self.name().and_then(|name| name.extended(suffix)));
            Capability { slot }
        })
    }

    /// Copies it into slot `to` of an environment, with those of `rights` that it has. `authority` has MODIFY over the
    /// environment; it is not needed where the environment has opened the slot to this one.
    ///
    /// # Errors
    /// As the table says.
    ///
    /// # Safety
    /// With WRITE or MODIFY the receiver can change all frames whose guards are below the name, and with GRANT pass that
    /// on: no reference may assume otherwise.
    pub unsafe fn grant(
        &self,
        environment: EnvironmentId,
        to: u8,
        rights: u64,
        authority: Option<&Capability>,
    ) -> Result<u64, Failure> {
        let second = authority.map_or(0, Capability::slot);
        // SAFETY: the caller answers for what the receiver does.
        unsafe { Machine.capability_grant(self.slot, second, environment.argument(), to.into(), rights) }
    }

    /// Opens a slot to one grant by an environment. The capability is there once that has happened.
    ///
    /// # Errors
    /// As the table says; [`Error::SlotTaken`] where no slot is free.
    pub fn accept(from: EnvironmentId) -> Result<Capability, Failure> {
        fill_slot(&SLOTS, |to| Machine.capability_accept(to, from.argument())).map(|slot| Capability { slot })
    }

    /// Empties every other slot anywhere that holds this name followed by `suffix`, or anything below; how many they were.
    ///
    /// # Errors
    /// As the table says.
    ///
    /// # Safety
    /// Bindings under those slots end, in this environment too: no reference may lead to memory that is bound so.
    pub unsafe fn revoke(&self, suffix: &[u8]) -> Result<u64, Failure> {
        let [word, length] = suffix_word(suffix)?;
        // SAFETY: the caller answers for the bindings that end.
        unsafe { Machine.capability_revoke(self.slot, word, length) }
    }
}

impl Drop for Capability {
    fn drop(&mut self) {
        // SAFETY: whatever binds memory under a capability keeps it, or answers for it in an unsafe block of its own. An
        // error says that the slot was emptied by somebody else.
        let _ = unsafe { Machine.capability_drop(self.slot.into()) };
        set_name(self.slot, None);
        SLOTS.give(self.slot);
    }
}
