//! How many exits a piece of work costs, by reason.

use core::fmt;
use exo_user::abi::counters::{EXIT_REASONS, caused};
use exo_user::counters;

/// Exit reasons by number (SDM Vol. 3, Appendix C).
pub mod reason {
    #![allow(missing_docs)] // the names are the manual's
    pub const CPUID: usize = 10;
    pub const VMCALL: usize = 18;
    pub const CR_ACCESS: usize = 28;
    pub const EPT_VIOLATION: usize = 48;
    pub const EPT_MISCONFIGURATION: usize = 49;
}

/// Exits between two moments, by reason.
#[derive(Clone, Copy, Debug)]
pub struct Exits([u64; EXIT_REASONS]);

impl Exits {
    /// Exits for this reason.
    #[must_use]
    pub fn of(&self, reason: usize) -> u64 {
        self.0.get(reason).copied().unwrap_or(0)
    }

    /// All but those that the machine causes: interrupts, and the end of the slice.
    #[must_use]
    pub fn caused(&self) -> u64 {
        caused(&self.0)
    }
}

impl fmt::Display for Exits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (reason, count) in self.0.iter().enumerate().filter(|&(_, &count)| count > 0) {
            write!(f, " reason-{reason}={count}")?;
        }
        Ok(())
    }
}

/// Exits so far but those that the machine causes.
#[must_use]
pub fn caused_so_far() -> u64 {
    caused(&counters().exits)
}

/// Does the work and counts the exits meanwhile.
pub fn during<T>(work: impl FnOnce() -> T) -> (T, Exits) {
    let before = counters().exits;
    let result = work();
    let mut exits = counters().exits;
    for (after, before) in exits.iter_mut().zip(before) {
        *after = after.wrapping_sub(before);
    }
    (result, Exits(exits))
}
