//! The ACPI root pointer as the boot loader passes it.

/// A copy of the ACPI root pointer as the loader passed it: 20 bytes (version 1) or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RootPointer {
    bytes: [u8; 36],
    length: usize,
}

impl RootPointer {
    /// Copies a root pointer's bytes; `None` where there are fewer than the 20 of version 1. More than 36 are cut.
    #[must_use]
    pub fn copy(from: &[u8]) -> Option<Self> {
        let mut bytes = [0; 36];
        let length = from.len().min(bytes.len());
        bytes[..length].copy_from_slice(&from[..length]);
        (length >= 20).then_some(Self { bytes, length })
    }

    /// The bytes, unchecked.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.length]
    }
}
