//! The exokernel proper: who owns what, checked and changed in one place.
//!
//! A pure state machine over the small [`Machine`] trait. It never touches memory, never waits and never
//! chooses: a caller names what it wants, every check comes first, and after the last check nothing fails. It runs
//! under `cargo test` on the host, where a naive model does the same calls and must agree.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod calls;
pub mod environment;
pub mod frames;
pub mod invariants;
pub mod machine;
pub mod slices;
pub mod state;

#[cfg(test)]
mod tests;

pub use calls::{Effect, Reply, dispatch};
pub use environment::{EnvironmentId, NewEnvironment, Outcome};
pub use frames::{FrameRecord, FrameTable};
pub use machine::Machine;
pub use state::Core;
