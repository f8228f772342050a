//! The tags of the boot data, one after the other, each with its bytes and nothing beyond them.

use super::error::BootDataError;
use multiboot2::{TagType, TagTypeId};

const HEADER: usize = 8;

/// The bytes of a structure, read by offset.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(&'a [u8]);

impl<'a> Fields<'a> {
    pub(super) fn of(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn bytes(self) -> &'a [u8] {
        self.0
    }

    pub(super) fn word(self, offset: usize) -> Option<u32> {
        self.0.get(offset..)?.first_chunk().map(|bytes| u32::from_le_bytes(*bytes))
    }

    pub(super) fn long(self, offset: usize) -> Option<u64> {
        self.0.get(offset..)?.first_chunk().map(|bytes| u64::from_le_bytes(*bytes))
    }

    /// The zero-ended UTF-8 text at `offset`.
    pub(super) fn text(self, offset: usize) -> Option<&'a str> {
        let bytes = self.0.get(offset..)?;
        let length = bytes.iter().position(|&byte| byte == 0)?;
        core::str::from_utf8(&bytes[..length]).ok()
    }
}

/// All tags before the end tag. The boot data says that it has `total` bytes.
pub(super) fn tags(
    bytes: &[u8],
    total: u32,
) -> Result<impl Iterator<Item = Result<(TagType, Fields<'_>), BootDataError>>, BootDataError> {
    let total = usize::try_from(total).unwrap_or(usize::MAX);
    let mut rest = match bytes.get(..total) {
        Some(bytes) if total >= 2 * HEADER => &bytes[HEADER..],
        _ => return Err(BootDataError::TotalSize { total, length: bytes.len() }),
    };
    let mut ended = false;
    Ok(core::iter::from_fn(move || {
        if ended {
            return None;
        }
        match next(&mut rest, total) {
            Ok((TagType::End, _)) => {
                ended = true;
                None
            }
            other => {
                ended = other.is_err();
                Some(other)
            }
        }
    }))
}

/// Takes one tag and its padding off `rest`. Every tag has at least its header, so this ends.
fn next<'a>(rest: &mut &'a [u8], total: usize) -> Result<(TagType, Fields<'a>), BootDataError> {
    let fields = Fields(rest);
    let (Some(kind), Some(size)) = (fields.word(0), fields.word(4)) else {
        return Err(BootDataError::NoEndTag);
    };
    let offset = total - rest.len();
    let size = usize::try_from(size).unwrap_or(usize::MAX);
    let payload = rest.get(HEADER..size).ok_or(BootDataError::TagSize { offset, size })?;
    *rest = rest.get(size.next_multiple_of(8)..).unwrap_or(&[]);
    Ok((TagType::from(TagTypeId::new(kind)), Fields(payload)))
}
