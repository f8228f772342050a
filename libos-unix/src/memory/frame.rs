//! Frames with counted references: whoever holds a [`Frame`] shares it with all who hold the same.

use crate::errno::{Errno, Result};
use crate::machine;

/// Bytes of a frame.
pub const FRAME_BYTES: usize = 4096;
/// Words of a frame.
const WORDS: usize = FRAME_BYTES / 8;

/// A share of a frame of physical memory. The last one that is dropped frees it. Its bytes are copied, never borrowed: programs and others
/// who share it may write them.
#[derive(Debug, PartialEq, Eq)]
pub struct Frame {
    number: u64,
}

impl Frame {
    /// A frame with whatever was in it, nobody else's.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn uninitialised() -> Result<Self> {
        machine::take_frame().map(|number| Self { number }).ok_or(Errno::ENOMEM)
    }

    /// A frame of zeros.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn zeroed() -> Result<Self> {
        let frame = Self::uninitialised()?;
        machine::clear_frame(frame.number);
        Ok(frame)
    }

    /// A frame with what is in another.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn copied(&self) -> Result<Self> {
        let frame = Self::uninitialised()?;
        machine::copy_frame(self.number, 0, frame.number, 0, FRAME_BYTES);
        Ok(frame)
    }

    /// Its number.
    #[must_use]
    pub const fn number(&self) -> u64 {
        self.number
    }

    /// Its physical address.
    #[must_use]
    pub const fn physical(&self) -> u64 {
        self.number * FRAME_BYTES as u64
    }

    /// Whether nobody shares it.
    #[must_use]
    pub fn is_alone(&self) -> bool {
        machine::shares(self.number) == 1
    }

    /// Copies bytes out of it.
    ///
    /// # Panics
    /// Where they are not all in the frame.
    pub fn read(&self, offset: usize, into: &mut [u8]) {
        assert!(offset + into.len() <= FRAME_BYTES, "reads in a frame end in it");
        machine::read_frame(self.number, offset, into);
    }

    /// Copies bytes into it.
    ///
    /// # Panics
    /// Where they do not all fit.
    pub fn write(&self, offset: usize, bytes: &[u8]) {
        assert!(offset + bytes.len() <= FRAME_BYTES, "writes in a frame end in it");
        machine::write_frame(self.number, offset, bytes);
    }

    /// Makes some of its bytes zeros.
    pub fn clear(&self, offset: usize, length: usize) {
        const ZEROS: [u8; 256] = [0; 256];
        let mut done = 0;
        while done < length {
            let part = (length - done).min(ZEROS.len());
            self.write(offset + done, &ZEROS[..part]);
            done += part;
        }
    }

    /// Copies bytes from another one, or from another place in the same.
    ///
    /// # Panics
    /// Where they are not all in their frames.
    pub fn copy_from(&self, offset: usize, other: &Self, from: usize, length: usize) {
        assert!(offset + length <= FRAME_BYTES && from + length <= FRAME_BYTES, "copies end in their frames");
        machine::copy_frame(other.number, from, self.number, offset, length);
    }

    /// A word of it.
    ///
    /// # Panics
    /// From word 512 on.
    #[must_use]
    #[inline]
    pub fn word(&self, index: usize) -> u64 {
        assert!(index < WORDS, "a frame has 512 words");
        machine::read_word(self.number, index)
    }

    /// Replaces a word of it.
    ///
    /// # Panics
    /// From word 512 on.
    #[inline]
    pub fn set_word(&self, index: usize, word: u64) {
        assert!(index < WORDS, "a frame has 512 words");
        machine::write_word(self.number, index, word);
    }

    /// Gives the share away as the frame's number, for a page table to hold.
    #[must_use]
    pub const fn into_number(self) -> u64 {
        let number = self.number;
        core::mem::forget(self);
        number
    }

    /// Takes back a share that was given away. Whoever takes one that nobody gave away frees what others use: safe for the library OS's own
    /// memory, which is no frame of this kind, but not for programs.
    #[must_use]
    pub const fn from_number(number: u64) -> Self {
        Self { number }
    }
}

impl Clone for Frame {
    fn clone(&self) -> Self {
        machine::share_frame(self.number);
        Self { number: self.number }
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        machine::release_frame(self.number);
    }
}
