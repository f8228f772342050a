//! Control transfers between virtual CPUs of one CPU that need no look at the state of the exokernel.
//!
//! A guest calls through a gate that its environment has bound in a slot, or replies to its caller. Whoever keeps the state publishes what
//! that needs in the words of [`TRANSFER`]; the assembly below makes the transfer if all of them allow it, and else leaves the exit to
//! the run loop as it is. It takes no lock:
//! * `slots` and `ready` are written by whoever keeps the state, on any CPU. Whoever takes something back there raises the
//!   shootdown's epoch, or sets a CPU's attention and kicks it, afterwards. The assembly reads them, then publishes the space that it goes to
//!   (an atomic exchange), and then looks at the epoch and at the attention: so either it sees that something has changed and makes no
//!   transfer, or it is seen in the new space and kicked there, as in [`Shootdown::enter`](crate::shootdown::Shootdown::enter).
//! * `callers`, `callees` and `contexts` of a virtual CPU are written on its own CPU only.
//!
//! Whatever the public words hold, a transfer goes to a registered context of this CPU whose guest has been left in order.
//!
//! The message is 14 registers, all but rax and rsp: they stay where they are.

mod shortcut;

use super::context::Context;
use crate::shootdown::MAX_SPACES;
use core::ptr::NonNull;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

/// rax of a call, but for the slot in bits 23:16.
pub const CALL: u64 = 48;
/// rax of a reply.
pub const REPLY: u64 = 49;
/// Slots for gates of one environment.
pub const SLOTS: usize = 64;
/// Most virtual CPUs of one environment.
pub const VCPUS: usize = 8;
/// Places for numbers of virtual CPUs: more than there are numbers, so that a mask makes one of any word.
pub const NAMES: usize = (MAX_SPACES as usize * VCPUS + 1).next_power_of_two();
/// In `callers`: the virtual CPU waits to be called.
pub const WAITING: u64 = u64::MAX;

/// The words. Virtual CPU `v` of the environment at place `p` is at `p * VCPUS + v + 1`; at 0 is nobody, of whom nothing is ever true.
#[derive(Debug)]
#[repr(C)]
pub struct Transfer {
    /// Contexts; [`NOBODY`] where there is none, so that nothing that is written to the other words leads anywhere else.
    contexts: [AtomicPtr<Context>; NAMES],
    /// Not 0 where this one may be gone on with, on its CPU, without a look at the state.
    pub ready: [AtomicU64; NAMES],
    /// Who has called this one and waits for its reply; [`WAITING`]; or 0: it runs by itself.
    pub callers: [AtomicU64; NAMES],
    /// For whose reply this one waits, or 0.
    pub callees: [AtomicU64; NAMES],
    /// The number of the gate's virtual CPU in bits 9:0 by environment and slot, or 0. The other bits are the writer's.
    pub slots: [[AtomicU64; SLOTS]; MAX_SPACES as usize],
}

/// That of nobody, from and to whom there is no transfer.
static NOBODY: Context = Context::NOBODY;

/// The words of this machine.
pub static TRANSFER: Transfer = Transfer {
    contexts: [const { AtomicPtr::new((&raw const NOBODY).cast_mut()) }; NAMES],
    ready: [const { AtomicU64::new(0) }; NAMES],
    callers: [const { AtomicU64::new(0) }; NAMES],
    callees: [const { AtomicU64::new(0) }; NAMES],
    slots: [const { [const { AtomicU64::new(0) }; SLOTS] }; MAX_SPACES as usize],
};

/// Which virtual CPU it is, and what others are told of it.
#[derive(Clone, Copy, Debug)]
pub struct Name {
    /// The place of its environment, below [`MAX_SPACES`].
    pub place: usize,
    /// Which of that environment's, below [`VCPUS`].
    pub vcpu: usize,
    /// What whoever it calls finds in rax.
    pub identity: u64,
}

impl Name {
    pub(super) fn number(self) -> u64 {
        (self.place % MAX_SPACES as usize * VCPUS + self.vcpu % VCPUS) as u64 + 1
    }
}

/// The gates that the environment at a place has bound.
pub(super) fn slots(place: usize) -> &'static [AtomicU64; SLOTS] {
    &TRANSFER.slots[place % MAX_SPACES as usize]
}

/// Makes a context known, or nobody's. Only on the virtual CPU's own CPU, while no guest runs there.
pub(super) fn register(number: u64, context: Option<NonNull<Context>>) {
    let number = usize::try_from(number).unwrap_or(0) % NAMES;
    let context = context.map_or((&raw const NOBODY).cast_mut(), NonNull::as_ptr);
    TRANSFER.contexts[number].store(context, Ordering::Release);
}
