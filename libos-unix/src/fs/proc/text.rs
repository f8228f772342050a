//! A text, as it was when the file was opened.

use crate::errno::Result;
use crate::file::{File, Status};
use crate::io::Destination;
use alloc::vec::Vec;
use core::any::Any;

/// An open file of /proc.
#[derive(Debug)]
pub(super) struct TextFile {
    text: Vec<u8>,
    status: Status,
}

impl TextFile {
    pub(super) const fn new(text: Vec<u8>, status: Status) -> Self {
        Self { text, status }
    }
}

impl File for TextFile {
    fn read(&self, offset: u64, to: &mut dyn Destination) -> Result<usize> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.text.len());
        to.put(&self.text[start..])
    }

    fn is_seekable(&self) -> bool {
        true
    }

    fn status(&self) -> Status {
        self.status
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
