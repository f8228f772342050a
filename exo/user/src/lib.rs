//! The library that library OSes may use: entry, calls, console, heap, own descriptor tables and exceptions.
//!
//! Everything here runs inside the guest and has no authority beyond the environment's own; a library OS may
//! replace any part of it, and needs none but the calls. It never decides policy: frames are handed out in the
//! order in which the boot page lists them, and whoever wants another order keeps its own list.
#![no_std]
// A guest owns its page tables, descriptor tables and stacks, and nobody else can take care of them.
#![allow(unsafe_code)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod call;
pub mod capability;
pub mod console;
mod counters;
pub mod cpu;
mod data;
pub mod environment;
mod environment_id;
pub mod events;
pub mod exceptions;
pub mod foreign;
pub mod frames;
pub mod gate;
#[cfg(any(test, target_os = "none"))]
pub mod heap;
mod image;
pub mod info;
pub mod last_resort;
mod logger;
pub mod page_table;
#[cfg(target_os = "none")]
mod panic;
pub mod predicate;
pub mod region;
pub mod revocation;
pub mod ring;
pub mod segments;
pub mod slices;
pub mod start;
pub mod vcpu;

pub use counters::counters;
pub use data::{Data, take_data};
pub use environment_id::EnvironmentId;
pub use exo_abi as abi;
pub use x86_64;

/// Exit status of an environment that panicked.
///
/// Like those below it is no exit status that a Unix program can have.
pub const STATUS_PANIC: u32 = 1001;
/// Exit status of an environment that took an exception for which it had no handler.
pub const STATUS_EXCEPTION: u32 = 1002;
/// Exit status of an environment that does not understand its boot page.
pub const STATUS_BOOT_PAGE: u32 = 1003;
