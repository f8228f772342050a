//! Memory that processes share without a file.

use super::{Frame, PAGE};
use crate::errno::Result;
use crate::file::{File, Kind, Status};
use alloc::collections::BTreeMap;
use core::any::Any;
use core::cell::RefCell;

/// What stands behind a shared mapping without a file: zeros at first.
#[derive(Debug, Default)]
pub struct SharedMemory {
    pages: RefCell<BTreeMap<u64, Frame>>,
    bytes: u64,
}

impl SharedMemory {
    /// So many bytes.
    #[must_use]
    pub const fn new(bytes: u64) -> Self {
        Self { pages: RefCell::new(BTreeMap::new()), bytes }
    }
}

impl File for SharedMemory {
    fn size(&self) -> u64 {
        self.bytes
    }

    fn status(&self) -> Status {
        let blocks = self.pages.borrow().len() as u64 * (PAGE / 512);
        Status { kind: Kind::Regular, permissions: 0o600, size: self.bytes, blocks, ..Status::default() }
    }

    fn page(&self, index: u64) -> Result<Option<Frame>> {
        if index >= self.bytes.div_ceil(PAGE) {
            return Ok(None);
        }
        let mut pages = self.pages.borrow_mut();
        if let Some(page) = pages.get(&index) {
            return Ok(Some(page.clone()));
        }
        let page = Frame::zeroed()?;
        pages.insert(index, page.clone());
        Ok(Some(page))
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
