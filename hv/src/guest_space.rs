//! A guest-physical address space: an EPT that maps frames to themselves, and only frames that guests may hold.

mod departing;
mod occupants;
#[cfg(all(test, not(loom)))]
mod tests;

pub use departing::{Departing, Unbound};
pub(crate) use occupants::Occupant;

use crate::addr::FrameNumber;
use crate::guest_memory::{self, GuestMemory, NotGuestMemory};
use crate::page::{Page, SharedPage};
use crate::paging::ept::{Ept, EptAttributes, Rights};
use crate::paging::{Flushed, Level, MapError, Quarantined, Tree};
use crate::pool::{self, Account, Exposed, KernelTables};
use crate::shootdown::SpaceNumber;
use crate::vmx::capability::Features;
use zerocopy::{FromBytes, IntoBytes};

/// A guest-physical address space. Its tables come from one account.
///
/// The tag [`KERNELS`] tells the kernel's pages from what the guest holds: no leaf is ever both, and only this module writes it.
#[derive(Debug)]
pub struct GuestSpace {
    tree: Tree<Ept>,
    account: Account,
    number: SpaceNumber,
}

/// The tag of leaves that show frames of the kernel's. No binding has it.
pub const KERNELS: u8 = u8::MAX;

/// Why frames were not bound, or bindings not changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BindError {
    /// Some frame is not one that guests may hold now.
    NotGuestMemory(NotGuestMemory),
    /// The tag is [`KERNELS`].
    KernelsTag,
    /// The tables refuse.
    Map(MapError),
}

impl From<MapError> for BindError {
    fn from(error: MapError) -> Self {
        Self::Map(error)
    }
}

impl GuestSpace {
    /// An empty space with tables of this account. Shootdowns know it by this number, which no other space has meanwhile, or has to
    /// no harm but flushes and waiting.
    ///
    /// # Errors
    /// [`MapError`] where the account does not suffice.
    pub fn new_in(features: &Features, account: Account, number: SpaceNumber) -> Result<Self, MapError> {
        let largest = if features.ept_2m { Level::Large } else { Level::Small };
        Ok(Self { tree: Tree::with_largest_leaf(&mut KernelTables(account), largest)?, account, number })
    }

    /// Its number for shootdowns.
    #[must_use]
    pub const fn number(&self) -> SpaceNumber {
        self.number
    }

    /// Table frames that it has, those in reserve included.
    #[must_use]
    pub const fn table_frames(&self) -> u64 {
        self.tree.frames()
    }

    /// Binds a run of frames under their own addresses.
    ///
    /// # Errors
    /// [`BindError`]; nothing is bound then.
    pub fn bind(
        &mut self,
        _memory: &GuestMemory,
        first: FrameNumber,
        count: u64,
        attributes: EptAttributes,
    ) -> Result<(), BindError> {
        if attributes.tag == KERNELS {
            return Err(BindError::KernelsTag);
        }
        if !guest_memory::hold(first, count) {
            return Err(BindError::NotGuestMemory(NotGuestMemory::frames(first, count)));
        }
        let mapped = self.tree.map(&mut KernelTables(self.account), first.number(), first, count, attributes);
        mapped.map_err(|error| {
            guest_memory::let_go(first, count);
            BindError::Map(error)
        })
    }

    /// Ends the bindings of a run, all of which must exist. It never needs memory.
    ///
    /// # Errors
    /// [`MapError`]; nothing has changed then.
    pub fn unbind(&mut self, first: FrameNumber, count: u64) -> Result<Unbound, MapError> {
        // What is mapped and not a guest's is a page of the kernel's.
        if !guest_memory::are_guests(first, count) {
            return Err(MapError::NotMapped { page: first.number() });
        }
        let quarantine = self.tree.unmap(&mut KernelTables(self.account), first.number(), count)?;
        Ok(Unbound { first, count, quarantine: quarantine.in_spaces(self.number.bit()) })
    }

    /// Changes what the bindings of a run say, all of which must exist. It never needs memory.
    ///
    /// # Errors
    /// [`BindError`]; nothing has changed then.
    pub fn change(
        &mut self,
        first: FrameNumber,
        count: u64,
        attributes: EptAttributes,
    ) -> Result<Quarantined<()>, BindError> {
        if attributes.tag == KERNELS {
            return Err(BindError::KernelsTag);
        }
        if !guest_memory::are_guests(first, count) {
            return Err(BindError::NotGuestMemory(NotGuestMemory::frames(first, count)));
        }
        let quarantine = self.tree.protect(&mut KernelTables(self.account), first.number(), count, attributes)?;
        Ok(quarantine.in_spaces(self.number.bit()))
    }

