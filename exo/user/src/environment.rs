//! Children: environments made out of this one's own frames, slices and capabilities.
//!
//! A child runs the parent's image, as it was before its first instruction, from a function of the parent's choice; for that the
//! parent's `entry!` says `with_children`. It finds what an environment of the manifest finds: boot page, stack, window, its own
//! capability in slot 0. Its frames are the parent's, bound in the child, under a name below the parent's own.

mod fill;
mod plan;
#[cfg(test)]
mod tests;

pub use plan::{ChildError, Grant, Plan};

use crate::call::{Failure, Kernel, Machine};
use crate::capability::{Authority, Capability, rights};
use crate::frames::{OwnedFrames, Wanted};
use crate::{EnvironmentId, call, events, image, info, page_table, slices, start};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU16, Ordering};
use exo_abi::boot_page::ListedCapability;
use exo_abi::error::Error;
use exo_abi::info::{EnvironmentRecord, environment_state};

/// First byte of what a child's name adds to its parent's; a serial number of two bytes follows.
pub const CHILD_NAMES: u8 = 0xc0;

static SERIAL: AtomicU16 = AtomicU16::new(0);

/// A child. Dropping it ends it, waits until all that it had is free, and gives its frames back.
#[derive(Debug)]
pub struct Child {
    id: EnvironmentId,
    // The frames go before the capability that guards them.
    frames: OwnedFrames,
    capability: Arc<Capability>,
}

/// How a child ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ended {
    /// One of [`exo_abi::info::environment_outcome`].
    pub outcome: u32,
    /// What it gave as its exit status.
    pub status: u32,
}

/// What no environment's name ends with, of those that are below this one's: two children of one name would have power over one another.
fn unused_suffix() -> [u8; 3] {
    loop {
        let [low, high] = SERIAL.fetch_add(1, Ordering::Relaxed).to_le_bytes();
        let suffix = [CHILD_NAMES, low, high];
        let name = Capability::own().name().and_then(|own| own.extended(&suffix));
        let mut others = (0..).map_while(info::environment_at);
        if name.is_none() || !others.any(|other| other.state != environment_state::EMPTY && Some(other.guard) == name) {
            return suffix;
        }
    }
}

impl Child {
    /// Makes a child, stopped.
    ///
    /// # Errors
    /// [`ChildError`]; nothing of the child is left then.
    pub fn new(plan: &Plan<'_>) -> Result<Self, ChildError> {
        let capability = Arc::new(Capability::own().derive(&unused_suffix(), rights::ALL)?);
        let guard = || Authority::Held(Arc::clone(&capability));
        let frames = OwnedFrames::take(guard(), Wanted::contiguous(plan.frames))
            .or_else(|_| OwnedFrames::take(guard(), Wanted::any(plan.frames)))?;
        let id = OwnedFrames::take(guard(), Wanted::any(plan.reserve))?.into_environment()?;
        // From here on the child's end takes everything back.
        let mut child = Self { id, frames, capability };
        child.fill(plan)?;
        Ok(child)
    }

