//! Mechanism: what the hardware can do, made safe to use, with no notion of who owns what.
//!
//! The only home of privileged instructions in the kernel. `boot` and `exo-kernel` drive it; it knows neither.
#![no_std]
#![allow(unsafe_code, reason = "privileged instructions and hardware tables live here and nowhere above")]

#[cfg(test)]
extern crate std;

pub mod addr;
#[cfg(target_os = "none")]
pub mod backtrace;
#[cfg(target_os = "none")]
pub mod cpu;
#[cfg(target_os = "none")]
pub mod guest_memory;
#[cfg(target_os = "none")]
pub mod guest_space;
#[cfg(target_os = "none")]
pub mod kernel_space;
#[cfg(target_os = "none")]
pub mod output;
#[cfg(target_os = "none")]
pub mod page;
pub mod paging;
#[cfg(target_os = "none")]
pub mod physmap;
#[cfg(target_os = "none")]
pub mod pool;
#[cfg(target_os = "none")]
pub mod stack;
#[cfg(target_os = "none")]
pub mod trace;
pub mod vmx;
