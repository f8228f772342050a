//! What every environment may read without a call: the machine, the frame table, the table of environments and the slice
//! vectors. All are the kernel's own truth, mapped read-only; fields may change between two reads.

use crate::capability::Name;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// First word of the system page.
pub const SYSTEM_MAGIC: u64 = u64::from_le_bytes(*b"RavelSys");
/// Places in the table of environments.
pub const MAX_ENVIRONMENTS: usize = 64;
/// Most virtual CPUs of one environment.
pub const MAX_VCPUS: usize = 8;
/// Positions in a CPU's slice vector.
pub const SLICE_POSITIONS: usize = 64;
/// Most bytes of an environment's name.
pub const MAX_NAME: usize = 32;

/// The machine, and where the rest is.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SystemPage {
    /// [`SYSTEM_MAGIC`].
    pub magic: u64,
    /// [`crate::ABI_VERSION`] of the kernel.
    pub abi_version: u32,
    /// CPUs that take part.
    pub cpus: u32,
    /// TSC ticks a second, 0 if the kernel could not find out.
    pub tsc_hertz: u64,
    /// Seconds from the beginning of 1970 to the moment at which the TSC was 0, by the machine's clock, which is taken to show coordinated
    /// universal time; 0 if the kernel could not find out. Right to a second or two.
    pub began: u64,
    /// TSC ticks in a slice.
    pub slice_ticks: u64,
    /// TSC ticks of grace at a slice's end.
    pub grace_ticks: u64,
    /// Elements of the frame table.
    pub frame_count: u64,
    /// Physical address of the frame table: a [`FrameRecord`] for each frame by number.
    pub frame_table: u64,
    /// Physical address of the table of [`MAX_ENVIRONMENTS`] [`EnvironmentRecord`]s.
    pub environment_table: u64,
    /// Physical address of the [`SliceVector`]s, one for each CPU.
    pub slice_vectors: u64,
    /// Guarantees given out, in frames. Metadata reserves count beside them.
    pub frames_guaranteed: u64,
    /// Frames that may be guaranteed or be metadata in all.
    pub frames_guaranteeable: u64,
    /// What revocation has done since boot.
    pub revocation: RevocationCounters,
    /// Shootdowns: times that other CPUs were made to forget translations.
    pub shootdowns: u64,
    /// Calls served, the null calls excepted.
    pub calls: u64,
    /// Calls that ended with an error.
    pub failed_calls: u64,
}

/// Counts and latencies of claims.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct RevocationCounters {
    /// Claims that were admitted: requests written.
    pub requests: u64,
    /// Claims that were refused.
    pub refused: u64,
    /// Claims that the victim satisfied in time.
    pub answered: u64,
    /// Claims that were satisfied by force.
    pub forced: u64,
    /// Frames and slices that victims gave.
    pub given: u64,
    /// Frames and slices that were taken by force.
    pub taken: u64,
    /// TSC ticks from request to the last thing given, over all answered claims.
    pub answer_ticks: u64,
    /// TSC ticks from request to force, over all forced claims.
    pub deadline_ticks: u64,
    /// TSC ticks that taking by force took, flushes included.
    pub force_ticks: u64,
}

/// What a frame is.
pub mod frame_state {
    /// Not memory that may ever be given out.
    pub const UNUSABLE: u8 = 0;
    /// The kernel's own; with an owner, metadata that is charged to it.
    pub const KERNEL: u8 = 1;
    /// Nobody's. The owner, if any, is the environment whose bytes it still holds.
    pub const FREE: u8 = 2;
    /// An environment's.
    pub const OWNED: u8 = 3;
    /// On its way out: a CPU may still hold a translation to it.
    pub const QUARANTINED: u8 = 4;
    /// Free, but only for its owner to allocate, who has claimed it.
    pub const PROMISED: u8 = 5;
}

