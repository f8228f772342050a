//! Archives in the format "newc", as Linux takes them for an initramfs (Documentation/driver-api/early-userspace/buffer-format.rst), and
//! as the Unix library OS takes them for its root.

use anyhow::{Context, Result};

/// What a mode says of an entry's type: the bits of `S_IFMT`.
pub mod kind {
    /// A character device.
    pub const CHARACTER_DEVICE: u32 = 0o020_000;
    /// A directory.
    pub const DIRECTORY: u32 = 0o040_000;
    /// A regular file.
    pub const REGULAR_FILE: u32 = 0o100_000;
    /// A symbolic link, whose content is its target.
    pub const SYMBOLIC_LINK: u32 = 0o120_000;
}

/// The name of the last entry.
const END: &[u8] = b"TRAILER!!!";

/// What an archive says of a file beside its name. It is root's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Type and permissions.
    pub mode: u32,
    /// Seconds since 1970.
    pub modified: u32,
    /// Major and minor number of a device.
    pub device: (u32, u32),
    /// The bytes of a file, the target of a link.
    pub content: Vec<u8>,
}

/// An archive that grows.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    /// Adds an entry. Names have no slash at their beginning; directories come before what is in them.
    ///
    /// # Errors
    /// More than 4 GiB of content: the format has no place for such a size.
    pub fn add(&mut self, name: &[u8], entry: &Entry) -> Result<()> {
        self.entries += 1;
        let length = |bytes: usize, what: &str| {
            u32::try_from(bytes).with_context(|| format!("{}: {what} is too long", String::from_utf8_lossy(name)))
        };
        let size = length(entry.content.len(), "its content")?;
        let name_length = length(name.len() + 1, "the name")?;
        let (major, minor) = entry.device;
        let Entry { mode, modified, .. } = *entry;
        // Inode, mode, owner, group, links, time, size, device of the file system, device numbers, length of the name, checksum.
        let fields = [self.entries, mode, 0, 0, 1, modified, size, 0, 0, major, minor, name_length, 0];
        self.bytes.extend(b"070701");
        fields.iter().for_each(|field| self.bytes.extend(format!("{field:08X}").bytes()));
        self.bytes.extend(name);
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(&entry.content);
        self.pad();
        Ok(())
    }

    /// The whole archive.
    ///
    /// # Errors
    /// Never: the last entry is short.
    pub fn finish(mut self) -> Result<Vec<u8>> {
        self.add(END, &Entry::default())?;
        Ok(self.bytes)
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

impl Entry {
    /// A directory.
    #[must_use]
    pub fn directory(permissions: u32) -> Entry {
        Entry { mode: kind::DIRECTORY | permissions, ..Entry::default() }
    }

    /// A regular file.
    #[must_use]
    pub fn file(permissions: u32, content: impl Into<Vec<u8>>) -> Entry {
        Entry { mode: kind::REGULAR_FILE | permissions, content: content.into(), ..Entry::default() }
    }

    /// A symbolic link.
    #[must_use]
    pub fn link(target: impl Into<Vec<u8>>) -> Entry {
        Entry { mode: kind::SYMBOLIC_LINK | 0o777, content: target.into(), ..Entry::default() }
    }

    /// A character device.
    #[must_use]
    pub fn device(permissions: u32, major: u32, minor: u32) -> Entry {
        Entry { mode: kind::CHARACTER_DEVICE | permissions, device: (major, minor), ..Entry::default() }
    }

    /// Whether it is a directory.
    #[must_use]
    pub fn is_directory(&self) -> bool {
        self.mode & 0o170_000 == kind::DIRECTORY
    }
}

#[cfg(test)]
mod tests;
