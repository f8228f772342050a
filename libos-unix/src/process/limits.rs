//! Limits of a process: setrlimit(2).

use zerocopy::{FromBytes, Immutable, IntoBytes};

/// What is limited, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
#[allow(missing_docs)] // the names are setrlimit(2)'s
pub enum Resource {
    Cpu = 0,
    FileSize = 1,
    Data = 2,
    Stack = 3,
    Core = 4,
    Resident = 5,
    Processes = 6,
    Files = 7,
    Locked = 8,
    AddressSpace = 9,
    Locks = 10,
    PendingSignals = 11,
    MessageQueues = 12,
    Nice = 13,
    RealTimePriority = 14,
    RealTime = 15,
}

impl Resource {
    /// How many there are.
    pub const COUNT: usize = 16;
}

/// struct rlimit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub struct Limit {
    /// What holds.
    pub soft: u64,
    /// What it may be raised to.
    pub hard: u64,
}

impl Limit {
    /// There is none.
    pub const NONE: u64 = u64::MAX;

    const fn both(value: u64) -> Self {
        Self { soft: value, hard: value }
    }
}

/// All limits of a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits(pub [Limit; Resource::COUNT]);

impl Default for Limits {
    /// What Linux gives its first process, on a machine of this size.
    fn default() -> Self {
        let mut limits = [Limit::both(Limit::NONE); Resource::COUNT];
        limits[Resource::Stack as usize].soft = 8 << 20;
        limits[Resource::Core as usize].soft = 0;
        limits[Resource::Processes as usize] = Limit::both(4096);
        limits[Resource::Files as usize] = Limit { soft: 1024, hard: 4096 };
        limits[Resource::Locked as usize] = Limit::both(8 << 20);
        limits[Resource::PendingSignals as usize] = Limit::both(1024);
        limits[Resource::MessageQueues as usize] = Limit::both(819_200);
        limits[Resource::Nice as usize] = Limit::both(0);
        limits[Resource::RealTimePriority as usize] = Limit::both(0);
        Self(limits)
    }
}

impl Limits {
    /// What holds for a resource.
    #[must_use]
    pub const fn soft(&self, resource: Resource) -> u64 {
        self.0[resource as usize].soft
    }

    /// What that may be raised to.
    #[must_use]
    pub const fn hard(&self, resource: Resource) -> u64 {
        self.0[resource as usize].hard
    }
}
