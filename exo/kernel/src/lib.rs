//! The exokernel on the machine: exits become calls, slices become time, and an environment's end its memory's release.
//!
//! Glue between `hv`, which knows nothing of ownership, and `exo-core`, which knows nothing of the machine. It has no
//! unsafe code and decides nothing that either side could decide.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod image;

#[cfg(target_os = "none")]
mod cpuid;
#[cfg(target_os = "none")]
mod exits;
#[cfg(target_os = "none")]
pub mod kernel;
#[cfg(target_os = "none")]
pub mod loader;
#[cfg(target_os = "none")]
mod report;
#[cfg(target_os = "none")]
mod resident;
#[cfg(target_os = "none")]
mod run;
#[cfg(target_os = "none")]
mod services;
