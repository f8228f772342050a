//! Who runs: a queue of threads that can, one of which has the virtual CPU.

mod queue;
mod timers;

pub use queue::RunQueue;
pub use timers::{Expire, TimerHandle, Timers};
