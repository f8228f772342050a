//! A shootdown between its two halves.

use super::Shootdown;
use crate::paging::{Flushed, flushed};

/// A shootdown under way.
#[derive(Debug)]
#[must_use = "a shootdown proves nothing before every CPU has answered"]
pub struct Waiting {
    pub(super) epoch: u64,
    pub(super) spaces: u64,
    pub(super) cpus: u64,
    pub(super) covers: u64,
}

impl Waiting {
    /// The CPUs that were in a guest and have not been seen outside it since, one bit each.
    #[must_use]
    pub const fn cpus(&self) -> u64 {
        self.cpus
    }

    /// Looks again.
    ///
    /// # Errors
    /// The shootdown itself, while some CPU has not answered.
    pub fn check<const N: usize>(mut self, shootdown: &Shootdown<N>) -> Result<Flushed, Self> {
        if self.cpus == 0 {
            return Ok(flushed(self.covers, self.spaces));
        }
        for (cpu, state) in shootdown.cpus.iter().enumerate() {
            // A CPU that has left and entered again has compared epochs in between; it counts as having answered.
            if self.cpus & 1 << cpu != 0 && !state.is_behind(self.epoch, self.spaces) {
                self.cpus &= !(1 << cpu);
            }
        }
        if self.cpus == 0 { Ok(flushed(self.covers, self.spaces)) } else { Err(self) }
    }
}
