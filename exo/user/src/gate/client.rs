//! Calling.

use super::Message;
use crate::EnvironmentId;
use crate::call::{Failure, Kernel, Machine};
use crate::capability::Authority;
use crate::capability::slots::Slots;
use exo_abi::call::{Call, Request};
use exo_abi::error::Error;

/// The gate slots.
static SLOTS: Slots = Slots::new();

/// A gate that is bound. Dropping it empties its slot.
#[derive(Debug)]
pub struct Gate {
    slot: u8,
    /// The binding ends with it.
    _under: Authority,
}

impl Gate {
    /// Binds the gate that a virtual CPU of an environment is, under a capability with the right CALL over it.
    ///
    /// # Errors
    /// [`Error::SlotTaken`] where all gate slots are in use; else as the table says.
    pub fn bind(under: impl Into<Authority>, environment: EnvironmentId, vcpu: u64) -> Result<Gate, Failure> {
        let under = under.into();
        let slot = SLOTS.take().ok_or(Error::SlotTaken)?;
        match Machine.gate_bind(under.slot(), environment.argument(), vcpu, slot.into()) {
            Ok(_) => Ok(Gate { slot, _under: under }),
            Err(failure) => {
                SLOTS.give(slot);
                Err(failure)
            }
        }
    }

    /// Calls the gate and waits for its reply. It costs two exits, one there and one back.
    ///
    /// # Errors
    /// [`Error::GateBusy`] and the others that the table names; the message has not been answered then.
    #[inline(always)]
    pub fn call(&self, message: Message) -> Result<Message, Failure> {
        let (status, message) = self.transfer(Call::GateCall, message);
        if status == 0 { Ok(message) } else { Err(failure(status, message)) }
    }

    /// Sends a message and does not wait.
    ///
    /// # Errors
    /// As the table says.
    pub fn send(&self, message: Message) -> Result<(), Failure> {
        let (status, message) = self.transfer(Call::GateSend, message);
        if status == 0 { Ok(()) } else { Err(failure(status, message)) }
    }

    #[inline(always)]
    fn transfer(&self, call: Call, message: Message) -> (u64, Message) {
        let word = Request { number: call as u16, credential: self.slot, second: 0 }.to_word();
        super::transfer(word, message)
    }
}

fn failure(status: u64, message: Message) -> Failure {
    Failure { error: Error::from_number(status).unwrap_or(Error::UnknownCall), detail: message[2] }
}

impl Drop for Gate {
    fn drop(&mut self) {
        // It fails where the kernel has ended the binding before: the slot is empty then too.
        let _ = Machine.gate_unbind(self.slot.into());
        SLOTS.give(self.slot);
    }
}
