//! A text, as it was when it was read from its beginning.

use crate::errno::Result;
use crate::file::{File, Status};
use crate::io::Destination;
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};
use core::fmt;

/// What makes a text.
type Make = Box<dyn Fn() -> Result<Vec<u8>>>;

/// An open file of /proc.
pub(super) struct TextFile {
    text: RefCell<Vec<u8>>,
    /// Nobody has read it yet.
    is_new: Cell<bool>,
    make: Make,
    status: Status,
}

impl TextFile {
    /// A file with what `make` makes, now and whenever it is read from its beginning again.
    pub(super) fn new(make: Make, status: Status) -> Result<Self> {
        Ok(Self { text: RefCell::new(make()?), is_new: Cell::new(true), make, status })
    }
}

impl fmt::Debug for TextFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TextFile").field("text", &self.text).finish_non_exhaustive()
    }
}

impl File for TextFile {
    fn read(&self, offset: u64, to: &mut dyn Destination) -> Result<usize> {
        if offset == 0 && !self.is_new.replace(false) {
            let text = (self.make)()?;
            *self.text.borrow_mut() = text;
        }
        let text = self.text.borrow();
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(text.len());
        to.put(&text[start..])
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
