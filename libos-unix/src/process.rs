//! Processes and their threads.

mod exec;
mod id;
mod image;
mod limits;
mod process_state;
mod stack;
mod thread;

pub use exec::{FindProgram, execute, short_name};
pub use id::Identifiers;
#[cfg(test)]
pub(crate) use image::tests::good as tiny_program;
pub use image::{Image, Placed};
pub use limits::{Limit, Limits, Resource};
pub use process_state::{Process, ProcessState, StopNews, Times, WaitStatus};
pub use stack::Arguments;
pub use thread::{AlternateStack, NewThread, Progress, Shared, Thread};
