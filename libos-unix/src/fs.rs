//! File systems.

/// Where a process's paths begin.
#[derive(Clone, Debug, Default)]
pub struct Directories {
    /// Permission bits that new files do not get.
    pub umask: u32,
}
