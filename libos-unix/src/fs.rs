//! File systems: inodes, the paths to them, and what stands behind devices that need nothing else.
//!
//! Everything that has a name is an [`Inode`]; file systems differ in what theirs do. [`Namespace`] finds them by path and checks who may.

mod archive;
mod change;
mod devices;
mod inode;
mod layout;
mod memory;
mod mounts;
mod node;
mod open;
mod permission;
pub mod proc;
mod rename;
pub mod slaves;
#[cfg(test)]
mod tests;
mod walk;

pub use archive::{ArchiveError, unpack};
pub use change::NewTime;
pub use devices::{device, number, open_device};
pub use inode::{Entry, Inode, MetadataChange, New, Seals, SeekTo};
pub use layout::{encode_stat, encode_statfs, encode_statx};
pub use memory::MemoryFileSystem;
pub use mounts::{Mount, Namespace, Place, is_same};
pub use node::NodeFile;
pub use open::{OpenRequest, Opened};
pub use permission::Access;
pub use rename::RenameFlags;
pub use walk::{Base, Follow};

/// Where a process's paths begin. Threads may share it.
#[derive(Clone, Debug)]
pub struct Directories {
    /// Where "/" is.
    pub root: Place,
    /// Where relative paths begin.
    pub current: Place,
    /// Permission bits that new files do not get.
    pub umask: u32,
}

/// Bytes of a name, at most.
pub const MOST_NAME: usize = 255;
