//! The exokernel proper: who owns what, checked and changed in one place.
//!
//! A pure state machine over the small [`Machine`] trait. It never touches memory, never waits and never
//! chooses: a caller names what it wants, every check comes first, and after the last check nothing fails. It runs
//! under `cargo test` on the host, where a naive model does the same calls and must agree.
//!
//! What is exposed to library OSes (frame table, environments, slice vectors, system page) is not a copy: the records of
//! `exo-abi` are the state.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(any(test, fuzzing))]
extern crate std;

mod bindings;
mod calls;
pub mod capability;
mod claims;
pub mod environment;
mod events;
pub mod frames;
pub mod gates;
mod giving;
pub mod invariants;
pub mod machine;
mod predicate;
pub mod scheduling;
pub mod slices;
pub mod state;
mod teardown;
#[cfg(any(test, fuzzing))]
pub mod tests;

pub use calls::{Effect, Reply, dispatch};
pub use environment::{EnvironmentId, Outcome};
pub use machine::{Binding, Machine, VcpuStart};
pub use state::{Core, NewEnvironment, Storage};
