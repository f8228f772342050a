//! The page that tells of an access to memory that the environment does not hold.
//!
//! It is the virtualization-exception information area (SDM Vol. 3, 26.5.7.2). Where the CPU has #VE it fills the page and
//! raises the vector without an exit; where it has not, the kernel does both, and the environment cannot tell.

use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The vector on which such an access arrives: virtualization exception, without an error code.
pub const FAULT_VECTOR: u8 = 20;
/// What [`FaultPage::reason`] holds: EPT violation.
pub const REASON_EPT_VIOLATION: u32 = 48;
/// What the CPU puts into [`FaultPage::busy`].
pub const BUSY: u32 = u32::MAX;

/// The access was a read.
pub const READ: u64 = 1;
/// The access was a write.
pub const WRITE: u64 = 1 << 1;
/// The access was an instruction fetch.
pub const EXECUTE: u64 = 1 << 2;

/// The fault page. It belongs to the kernel; the environment may read and write it.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct FaultPage {
    /// [`REASON_EPT_VIOLATION`].
    pub reason: u32,
    /// Not 0 while the rest is in use. The environment clears it once it has read the rest; a further access to
    /// memory that it does not hold ends the environment until then.
    pub busy: u32,
    /// [`READ`], [`WRITE`] and [`EXECUTE`], and more as SDM Table 28-7 has it.
    pub qualification: u64,
    /// The virtual address that was used.
    pub linear: u64,
    /// The physical address that it led to.
    pub physical: u64,
    /// 0.
    pub view: u16,
    /// 0.
    pub reserved: [u16; 3],
}
