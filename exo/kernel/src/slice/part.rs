//! A part of a slice: how a virtual CPU comes to it, when it ends, and how it did.

use crate::report::End;
use exo_core::EnvironmentId;
use hv::vmx::active::Arrived;
use hv::vmx::exit::Left;

/// How a virtual CPU's part of a slice ended.
pub(super) enum Over {
    /// The slice is over, or what is left of it is nobody's.
    Slice,
    /// The rest goes to another virtual CPU.
    To(EnvironmentId, usize, How),
    /// A call that the virtual CPU serves, directly or not, has lasted too long.
    Call,
    /// Its environment has ended.
    Environment(End),
}

/// How a virtual CPU comes to its part of a slice.
#[derive(Debug)]
pub(super) enum How {
    /// It begins one, or is given the rest of one.
    Begins,
    /// It was called, or replied to.
    Called,
    /// The same without the kernel's doing: it is on the CPU already, and has exited.
    Arrived(Arrived, Left),
}

/// When a slice ends, and what comes after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    /// The end of the slice, or of its grace.
    pub(crate) at: u64,
    /// The end of the calls that the running virtual CPU serves.
    pub(super) call: u64,
    /// The slice itself is over.
    pub(crate) grace: bool,
    /// The grace is over as well.
    pub(super) overrun: bool,
}

impl Deadline {
    /// When the CPU is to be taken from the guest.
    pub(super) fn next(&self) -> u64 {
        self.at.min(self.call)
    }
}