    fn fill(&mut self, plan: &Plan<'_>) -> Result<(), ChildError> {
        let own = Capability::own();
        let mut listed = Vec::new();
        // SAFETY: only the child's frames are below this name, and nobody refers to them once it runs.
        let itself = unsafe { Grant::new(&self.capability, rights::ALL) };
        for (slot, grant) in (0..).zip(core::iter::once(&itself).chain(plan.grants)) {
            // SAFETY: whoever made the grant answers for what the child may do with it.
            let rights = unsafe { grant.capability.grant(self.id, slot, grant.rights, Some(own)) }?;
            listed.extend(grant.capability.name().map(|name| ListedCapability { slot: slot.into(), rights, name }));
        }
        if plan.guarantee != 0 {
            Machine.guarantee_move(own.slot(), self.id.argument(), plan.guarantee, 0)?;
        }
        let pages = image::pages().ok_or(ChildError::NoImage)?;
        // SAFETY: the frames are bound here to be read and written, in the window, and nobody refers to them.
        let mut space = unsafe { fill::Space::new(self.frames.runs()) };
        let filled = fill::fill(&mut space, plan, self.id, &listed, pages, image::extent())?;
        self.frames.share(self.id, 0, rights::READ | rights::WRITE | rights::EXECUTE, own)?;
        let (entry, root) = (start::child_entry(), filled.page_table);
        // SAFETY: the child's first virtual CPU begins in the child's own space, at code that expects this stack.
        let events =
            unsafe { Machine.vcpu_create(own.slot(), self.id.argument(), plan.cpu.into(), entry, filled.stack, root) }?;
        // SAFETY: as above.
        unsafe { fill::Space::new(self.frames.runs()) }.tell_event_page(&filled, events);
        self.frames.unbind()?;
        self.name(plan.name)?;
        if slices::allocate(plan.cpu, plan.slices, &self.capability, (self.id, 0))? < plan.slices {
            return Err(ChildError::NoSlices);
        }
        Ok(())
    }

    fn name(&self, name: &str) -> Result<(), Failure> {
        /// Lies within one page wherever it is put.
        #[repr(align(32))]
        struct Buffer([u8; exo_abi::info::MAX_NAME]);
        let mut buffer = Buffer([0; exo_abi::info::MAX_NAME]);
        buffer.0.get_mut(..name.len()).ok_or(Error::TooLong)?.copy_from_slice(name.as_bytes());
        let physical = page_table::translate(buffer.0.as_ptr() as u64).ok_or(Error::NotBound)?;
        let own = Capability::own().slot();
        Machine.environment_name(own, self.id.argument(), physical, name.len() as u64).map(drop)
    }

    /// Its name in calls.
    #[must_use]
    pub const fn id(&self) -> EnvironmentId {
        self.id
    }

    /// The capability that guards it and its frames.
    #[must_use]
    pub const fn capability(&self) -> &Arc<Capability> {
        &self.capability
    }

    /// Its frames, which are bound in it; not those of its metadata.
    #[must_use]
    pub const fn frames(&self) -> &OwnedFrames {
        &self.frames
    }

    /// Its record.
    #[must_use]
    pub fn record(&self) -> Option<EnvironmentRecord> {
        info::environment(self.id)
    }

    /// Lets it run.
    ///
    /// # Errors
    /// As the table says.
    pub fn start(&self) -> Result<(), Failure> {
        Machine.environment_start(self.capability.slot(), self.id.argument()).map(drop)
    }

    /// Stops it: when this returns, none of its instructions is executed.
    ///
    /// # Errors
    /// As the table says.
    pub fn stop(&self) -> Result<(), Failure> {
        Machine.environment_stop(self.capability.slot(), self.id.argument()).map(drop)
    }

    /// Ends it. [`wait`](Self::wait) says when that has happened.
    ///
    /// # Errors
    /// As the table says.
    pub fn destroy(&self) -> Result<(), Failure> {
        Machine.environment_destroy(self.capability.slot(), self.id.argument()).map(drop)
    }

    /// How it ended, if it has, and everything that it had is free.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        match self.record() {
            Some(record) if record.state == environment_state::ENDED => {
                Some(Ended { outcome: record.outcome, status: record.status })
            }
            Some(_) => None,
            // Its place has been given to another: somebody has made the kernel forget it.
            None => Some(Ended { outcome: exo_abi::info::environment_outcome::NONE, status: 0 }),
        }
    }

    /// Sleeps until it has ended or the TSC reaches `until`; 0 is never. [`events::CHILD_EXIT`] must not be masked.
    pub fn wait(&self, until: u64) -> Option<Ended> {
        events::wait(until, || self.ended().is_some());
        self.ended()
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.destroy();
        while self.ended().is_none() {
            call::yield_slice();
        }
        // Somebody else may have done so.
        let _ = Machine.environment_forget(self.capability.slot(), self.id.argument());
    }
}
