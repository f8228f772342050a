//! The page of counters that the kernel keeps for each vCPU and the environment reads without a call.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Basic exit reasons counted one by one (SDM Vol. 3, Appendix C); higher ones share the last element.
pub const EXIT_REASONS: usize = 80;

/// Counters of one vCPU. The kernel writes them as it goes; the environment maps the frame read-only.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct CountersPage {
    /// VM exits of this vCPU, by basic exit reason.
    pub exits: [u64; EXIT_REASONS],
    /// Slices begun.
    pub slices: u64,
    /// Interrupts and exceptions that the kernel injected.
    pub injections: u64,
    /// Times the kernel asked for an interrupt-window exit.
    pub interrupt_windows: u64,
}

/// All exits that the guest caused, of counts by reason: every reason but interrupts from outside and the end of a slice,
/// which the machine causes.
#[must_use]
pub fn caused(exits: &[u64; EXIT_REASONS]) -> u64 {
    const EXTERNAL_INTERRUPT: usize = 1;
    const PREEMPTION_TIMER: usize = 52;
    let machine = exits[EXTERNAL_INTERRUPT].wrapping_add(exits[PREEMPTION_TIMER]);
    exits.iter().sum::<u64>().wrapping_sub(machine)
}
