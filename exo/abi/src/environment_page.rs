//! The page in which the kernel tells an environment what is asked of it and what it has lost. The environment reads it.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Entries of the repossession vector.
pub const REPOSSESSIONS: usize = 128;

/// What a request or an entry is about.
pub mod kind {
    /// Nothing.
    pub const NONE: u32 = 0;
    /// Frames: `first` and `count` name them.
    pub const FRAMES: u32 = 1;
    /// A slice: `first` is the CPU, `count` the position.
    pub const SLICE: u32 = 2;
}

/// Where a request or a claim stands.
pub mod phase {
    /// There is none.
    pub const NONE: u32 = 0;
    /// The victim has time to answer.
    pub const REQUESTED: u32 = 1;
    /// The victim gave everything.
    pub const ANSWERED: u32 = 2;
    /// The deadline passed, and the rest was taken.
    pub const FORCED: u32 = 3;
    /// Victim or claimant ended before, or a claim within its claimant's guarantee took this one's place.
    pub const CANCELLED: u32 = 4;
}

/// Why something is in the repossession vector.
pub mod reason {
    /// Taken by force: the environment owned it.
    pub const FORCED: u32 = 1;
    /// A binding under a capability that was revoked, or whose guard no longer allows it.
    pub const CREDENTIAL: u32 = 2;
    /// A binding of somebody else's frame, whose owner took it away or ended.
    pub const OWNER: u32 = 3;
}

/// `first` of a request that leaves the choice to the victim.
pub const ANY: u64 = u64::MAX;

/// What is asked of the environment, or what it claims from another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Request {
    /// Grows with every new request.
    pub serial: u64,
    /// One of [`kind`].
    pub kind: u32,
    /// One of [`phase`].
    pub phase: u32,
    /// First frame, [`ANY`], or the CPU.
    pub first: u64,
    /// Frames asked for, or the position.
    pub count: u64,
    /// How much of it is still to be given.
    pub left: u64,
    /// Index of the other side.
    pub other_index: u32,
    /// Generation of the other side.
    pub other_generation: u32,
    /// Force comes once the victim has run for so many TSC ticks since the request.
    pub time_to_run: u64,
    /// TSC at which force comes in any case.
    pub deadline: u64,
}

/// One thing that the environment has lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Repossession {
    /// One of [`kind`].
    pub kind: u32,
    /// One of [`reason`].
    pub reason: u32,
    /// First frame, or the CPU.
    pub first: u64,
    /// How many frames, or the position.
    pub count: u64,
}

/// The page.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct EnvironmentPage {
    /// What is asked of this environment.
    pub request: Request,
    /// What this environment claims.
    pub claim: Request,
    /// Entries written since the beginning: entry `n` is at `n % REPOSSESSIONS`. Whoever falls behind by more reads the frame
    /// table.
    pub repossessed: u64,
    /// The last entries.
    pub repossessions: [Repossession; REPOSSESSIONS],
}
