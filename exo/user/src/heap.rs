//! The global allocator: grows by whole frames through the physical window whenever it is empty, and gives back on request what it
//! does not use.

mod extents;
#[cfg(test)]
mod tests;

#[cfg(target_os = "none")]
pub use global::{free_bytes, trim};

#[cfg(target_os = "none")]
mod global;
