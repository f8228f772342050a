//! A guest-physical address space: an EPT that maps frames to themselves, and only frames that guests may hold.

use crate::addr::FrameNumber;
use crate::guest_memory::{GuestMemory, NotGuestMemory};
use crate::page::{Page, SharedPage};
use crate::paging::ept::{Ept, EptAttributes, Rights};
use crate::paging::{Flushed, Level, MapError, Tree};
use crate::pool::KernelTables;
use crate::vmx::capability::Features;
use zerocopy::{FromBytes, IntoBytes};

/// A guest-physical address space.
#[derive(Debug)]
pub struct GuestSpace {
    tree: Tree<Ept>,
}

/// Why frames were not bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindError {
    /// Some frame is not one that guests may hold.
    NotGuestMemory(NotGuestMemory),
    /// The tables refuse.
    Map(MapError),
}

impl From<MapError> for BindError {
    fn from(error: MapError) -> Self {
        Self::Map(error)
    }
}

impl GuestSpace {
    /// An empty space.
    ///
    /// # Errors
    /// [`MapError`] where the kernel's memory does not suffice.
    pub fn new(features: &Features) -> Result<Self, MapError> {
        let largest = if features.ept_2m { Level::Large } else { Level::Small };
        Ok(Self { tree: Tree::with_largest_leaf(&mut KernelTables, largest)? })
    }

    /// Binds a run of frames under their own addresses.
    ///
    /// # Errors
    /// [`BindError`]; nothing is bound then.
    pub fn bind(
        &mut self,
        memory: &GuestMemory,
        first: FrameNumber,
        count: u64,
        rights: Rights,
    ) -> Result<(), BindError> {
        memory.check_frames(first, count).map_err(BindError::NotGuestMemory)?;
        let attributes = EptAttributes::memory(rights);
        Ok(self.tree.map(&mut KernelTables, first.number(), first, count, attributes)?)
    }

    /// Shows the guest a page of the kernel's, read-only, under its own address.
    ///
    /// # Errors
    /// [`MapError`] where the kernel's memory does not suffice.
    pub fn show<T: FromBytes + IntoBytes>(&mut self, page: &Page<T>) -> Result<(), MapError> {
        let attributes = EptAttributes::memory(Rights::READ);
        self.tree.map(&mut KernelTables, page.number().number(), page.number(), 1, attributes)
    }

    /// Shares a page with the guest, for both to write, under its own address.
    ///
    /// # Errors
    /// [`MapError`] where the kernel's memory does not suffice.
    pub fn share(&mut self, page: &SharedPage) -> Result<(), MapError> {
        let attributes = EptAttributes::memory(Rights::READ_WRITE);
        self.tree.map(&mut KernelTables, page.number().number(), page.number(), 1, attributes)
    }

    /// The EPT pointer (SDM 25.6.11): write-back tables, four levels, accessed and dirty flags where there are any.
    #[must_use]
    pub fn pointer(&self, features: &Features) -> u64 {
        const WRITE_BACK: u64 = 6;
        const FOUR_LEVELS: u64 = 3 << 3;
        let accessed_dirty = u64::from(features.ept_accessed_dirty) << 6;
        self.tree.root().start().as_u64() | WRITE_BACK | FOUR_LEVELS | accessed_dirty
    }

    /// Gives all table frames back. The vCPUs that used the space were gone before the flush began.
    pub fn dismantle(self, _flushed: &Flushed) {
        self.tree.dismantle(&mut KernelTables);
    }
}
