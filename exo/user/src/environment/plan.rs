//! What a child is to be.

use crate::call::Failure;
use crate::capability::Capability;
use crate::frames::FramesError;
use crate::page_table::MapError;
use crate::start::Main;
use core::fmt;

/// A capability for a child, in the next slot after its own.
#[derive(Clone, Copy, Debug)]
pub struct Grant<'p> {
    pub(super) capability: &'p Capability,
    pub(super) rights: u64,
}

impl<'p> Grant<'p> {
    /// A copy of a capability with those of `rights` that it has.
    ///
    /// # Safety
    /// As for [`Capability::grant`].
    #[must_use]
    pub const unsafe fn new(capability: &'p Capability, rights: u64) -> Self {
        Self { capability, rights }
    }
}

/// A child that is to be made. [`Plan::new`] has a small one.
#[derive(Clone, Copy, Debug)]
pub struct Plan<'p> {
    /// Its program.
    pub main: Main,
    /// Its name for people, 1..=32 bytes.
    pub name: &'p str,
    /// Its argument string, up to 2048 bytes.
    pub arguments: &'p str,
    /// The CPU of its first virtual CPU.
    pub cpu: u32,
    /// Its frames: image, stack, page tables and what it is to have free.
    pub frames: u64,
    /// Frames of its metadata: EPT tables and the pages of its virtual CPUs. The parent pays for them with as much of its guarantee
    /// until the child ends.
    pub reserve: u64,
    /// Slices on its CPU, the lowest positions that are free.
    pub slices: u32,
    /// How many frames of the parent's guarantee move to it. A child that makes children of its own needs some.
    pub guarantee: u64,
    /// Capabilities for slot 1 and those after it.
    pub grants: &'p [Grant<'p>],
}

impl<'p> Plan<'p> {
    /// A child with 2 MiB of memory and one slice on CPU `cpu`.
    #[must_use]
    pub const fn new(name: &'p str, cpu: u32, main: Main) -> Self {
        Self { main, name, arguments: "", cpu, frames: 512, reserve: 64, slices: 1, guarantee: 0, grants: &[] }
    }
}

/// Why a child was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChildError {
    /// The image was not kept: `entry!` has no `with_children`.
    NoImage,
    /// Its frames, or the first run of them, do not suffice for image, stack and page tables.
    TooSmall,
    /// Not so many slices of that CPU are free.
    NoSlices,
    /// Frames cannot be had.
    Frames(FramesError),
    /// The kernel refused.
    Refused(Failure),
    /// Its page tables cannot be made.
    Map(MapError),
}

impl From<FramesError> for ChildError {
    fn from(error: FramesError) -> Self {
        Self::Frames(error)
    }
}

impl From<Failure> for ChildError {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

impl From<MapError> for ChildError {
    fn from(error: MapError) -> Self {
        if error == MapError::NoFrame { Self::TooSmall } else { Self::Map(error) }
    }
}

impl fmt::Display for ChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChildError::NoImage => f.write_str("the image was not kept"),
            ChildError::TooSmall => {
                f.write_str("the child's frames do not suffice for its image, stack and page tables")
            }
            ChildError::NoSlices => f.write_str("not so many slices are free"),
            ChildError::Frames(error) => error.fmt(f),
            ChildError::Refused(failure) => failure.fmt(f),
            ChildError::Map(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for ChildError {}
