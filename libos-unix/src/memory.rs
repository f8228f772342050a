//! Memory of programs: frames, page tables, areas, and the ways into it.

mod frame;
mod user;

pub use frame::{FRAME_BYTES, Frame};
pub use user::UserMemory;
