//! Frames straight from the kernel, with their bindings: to share them, to bind them otherwise, to keep them apart from the pool.

use super::exchange::{choose, give_to_kernel, is_known, rights_of_own_memory};
use super::supply::{self, Batch};
use super::{FramesError, POOL, Wanted, extend_window, list, window};
use crate::EnvironmentId;
use crate::call::{Failure, Kernel, Machine};
use crate::capability::{Authority, Capability, rights};
use alloc::vec::Vec;
use core::mem;
use exo_abi::boot_page::FrameRun;
use exo_abi::call::FRAMES_MAX;
use exo_abi::error::Error;
use exo_abi::layout::FRAME_SIZE;

/// Frames that the environment has allocated under a capability, which guards them. Dropping them ends every binding and gives them
/// back to the kernel.
#[derive(Debug)]
pub struct OwnedFrames {
    runs: Vec<FrameRun>,
    capability: Authority,
    /// What the environment's own binding allows; 0 where there is none.
    rights: u64,
    shared: Vec<(EnvironmentId, u64)>,
}

impl OwnedFrames {
    /// Takes free frames, zeros or what the environment itself left in them, and binds them to be read and written.
    ///
    /// # Errors
    /// [`FramesError`]; nothing is taken then.
    pub fn take(capability: impl Into<Authority>, wanted: Wanted) -> Result<Self, FramesError> {
        let capability = capability.into();
        let slot = capability.slot();
        let mut frames =
            Self { runs: Vec::new(), capability, rights: rights::READ | rights::WRITE, shared: Vec::new() };
        let rights = frames.rights;
        supply::each_batch(wanted, |part| {
            let batch = list::with(|list| supply::acquire(&mut Machine, list, slot, slot, rights, part, choose))?;
            frames.add(&batch)?;
            Ok(batch.frames())
        })?;
        Ok(frames)
    }

    fn add(&mut self, batch: &Batch) -> Result<(), FramesError> {
        let mut outcome = Ok(());
        for &run in batch.runs() {
            if outcome.is_ok() && !is_known(run) && POOL.lock().hold(run) {
                self.runs.push(run);
                outcome = extend_window(run).map_err(FramesError::Window);
            } else {
                give_to_kernel(run);
                outcome = outcome.and(Err(FramesError::Beyond));
            }
        }
        outcome
    }

    /// The frames.
    #[must_use]
    pub fn runs(&self) -> &[FrameRun] {
        &self.runs
    }

