//! Being called.

use super::Message;
use crate::EnvironmentId;
use crate::call::{Failure, Kernel, Machine};
use crate::capability::Capability;
use exo_abi::call::Call;
use exo_abi::error::Error;

/// Makes the virtual CPU with this number a gate, guarded by the name of `guard`. It can be called once it waits.
///
/// # Errors
/// As the table says.
pub fn open(guard: &Capability, vcpu: usize) -> Result<(), Failure> {
    Machine.gate_open(guard.slot(), vcpu as u64).map(drop)
}

/// Makes it a gate no longer: a virtual CPU that waits, or next does, finds out.
///
/// # Errors
/// As the table says.
pub fn close(vcpu: usize) -> Result<(), Failure> {
    Machine.gate_close(vcpu as u64).map(drop)
}

/// What somebody asks.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// Who asks: the kernel's word, not the caller's.
    pub caller: EnvironmentId,
    /// What.
    pub message: Message,
}

/// Replies to whoever has called, if somebody has, and waits for the next message. Interrupts should be on: then calls take the kernel's
/// shortest path.
///
/// # Errors
/// [`Error::NoSuchGate`] where this virtual CPU is not, or no longer, a gate.
#[inline(always)]
pub fn reply_and_wait(reply: Message) -> Result<Request, Error> {
    let (word, message) = super::transfer(Call::GateReply as u64, reply);
    // A generation is never 0, so that no environment looks like an error.
    match word >> 32 {
        0 => Err(Error::NoSuchGate),
        _ => Ok(Request { caller: EnvironmentId::from_value(word), message }),
    }
}

/// Answers messages with `answer` until the gate is closed.
///
/// # Errors
/// [`Error::NoSuchGate`] then.
#[inline(always)]
pub fn serve(mut answer: impl FnMut(Request) -> Message) -> Result<core::convert::Infallible, Error> {
    let mut reply = [0; 6];
    loop {
        reply = answer(reply_and_wait(reply)?);
    }
}
