//! Mechanism: what the hardware can do, made safe to use, with no notion of who owns what.
//!
//! The only home of privileged instructions in the kernel. `boot` and `exo-kernel` drive it; it knows neither.
#![no_std]
#![allow(unsafe_code, reason = "privileged instructions and hardware tables live here and nowhere above")]

#[cfg(test)]
extern crate std;

pub mod addr;
pub mod backtrace;
pub mod cpu;
pub mod cpuid_policy;
pub mod guest_memory;
pub mod guest_space;
pub mod kernel_space;
pub mod output;
pub mod page;
pub mod paging;
pub mod physmap;
pub mod pool;
pub mod shootdown;
pub mod stack;
mod sync;
#[cfg(all(test, not(loom)))]
mod test_machine;
pub mod trace;
pub mod vmx;