    /// What the binding of a frame says; `None` for frames of the kernel's that are shown here.
    #[must_use]
    pub fn binding(&self, frame: FrameNumber) -> Option<EptAttributes> {
        let translation = self.tree.translate(&KernelTables(self.account), frame.number())?;
        Some(translation.attributes).filter(|attributes| attributes.tag != KERNELS)
    }

    /// The first binding at or above a frame, as first frame, count and what it says. Neighbours that say the same may come one by one.
    #[must_use]
    pub fn next_binding(&self, from: FrameNumber) -> Option<(FrameNumber, u64, EptAttributes)> {
        self.next(from, |tag| tag != KERNELS)
    }

    fn next(&self, from: FrameNumber, wanted: impl Fn(u8) -> bool) -> Option<(FrameNumber, u64, EptAttributes)> {
        let mut from = from.number();
        loop {
            let (page, translation) = self.tree.next_leaf(&KernelTables(self.account), from)?;
            let end = page + translation.level.pages();
            if wanted(translation.attributes.tag) {
                let first = FrameNumber::new(page.max(from))?;
                return Some((first, end - first.number(), translation.attributes));
            }
            from = end;
        }
    }

    /// Shows the guest a page of the kernel's, read-only, under its own address. A page that is dropped while a guest sees it is not used
    /// for anything else before the space is dismantled.
    ///
    /// # Errors
    /// [`MapError`] where the account does not suffice, or a guest sees the page already.
    pub fn show<T: FromBytes + IntoBytes>(&mut self, page: &Page<T>) -> Result<(), MapError> {
        self.show_frame(page.number(), Rights::READ)
    }

    /// Shares a page with the guest, for both to write, under its own address; else as [`show`](Self::show).
    ///
    /// # Errors
    /// [`MapError`] where the account does not suffice, or a guest sees the page already.
    pub fn share(&mut self, page: &SharedPage) -> Result<(), MapError> {
        self.show_frame(page.number(), Rights::READ_WRITE)
    }

    /// Shows the guest what every guest may read, under its own addresses.
    ///
    /// # Errors
    /// [`MapError`] where the account does not suffice.
    pub fn show_run(&mut self, exposed: &Exposed) -> Result<(), MapError> {
        self.map_kernels(exposed.first, exposed.count, Rights::READ)
    }

    /// Whether the account suffices for showing or sharing these pages, which no guest sees, and for `beside` more frames.
    #[must_use]
    pub fn can_show<const N: usize>(&self, pages: [FrameNumber; N], beside: u64) -> bool {
        let tables = self.tree.cost_of_pages(&KernelTables(self.account), &pages.map(FrameNumber::number));
        tables + beside <= pool::available(self.account)
    }

    fn show_frame(&mut self, frame: FrameNumber, rights: Rights) -> Result<(), MapError> {
        if !guest_memory::show(frame) {
            return Err(MapError::AlreadyMapped { page: frame.number() });
        }
        self.map_kernels(frame, 1, rights).inspect_err(|_| pool::hide(frame, 1))
    }

    fn map_kernels(&mut self, first: FrameNumber, count: u64, rights: Rights) -> Result<(), MapError> {
        let attributes = EptAttributes::memory(rights).with_tag(KERNELS);
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

    /// Begins the end of the space.
    ///
    /// # Errors
    /// The space itself while it has virtual CPUs: they could enter it.
    pub fn retire(self) -> Result<Retired, Self> {
        if occupants::any(self.number) {
            return Err(self);
        }
        // What CPUs may have cached is of the tables and of whatever is still bound.
        let spaces = self.number.bit();
        Ok(Retired(Quarantined::begin(self, true).in_spaces(spaces)))
    }
}

/// A space that no CPU enters any more, but that some may have cached translations of.
#[derive(Debug)]
#[must_use = "the space's tables, and the frames bound in it, stay lost until it is dismantled"]
pub struct Retired(Quarantined<GuestSpace>);

impl Retired {
    /// Ends all bindings, hides the kernel's pages, gives all table frames back.
    ///
    /// # Errors
    /// What it was called with where the proof does not cover it.
    pub fn dismantle(self, _memory: &GuestMemory, flushed: &Flushed) -> Result<(), Self> {
        let space = self.0.release(flushed).map_err(Self)?;
        let mut from = FrameNumber::new(0);
        while let Some((first, count, attributes)) = from.and_then(|from| space.next(from, |_| true)) {
            match attributes.tag {
                KERNELS => pool::hide(first, count),
                _ => guest_memory::let_go(first, count),
            }
            from = first.checked_add(count);
        }
        space.tree.dismantle(&mut KernelTables(space.account));
        Ok(())
    }
}
