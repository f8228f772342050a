//! Archives as Linux takes them for an initramfs: the format "newc" (Documentation/driver-api/early-userspace/buffer-format.rst).

/// A character device's mode bits.
const CHARACTER_DEVICE: u32 = 0o020_000;
const DIRECTORY: u32 = 0o040_000;
const REGULAR_FILE: u32 = 0o100_000;
/// The name of the last entry.
const END: &str = "TRAILER!!!";

/// An archive that grows.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    bytes: Vec<u8>,
    entries: u32,
}

impl Archive {
    /// Adds a directory.
    pub fn directory(&mut self, name: &str) {
        self.entry(name, DIRECTORY | 0o755, (0, 0), &[]);
    }

    /// Adds a program.
    pub fn program(&mut self, name: &str, content: &[u8]) {
        self.entry(name, REGULAR_FILE | 0o755, (0, 0), content);
    }

    /// Adds a character device by its numbers.
    pub fn device(&mut self, name: &str, major: u32, minor: u32) {
        self.entry(name, CHARACTER_DEVICE | 0o600, (major, minor), &[]);
    }

    /// The whole archive.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.entry(END, 0, (0, 0), &[]);
        self.bytes
    }

    fn entry(&mut self, name: &str, mode: u32, (major, minor): (u32, u32), content: &[u8]) {
        self.entries += 1;
        let length = |bytes: usize| u32::try_from(bytes).unwrap_or(u32::MAX);
        // Inode, mode, owner, group, links, time, size, device of the file system, device numbers, length of the name, checksum.
        let size = length(content.len());
        let fields = [self.entries, mode, 0, 0, 1, 0, size, 0, 0, major, minor, length(name.len() + 1), 0];
        self.bytes.extend(b"070701");
        fields.iter().for_each(|field| self.bytes.extend(format!("{field:08X}").bytes()));
        self.bytes.extend(name.bytes());
        self.bytes.push(0);
        self.pad();
        self.bytes.extend(content);
        self.pad();
    }

    fn pad(&mut self) {
        self.bytes.resize(self.bytes.len().next_multiple_of(4), 0);
    }
}

#[cfg(test)]
mod tests {
    use super::Archive;

    #[test]
    fn entries_are_aligned_and_end_with_the_trailer() {
        let mut archive = Archive::default();
        archive.program("init", b"hello");
        let bytes = archive.finish();
        let header = "070701000000010000".to_owned() + "81ED";
        assert!(bytes.starts_with(header.as_bytes()), "{}", String::from_utf8_lossy(&bytes[..40]));
        // The header's 110 bytes and `init\0` fill 115, padded to 116.
        assert_eq!(&bytes[54..62], b"00000005", "the size");
        assert_eq!(&bytes[110..121], b"init\0\0hello");
        assert_eq!(bytes.len() % 4, 0);
        assert!(bytes.windows(11).any(|window| window == b"TRAILER!!!\0"));
    }
}
