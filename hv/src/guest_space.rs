//! A guest-physical address space: an EPT that maps frames to themselves, and only frames that guests may hold.

mod departing;

pub use departing::{Departing, Unbound};

use crate::addr::FrameNumber;
use crate::guest_memory::{GuestMemory, NotGuestMemory};
use crate::page::{Page, SharedPage};
use crate::paging::ept::{Ept, EptAttributes, Rights};
use crate::paging::{Flushed, Level, MapError, Quarantined, Tree};
use crate::pool::{Account, Exposed, KernelTables};
use crate::vmx::capability::Features;
use zerocopy::{FromBytes, IntoBytes};

/// A guest-physical address space. Its tables come from one account.
#[derive(Debug)]
pub struct GuestSpace {
    tree: Tree<Ept>,
    account: Account,
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
    /// An empty space with tables of this account.
    ///
    /// # Errors
    /// [`MapError`] where the account does not suffice.
    pub fn new_in(features: &Features, account: Account) -> Result<Self, MapError> {
        let largest = if features.ept_2m { Level::Large } else { Level::Small };
        Ok(Self { tree: Tree::with_largest_leaf(&mut KernelTables(account), largest)?, account })
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
        attributes: EptAttributes,
    ) -> Result<(), BindError> {
        memory.hold(first, count).map_err(BindError::NotGuestMemory)?;
        let mapped = self.tree.map(&mut KernelTables(self.account), first.number(), first, count, attributes);
        mapped.map_err(|error| {
            memory.let_go(first, count);
            BindError::Map(error)
        })
    }

    /// Ends the bindings of a run, all of which must exist. It never needs memory.
    ///
    /// # Errors
    /// [`MapError`]; nothing has changed then.
    pub fn unbind(&mut self, first: FrameNumber, count: u64) -> Result<Unbound, MapError> {
        let quarantine = self.tree.unmap(&mut KernelTables(self.account), first.number(), count)?;
        Ok(Unbound { first, count, quarantine })
    }

    /// Changes what the bindings of a run say, all of which must exist. It never needs memory.
    ///
    /// # Errors
    /// [`MapError`]; nothing has changed then.
    pub fn change(
        &mut self,
        first: FrameNumber,
        count: u64,
        attributes: EptAttributes,
    ) -> Result<Quarantined<()>, MapError> {
        self.tree.protect(&mut KernelTables(self.account), first.number(), count, attributes)
    }

    /// What the binding of a frame says; `None` for frames of the kernel's that are shown here.
    #[must_use]
    pub fn binding(&self, memory: &GuestMemory, frame: FrameNumber) -> Option<EptAttributes> {
        let translation = self.tree.translate(&KernelTables(self.account), frame.number())?;
        memory.is_guest_frame(frame).then_some(translation.attributes)
    }

    /// The first binding at or above a frame, as first frame, count and what it says. Neighbours that say the same may come one by one.
    #[must_use]
    pub fn next_binding(&self, memory: &GuestMemory, from: FrameNumber) -> Option<(FrameNumber, u64, EptAttributes)> {
        let mut from = from.number();
        loop {
            let (page, translation) = self.tree.next_leaf(&KernelTables(self.account), from)?;
            let end = page + translation.level.pages();
            let first = FrameNumber::new(page.max(from))?;
            if memory.is_guest_frame(first) {
                return Some((first, end - first.number(), translation.attributes));
            }
            from = end;
        }
    }

    /// Shows the guest a page of the kernel's, read-only, under its own address.
    ///
    /// # Errors
    /// [`MapError`] where the account does not suffice.
    pub fn show<T: FromBytes + IntoBytes>(&mut self, page: &Page<T>) -> Result<(), MapError> {
        self.map(page.number(), 1, Rights::READ)
    }

    /// Shows the guest what every guest may read, under its own addresses.
    ///
    /// # Errors
    /// [`MapError`] where the account does not suffice.
    pub fn show_run(&mut self, exposed: &Exposed) -> Result<(), MapError> {
        self.map(exposed.first, exposed.count, Rights::READ)
    }

    /// Shares a page with the guest, for both to write, under its own address.
    ///
    /// # Errors
    /// [`MapError`] where the account does not suffice.
    pub fn share(&mut self, page: &SharedPage) -> Result<(), MapError> {
        self.map(page.number(), 1, Rights::READ_WRITE)
    }

    fn map(&mut self, first: FrameNumber, count: u64, rights: Rights) -> Result<(), MapError> {
        let attributes = EptAttributes::memory(rights);
        self.tree.map(&mut KernelTables(self.account), first.number(), first, count, attributes)
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
    pub fn dismantle(self, memory: &GuestMemory, _flushed: &Flushed) {
        let mut from = FrameNumber::new(0);
        while let Some((first, count, _)) = from.and_then(|from| self.next_binding(memory, from)) {
            memory.let_go(first, count);
            from = first.checked_add(count);
        }
        self.tree.dismantle(&mut KernelTables(self.account));
    }
}