/// More about a frame, as bits.
pub mod frame_flags {
    /// Holds bytes that a new owner must not see: it is scrubbed when it is allocated.
    pub const DIRTY: u8 = 1;
    /// In its owner's guaranteed set: nobody but a dominator can claim it.
    pub const GUARANTEED: u8 = 1 << 1;
    /// Pinned: a device may reach it.
    pub const PINNED: u8 = 1 << 2;
}

/// The record of a frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FrameRecord {
    /// One of [`frame_state`].
    pub state: u8,
    /// Bits of [`frame_flags`].
    pub flags: u8,
    /// Index of its owner.
    pub owner_index: u16,
    /// Generation of its owner, 0 where it has none.
    pub owner_generation: u32,
    /// The environments in which it is bound, one bit for each index.
    pub binders: u64,
    /// The name that a capability must dominate.
    pub guard: Name,
}

/// What an environment is doing.
pub mod environment_state {
    /// Nobody is here.
    pub const EMPTY: u32 = 0;
    /// It exists and does not run.
    pub const STOPPED: u32 = 1;
    /// It runs.
    pub const RUNNING: u32 = 2;
    /// It is being taken apart.
    pub const DYING: u32 = 3;
    /// It has ended, and its record is kept until its parent forgets it.
    pub const ENDED: u32 = 4;
}

/// How an environment ended.
pub mod environment_outcome {
    /// It has not.
    pub const NONE: u32 = 0;
    /// By its own call.
    pub const EXITED: u32 = 1;
    /// By the kernel, for what it did.
    pub const KILLED: u32 = 2;
    /// By a call of whoever dominates it.
    pub const DESTROYED: u32 = 3;
}

/// The record of an environment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct EnvironmentRecord {
    /// How often this place has been given out.
    pub generation: u32,
    /// One of [`environment_state`].
    pub state: u32,
    /// One of [`environment_outcome`].
    pub outcome: u32,
    /// What it gave as its exit status.
    pub status: u32,
    /// Index of the environment that made it.
    pub parent_index: u32,
    /// Generation of that environment, 0 where the kernel made it.
    pub parent_generation: u32,
    /// How many virtual CPUs it has.
    pub vcpus: u32,
    /// How many slices it has, on all CPUs.
    pub slices: u32,
    /// The name that a capability must dominate to act on it.
    pub guard: Name,
    /// Frames that it can never be asked to return.
    pub guarantee: u64,
    /// Frames that it owns.
    pub frames: u64,
    /// Frames that are promised to it.
    pub promised: u64,
    /// Frames of its metadata reserve.
    pub reserve: u64,
    /// TSC ticks that it has run.
    pub ticks: u64,
    /// Bytes of `name` in use.
    pub name_length: u32,
    /// Zero.
    pub reserved: u32,
    /// Its name for people.
    pub name: [u8; MAX_NAME],
}

/// What a position of a slice vector is.
pub mod slice_state {
    /// Nobody's.
    pub const FREE: u8 = 0;
    /// An environment's.
    pub const OWNED: u8 = 1;
    /// Free, but only for its owner to allocate, who has claimed it.
    pub const PROMISED: u8 = 2;
}

/// One position of a slice vector.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SliceRecord {
    /// One of [`slice_state`].
    pub state: u8,
    /// Zero.
    pub flags: u8,
    /// Which virtual CPU of the owner runs here.
    pub vcpu: u16,
    /// Index of the owner.
    pub owner_index: u32,
    /// Generation of the owner, 0 where there is none.
    pub owner_generation: u32,
    /// Later slices here that are lost to overrunning. They stay with a position that is given away or free; a claim and the end of
    /// the owner clear them.
    pub penalties: u32,
    /// The name that a capability must dominate.
    pub guard: Name,
}

/// A CPU's linear vector of slices, one page.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct SliceVector {
    /// The slices by position.
    pub slices: [SliceRecord; SLICE_POSITIONS],
    /// The position that runs, or ran last.
    pub position: u64,
    /// Slices that have begun.
    pub begun: u64,
    /// Zero.
    pub reserved: [u64; 254],
}
