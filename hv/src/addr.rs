//! Addresses and frame numbers as types, so that a guest's address never passes for a host's.
//!
//! The EPT is the identity, so a guest-physical and a host-physical address of the same frame are equal numbers;
//! the types keep them apart until the ownership layer has checked that the guest holds the frame.

use core::fmt;

/// Bytes in a frame.
pub const FRAME_SIZE: u64 = 4096;
/// Frames in a 2 MiB leaf.
pub const LARGE_FRAMES: u64 = 512;
/// First address beyond what any x86-64 CPU can name physically (MAXPHYADDR ≤ 52).
const PHYSICAL_LIMIT: u64 = 1 << 52;

macro_rules! address {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(transparent)]
        pub struct $name(u64);

        impl $name {
            /// The address with this number.
            #[must_use]
            pub const fn new(address: u64) -> Self { Self(address) }

            /// The number.
            #[must_use]
            pub const fn as_u64(self) -> u64 { self.0 }

            /// This address plus `bytes`; `None` where that wraps.
            #[must_use]
            pub const fn checked_add(self, bytes: u64) -> Option<Self> {
                match self.0.checked_add(bytes) { Some(sum) => Some(Self(sum)), None => None }
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({:#x})", stringify!($name), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { write!(f, "{:#x}", self.0) }
        }
    };
}

address! {
    /// A physical address as the machine's memory bus sees it.
    HostPhysical
}
address! {
    /// A physical address as a guest names it: untrusted until its frames are checked.
    GuestPhysical
}
address! {
    /// A virtual address of the kernel.
    HostVirtual
}
address! {
    /// A virtual address of a guest; only ever reported, never followed.
    GuestVirtual
}

/// The number of a 4 KiB frame of host-physical memory.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(transparent)]
pub struct FrameNumber(u64);

impl FrameNumber {
    /// The frame with this number; `None` beyond what a physical address can name.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number < PHYSICAL_LIMIT / FRAME_SIZE { Some(Self(number)) } else { None }
    }

    /// The frame that holds this address.
    #[must_use]
    pub const fn containing(address: HostPhysical) -> Self {
        Self((address.0 % PHYSICAL_LIMIT) / FRAME_SIZE)
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u64 {
        self.0
    }

    /// The frame's first address.
    #[must_use]
    pub const fn start(self) -> HostPhysical {
        HostPhysical(self.0 * FRAME_SIZE)
    }

    /// The frame `count` further on; `None` beyond what a physical address can name.
    #[must_use]
    pub const fn checked_add(self, count: u64) -> Option<Self> {
        match self.0.checked_add(count) {
            Some(number) => Self::new(number),
            None => None,
        }
    }
}
