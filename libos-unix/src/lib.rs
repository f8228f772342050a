//! The Unix library OS: runs unmodified Linux programs in ring 3 of its own virtual machine. The kernel is not asked
//! for anything that a program does; it gives frames and time.
//!
//! This is the logic. What it needs of the machine is [`machine`], which tests replace by a simulated one. One virtual CPU runs it, nothing
//! interrupts it, and no system call waits inside of it: see [`wait`].
#![cfg_attr(target_os = "none", no_std)]
// Registers have 64 bits, and the interface takes ints, sizes and pointers out of them as Linux does: by cutting.
#![allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]

extern crate alloc;

pub mod clock;
pub mod descriptors;
pub mod errno;
pub mod event;
pub mod file;
pub mod fs;
pub mod futex;
pub mod io;
pub mod machine;
pub mod memory;
pub mod pipe;
pub mod process;
pub mod random;
pub mod schedule;
pub mod signal;
pub mod socket;
pub mod syscall;
pub mod terminal;
pub mod timer;
pub mod unix;
pub mod wait;
