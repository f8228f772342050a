//! What the boot loader and the firmware say, checked and turned into plain values.
//!
//! Everything here is a pure function of bytes, so that it runs under `cargo test` on the host. Nothing here
//! follows a pointer, touches the machine or trusts a length: a lying boot loader costs a sentence, not a panic.
#![no_std]
#![forbid(unsafe_code)]

#[cfg(test)]
extern crate std;

pub mod boot_data;
pub mod command_line;
pub mod firmware;
pub mod list;
pub mod memory_map;
