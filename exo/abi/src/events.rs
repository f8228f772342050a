//! Events: one page for each virtual CPU, shared by the kernel and its library OS.
//!
//! The kernel sets bits of `pending` and, unless all that are new are masked, raises one interrupt on `vector`. What is masked is
//! not lost: after unmasking, the library OS looks at `pending` itself. It clears bits with an atomic exchange.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// A slice of this virtual CPU begins.
pub const SLICE_BEGIN: u64 = 1;
/// The slice is over; what runs on does so on grace. Raised only where [`EventPage::wants_slice_end`] is not 0.
pub const SLICE_END: u64 = 1 << 1;
/// The environment is asked to give something back: see its environment page.
pub const REVOCATION: u64 = 1 << 2;
/// Something was taken: see the repossession vector in the environment page.
pub const REPOSSESSION: u64 = 1 << 3;
/// A capability was revoked; bindings under it are in the repossession vector.
pub const CREDENTIAL_REVOKED: u64 = 1 << 4;
/// An environment that this one made has ended.
pub const CHILD_EXIT: u64 = 1 << 5;
/// A claim of this environment came to its end: see its environment page.
pub const CLAIM: u64 = 1 << 6;
/// Another environment calls for attention.
pub const NOTIFICATION: u64 = 1 << 7;
/// The time until which the virtual CPU was blocked has come.
pub const TIMER: u64 = 1 << 8;
/// Whoever called a gate of this environment has ended, or waits no longer: the gate's virtual CPU goes on by itself.
pub const CALLER_GONE: u64 = 1 << 9;
/// Input waits for the environment that has it. Raised when some comes for the first time since ConsoleRead gave less than it was asked
/// for: whoever reads until nothing is left and then waits misses none.
pub const INPUT: u64 = 1 << 10;

/// The page of one virtual CPU, which both sides write.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct EventPage {
    /// Events that have happened. The kernel sets bits, the library OS clears them.
    pub pending: u64,
    /// Events that raise no interrupt.
    pub mask: u64,
    /// The vector on which the interrupt comes, 32..=255; anything else is none.
    pub vector: u64,
    /// Not 0 where the library OS wants to be told of a slice's end, and gets grace for it.
    pub wants_slice_end: u64,
    /// TSC at which this slice began.
    pub slice_begin: u64,
    /// TSC at which this slice ends.
    pub slice_end: u64,
    /// Slices that have begun.
    pub slices: u64,
    /// TSC ticks that this virtual CPU has run.
    pub ticks: u64,
    /// TSC ticks that it overran its slices by, beyond the grace.
    pub excess: u64,
    /// Slices that it lost for that.
    pub penalties: u64,
    /// Physical address of this virtual CPU's [`CountersPage`](crate::counters::CountersPage).
    pub counters: u64,
    /// Physical address of its [`FaultPage`](crate::fault_page::FaultPage).
    pub fault_page: u64,
    /// Physical address of the [`EnvironmentPage`](crate::environment_page::EnvironmentPage).
    pub environment_page: u64,
    /// Physical address of the [`SystemPage`](crate::info::SystemPage).
    pub system_page: u64,
    /// Index of the environment.
    pub environment_index: u32,
    /// Its generation.
    pub environment_generation: u32,
    /// Which of its virtual CPUs this is.
    pub vcpu: u32,
    /// The CPU that it runs on.
    pub cpu: u32,
}