    /// How many they are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.runs.iter().map(|run| run.count).sum()
    }

    /// Where a run lies in the physical window. Whoever shares frames to be written reads and writes through this, with
    /// volatile or atomic accesses.
    #[must_use]
    pub fn pointer(&self, run: usize) -> Option<*mut u8> {
        self.runs.get(run).map(|run| window(run.first * FRAME_SIZE))
    }

    /// The bytes of a run; `None` where they cannot be read and written here, or others can write them.
    #[must_use]
    pub fn bytes(&mut self, run: usize) -> Option<&mut [u8]> {
        let own = rights::READ | rights::WRITE;
        let alone = self.shared.iter().all(|(_, rights)| rights & rights::WRITE == 0);
        let FrameRun { first, count } = *self.runs.get(run).filter(|_| alone && self.rights & own == own)?;
        let length = usize::try_from(count * FRAME_SIZE).ok()?;
        // SAFETY: (1) the frames are the environment's, bound, and mapped in the window; (2) nobody else writes them, and
        // `&mut self` is the only way here; (3) any bytes are valid.
        Some(unsafe { core::slice::from_raw_parts_mut(window(first * FRAME_SIZE), length) })
    }

    fn parts(&self) -> impl Iterator<Item = FrameRun> + '_ {
        self.runs.iter().flat_map(|&run| list::parts(run, FRAMES_MAX))
    }

    /// Ends the environment's own binding. The frames stay its own.
    ///
    /// # Errors
    /// As the table says.
    pub fn unbind(&mut self) -> Result<(), Failure> {
        if mem::take(&mut self.rights) == 0 {
            return Ok(());
        }
        // SAFETY: references to the frames borrow them, and there is none while `self` is borrowed mutably.
        self.parts().try_for_each(|run| unsafe { Machine.unbind_run(0, 0, 0, run.first, run.count) }.map(drop))
    }

    /// Binds the frames in the environment itself, or changes what the binding allows: a combination of READ, WRITE and EXECUTE.
    ///
    /// # Errors
    /// As the table says.
    pub fn bind(&mut self, rights: u64) -> Result<(), Failure> {
        let slot = self.capability.slot().into();
        let bound = self.rights != 0;
        // SAFETY: as for `unbind`. The frames are in the window already, which maps every frame once.
        let bind = |run: FrameRun| unsafe {
            match bound {
                true => Machine.change_rights_run(0, 0, slot, rights, run.first, run.count).map(drop),
                false => Machine.bind_run(0, 0, slot, rights, run.first, run.count).map(drop),
            }
        };
        self.parts().try_for_each(bind)?;
        self.rights = rights;
        Ok(())
    }

    /// Binds the frames in another environment under `slot` there. `authority` has MODIFY over that environment.
    ///
    /// # Errors
    /// As the table says; what was bound before the error stays bound.
    pub fn share(&mut self, with: EnvironmentId, slot: u8, rights: u64, authority: &Capability) -> Result<(), Failure> {
        self.shared.push((with, rights));
        let bind = |run: FrameRun| {
            let (slot, second) = (slot.into(), authority.slot());
            // SAFETY: from now on nobody gets a reference to what the other environment can write, and there is none while
            // `self` is borrowed mutably.
            unsafe { Machine.bind_run(second, with.argument(), slot, rights, run.first, run.count) }.map(drop)
        };
        self.parts().try_for_each(bind)
    }

    /// Ends the bindings in another environment. It is told by its repossession vector, unless the capability of the frames is one over
    /// that environment as well: who acts for an environment need not tell it.
    ///
    /// # Errors
    /// As the table says. [`Error::NoSuchEnvironment`]: it has ended, and the bindings with it.
    pub fn unshare(&mut self, with: EnvironmentId) -> Result<(), Failure> {
        let credential = self.capability.slot();
        let unbind = |run: FrameRun| {
            // The environment's own capability, in slot 0, would be one over its children.
            // SAFETY: bindings of another environment.
            unsafe { Machine.unbind_run(credential, credential, with.argument(), run.first, run.count) }.map(drop)
        };
        let unbound = self.parts().try_for_each(unbind);
        if unbound.is_ok() {
            self.shared.retain(|&(other, _)| other != with);
        }
        unbound
    }
}

impl OwnedFrames {
    /// Puts the frames into the pool, to be read, written and executed as all of it.
    ///
    /// # Errors
    /// As the table says; the frames come back with the error. They must not be shared, which is
    /// [`Error::FrameBound`].
    pub fn into_pool(mut self) -> Result<(), (Self, Failure)> {
        if !self.shared.is_empty() {
            return Err((self, Error::FrameBound.into()));
        }
        // The environment's own name dominates every name that it has derived.
        let before = mem::replace(&mut self.capability, Authority::Own);
        if let Err(failure) = self.bind(rights_of_own_memory()) {
            self.capability = before;
            return Err((self, failure));
        }
        for run in mem::take(&mut self.runs) {
            POOL.lock().give_back(run);
        }
        Ok(())
    }

    /// Makes an environment of which the frames are the metadata reserve, guarded by the name of their own capability.
    pub(crate) fn into_environment(mut self) -> Result<EnvironmentId, Failure> {
        self.unbind()?;
        let credential = self.capability.slot();
        let made = list::with(|list| {
            let places = list.runs.get_mut(..self.runs.len()).ok_or(Error::TooLong)?;
            places.copy_from_slice(&self.runs);
            places.sort_unstable_by_key(|run| run.first);
            Machine.environment_create(credential, list.physical, self.runs.len() as u64)
        })?;
        mem::take(&mut self.runs).into_iter().for_each(|run| POOL.lock().forget(run));
        Ok(EnvironmentId::from_value(made))
    }
}

impl Drop for OwnedFrames {
    fn drop(&mut self) {
        for (with, _) in mem::take(&mut self.shared) {
            // An environment that has ended has no bindings.
            let _ = self.unshare(with);
        }
        let credential = self.capability.slot();
        for &run in &self.runs {
            // SAFETY: nobody refers to the frames any more.
            unsafe { supply::release_run(&mut Machine, credential, run, self.rights != 0) };
            POOL.lock().forget(run);
        }
    }
}
