//! Memory of programs: frames, page tables, areas, and the ways into it.

mod access;
mod area;
mod fault;
mod fork;
mod frame;
mod map;
mod remap;
mod shared;
mod space;
mod table;

#[cfg(test)]
mod tests;
mod user;

pub use access::{SharedSpace, UserBuffers, Vector};
pub use area::{Area, Backing, Inherited, Protection};
pub use fault::{Access, Fault, FaultCode};
pub use frame::{FRAME_BYTES, Frame};
pub use map::{MapFlags, MapRequest};
pub use remap::RemapFlags;
pub use shared::SharedMemory;
pub use space::{AddressSpace, Layout, USER_END};
pub use user::UserMemory;

/// Bytes of a page.
pub const PAGE: u64 = FRAME_BYTES as u64;

/// The page that an address lies in.
#[must_use]
pub const fn page_of(address: u64) -> u64 {
    address & !(PAGE - 1)
}

/// Rounds up to a whole number of pages; `None` beyond all numbers.
#[must_use]
pub const fn round_up(bytes: u64) -> Option<u64> {
    bytes.checked_next_multiple_of(PAGE)
}
