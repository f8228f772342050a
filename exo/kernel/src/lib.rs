//! The exokernel on the machine: exits become calls, slices become time, and an environment's end its memory's release.
//!
//! Glue between `hv`, which knows nothing of ownership, and `exo-core`, which knows nothing of the machine. It has no
//! unsafe code and decides nothing that either side could decide.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod image;

mod calls;
mod cpuid;
mod event_page;
mod exits;
mod input;
pub mod kernel;
pub mod loader;
mod report;
mod resident;
mod run;
mod services;
mod slice;
mod spaces;
mod storage;
