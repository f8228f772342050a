//! The whole state, and what the kernel's glue does with it outside of calls.

use crate::environment::{CreateError, Environment, EnvironmentId, Environments, MAX_SLICES, NewEnvironment, Outcome};
use crate::frames::{Allocation, FrameError, FrameState, FrameTable, Release};
use crate::slices::{Slice, SliceVector};
use exo_abi::boot_page::MAX_NAME;

/// Most CPUs.
pub const MAX_CPUS: usize = 64;

/// Environments, frames and slices: the one truth about who owns what.
#[derive(Debug)]
pub struct Core<'a> {
    pub(crate) environments: Environments,
    pub(crate) frames: FrameTable<'a>,
    pub(crate) slices: [SliceVector; MAX_CPUS],
    pub(crate) cpus: usize,
}

impl<'a> Core<'a> {
    /// A state without environments over a table in which the free frames are declared, on a machine with `cpus`
    /// CPUs ([`MAX_CPUS`] at most count).
    #[must_use]
    pub fn new(frames: FrameTable<'a>, cpus: usize) -> Self {
        let slices = [SliceVector::new(); MAX_CPUS];
        Self { environments: Environments::new(), frames, slices, cpus: cpus.min(MAX_CPUS) }
    }

    /// The environments.
    #[must_use]
    pub fn environments(&self) -> &Environments {
        &self.environments
    }

    /// The frames.
    #[must_use]
    pub fn frames(&self) -> &FrameTable<'a> {
        &self.frames
    }

    /// The slice vectors by CPU.
    #[must_use]
    pub fn slices(&self) -> &[SliceVector] {
        &self.slices[..self.cpus]
    }

    /// Makes an environment with its slices (at the lowest free positions) and without frames.
    ///
    /// # Errors
    /// The first property that cannot be had; nothing changes then.
    pub fn create(&mut self, new: &NewEnvironment<'_>) -> Result<EnvironmentId, CreateError> {
        if !(1..=MAX_NAME).contains(&new.name.len()) {
            return Err(CreateError::Name);
        }
        let cpu = usize::try_from(new.cpu).ok().filter(|&cpu| cpu < self.cpus).ok_or(CreateError::Cpu)?;
        if !(1..=MAX_SLICES).contains(&new.slices) {
            return Err(CreateError::Slices);
        }
        let count = usize::try_from(new.slices).map_err(|_| CreateError::Slices)?;
        let taken = |environment: &Environment| environment.is_running() && environment.has_input();
        if new.input && self.environments.iter().any(|(_, environment)| taken(environment)) {
            return Err(CreateError::InputTaken);
        }
        let id = self.environments.next_id().ok_or(CreateError::TableFull)?;
        if self.slices[cpu].free() < count {
            return Err(CreateError::VectorFull);
        }
        self.environments.fill(id, new);
        self.slices[cpu].add_lowest(id, count);
        Ok(id)
    }

    /// Gives a running environment the lowest run of `count` free frames whose first number is a multiple of
    /// `align`, a power of two.
    ///
    /// # Errors
    /// What cannot be had; nothing changes then.
    pub fn allocate(&mut self, owner: EnvironmentId, count: u64, align: u64) -> Result<Allocation, FrameError> {
        let environment = self.environments.running_mut(owner).ok_or(FrameError::Owner)?;
        let allocation = self.frames.allocate_run(owner, count, align)?;
        environment.frames_held += allocation.run.count;
        Ok(allocation)
    }

    /// Ends an environment: it has no slices any more, and its frames are quarantined until the release comes
    /// back. `None` where `id` names no running environment.
    pub fn end(&mut self, id: EnvironmentId, outcome: Outcome) -> Option<Release> {
        if !self.environments.end(id, outcome) {
            return None;
        }
        for vector in &mut self.slices {
            vector.remove_all(id);
        }
        Some(self.frames.begin_release(id))
    }

    /// Frees the frames of an environment that ended. Every CPU must have forgotten them.
    pub fn finish_release(&mut self, release: Release) {
        self.frames.finish_release(&release);
    }

    /// Drops the record of an ended environment, so that its place can be used again; `false` where `id` names none
    /// or frames of it are still quarantined.
    pub fn forget(&mut self, id: EnvironmentId) -> bool {
        let pending = self.frames.states().any(|state| state == FrameState::Quarantined(id));
        !pending && self.environments.forget(id)
    }

    /// The slice that runs next on a CPU; `blocked` tells which environments have nothing to do. `None` where
    /// nobody can run.
    pub fn next_slice(&mut self, cpu: usize, blocked: impl Fn(EnvironmentId) -> bool) -> Option<Slice> {
        let environments = &self.environments;
        self.slices.get_mut(cpu)?.next(|id| environments.is_running(id) && !blocked(id))
    }
}
