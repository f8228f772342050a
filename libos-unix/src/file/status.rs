//! What stat(2) says.

/// What a file is, as the upper bits of its mode say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u32)]
pub enum Kind {
    /// A FIFO or a pipe.
    Fifo = 0o010_000,
    /// A character device.
    CharacterDevice = 0o020_000,
    /// A directory.
    Directory = 0o040_000,
    /// A block device.
    BlockDevice = 0o060_000,
    /// A regular file.
    #[default]
    Regular = 0o100_000,
    /// A symbolic link.
    Link = 0o120_000,
    /// A socket.
    Socket = 0o140_000,
    /// Something without a kind, such as an eventfd.
    Anonymous = 0,
}

/// A time in seconds and nanoseconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Timestamp {
    /// Seconds.
    pub seconds: i64,
    /// Nanoseconds, below a thousand million.
    pub nanoseconds: u32,
}

/// What stat(2) says of a file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Status {
    /// The device that it is on.
    pub device: u64,
    /// Its number there.
    pub inode: u64,
    /// What it is.
    pub kind: Kind,
    /// Permission bits, with set-user-id, set-group-id and sticky: twelve.
    pub permissions: u32,
    /// Names that it has.
    pub links: u64,
    /// Its owner.
    pub user: u32,
    /// Its group.
    pub group: u32,
    /// The device that it is.
    pub represents: u64,
    /// Bytes.
    pub size: u64,
    /// Bytes to read and write at a time.
    pub block_size: u32,
    /// Units of 512 bytes that it takes.
    pub blocks: u64,
    /// Last read.
    pub accessed: Timestamp,
    /// Content last changed.
    pub modified: Timestamp,
    /// Anything last changed.
    pub changed: Timestamp,
    /// Made.
    pub created: Timestamp,
}

impl Status {
    /// Kind and permissions as st_mode has them.
    #[must_use]
    pub const fn mode(&self) -> u32 {
        self.kind as u32 | self.permissions
    }
}
