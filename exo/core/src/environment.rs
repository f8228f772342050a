//! The table of environments: a fixed number of records, each named by an index and a generation.
//!
//! An index is used again, a pair of index and generation never: whoever still holds an old pair names nobody.

mod table;

pub use table::Environments;
pub(crate) use table::is_live;

use crate::capability::Slots;
use crate::claims::Claim;
use crate::predicate::Predicate;
use core::fmt;
use exo_abi::call::environment_argument;
use exo_abi::capability::Name;
use exo_abi::info::MAX_VCPUS;

/// The name of an environment. Anybody may make one up: only the table says whether it names somebody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnvironmentId {
    /// Place in the table.
    pub index: u32,
    /// How often the place had been given out, this time included; never 0 for somebody.
    pub generation: u32,
}

impl EnvironmentId {
    /// The name as an argument or a value of a call.
    #[must_use]
    pub const fn to_argument(self) -> u64 {
        environment_argument(self.index, self.generation)
    }

    /// The name that an argument gives.
    #[must_use]
    pub const fn from_argument(argument: u64) -> Self {
        let [a, b, c, d, e, f, g, h] = argument.to_le_bytes();
        Self { index: u32::from_le_bytes([a, b, c, d]), generation: u32::from_le_bytes([e, f, g, h]) }
    }

    /// The index, to look something up with.
    #[must_use]
    pub fn place(self) -> usize {
        usize::try_from(self.index).unwrap_or(usize::MAX)
    }
}

impl fmt::Display for EnvironmentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.index, self.generation)
    }
}

/// How an environment came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// By its own call.
    Exited {
        /// What it gave as its status.
        status: u32,
    },
    /// By the kernel, for what it did; the kernel's glue keeps the reason.
    Killed,
    /// By a call of whoever dominates it, or with its parent.
    Destroyed,
}

/// What a virtual CPU waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(clippy::large_enum_variant, reason = "there is no heap, and every virtual CPU has room for the largest")]
pub enum Waiting {
    /// Nothing: it can run.
    #[default]
    No,
    /// An event, or this TSC.
    Until(u64),
    /// The same without the timer event: it has halted.
    Halted(u64),
    /// An event, or a predicate that is not zero.
    On(Predicate),
}

/// What the kernel knows of a virtual CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VirtualCpu {
    /// The CPU that runs it.
    pub cpu: u32,
    /// What it waits for.
    pub waiting: Waiting,
    /// The name that a capability must dominate to call it, if it is a gate.
    pub gate: Option<Name>,
}

/// What the kernel knows of an environment and does not expose.
#[derive(Clone, Copy, Debug)]
pub struct Private {
    /// Its capabilities.
    pub slots: Slots,
    /// Its virtual CPUs by number; those that have gone leave a hole while the environment is dying.
    pub vcpus: [Option<VirtualCpu>; MAX_VCPUS],
    /// What is claimed from it.
    pub(crate) request: Option<Claim>,
    /// The environment from which it claims, if it does.
    pub(crate) claims_from: Option<EnvironmentId>,
    /// Frames in its guaranteed set.
    pub(crate) guaranteed: u64,
    /// It gets what is typed at the console.
    pub input: bool,
    /// It was told that input waits, and has not read all of it since.
    pub(crate) told_of_input: bool,
    /// The run does not wait for it.
    pub background: bool,
}

impl Private {
    /// That of nobody: to fill storage with.
    pub const NOBODY: Self = Self {
        slots: Slots::EMPTY,
        vcpus: [None; MAX_VCPUS],
        request: None,
        claims_from: None,
        guaranteed: 0,
        input: false,
        told_of_input: false,
        background: false,
    };
}
