//! How benches measure: the one source that guests of Ravelin and programs on Linux share, so that their figures can be compared.
//!
//! A [`Bench`] runs an [`Operation`] many times, looks at the clock around each run and at the counters of transitions outside of that,
//! checks what every run left behind, and prints two lines for it ([`line`]). It never decides what is good enough: that is the reader's.
#![cfg_attr(not(test), no_std)]
#![allow(unsafe_code)] // the clock, and stores that are meant to fault

extern crate alloc;

pub mod appel_li;
mod bench;
pub mod clock;
pub mod line;
mod operation;
mod samples;
#[cfg(test)]
mod tests;
mod transitions;

pub use bench::{Bench, Failure, Plan};
pub use operation::{Operation, Returning, returning};
pub use samples::Samples;
pub use transitions::{Counts, Transitions, Uncounted};
