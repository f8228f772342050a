//! A file of a file system, opened.

use super::Place;
use super::inode::{Entry, SeekTo};
use crate::errno::{Errno, Result};
use crate::file::{File, Kind, OpenFlags, Status};
use crate::io::{Destination, Source};
use crate::memory::Frame;
use core::any::Any;

/// An inode, and the place at which it was opened.
#[derive(Debug)]
pub struct NodeFile {
    place: Place,
    kind: Kind,
}

impl NodeFile {
    /// The file at a place.
    #[must_use]
    pub fn new(place: Place) -> Self {
        let kind = place.inode.kind();
        Self { place, kind }
    }

    /// Where it is.
    #[must_use]
    pub const fn place(&self) -> &Place {
        &self.place
    }

    /// Shows a directory's entries from a place on.
    ///
    /// # Errors
    /// ENOTDIR; ENOENT where the directory was removed.
    pub fn entries(&self, from: u64, visit: &mut dyn FnMut(Entry<'_>) -> bool) -> Result<()> {
        if self.kind != Kind::Directory {
            return Err(Errno::ENOTDIR);
        }
        if self.place.inode.status().links == 0 {
            return Err(Errno::ENOENT);
        }
        self.place.inode.entries(from, visit);
        Ok(())
    }

    /// The next content or hole.
    ///
    /// # Errors
    /// ENXIO.
    pub fn seek(&self, offset: u64, to: SeekTo) -> Result<u64> {
        self.place.inode.seek(offset, to)
    }
}

impl File for NodeFile {
    fn read(&self, offset: u64, to: &mut dyn Destination) -> Result<usize> {
        if self.kind == Kind::Directory {
            return Err(Errno::EISDIR);
        }
        self.place.inode.read(offset, to)
    }

    fn write(&self, offset: u64, from: &mut dyn Source) -> Result<usize> {
        self.place.inode.write(offset, from)
    }

    fn is_seekable(&self) -> bool {
        true
    }

    fn size(&self) -> u64 {
        self.place.inode.status().size
    }

    fn status(&self) -> Status {
        self.place.inode.status()
    }

    fn page(&self, index: u64) -> Result<Option<Frame>> {
        if self.kind != Kind::Regular {
            return Err(Errno::ENODEV);
        }
        self.place.inode.page(index)
    }

    fn opened(&self, flags: OpenFlags) {
        if flags.writes()
            && let Some(writers) = self.place.inode.writers()
        {
            writers.set(writers.get() + 1);
        }
    }

    fn closed(&self, flags: OpenFlags) {
        if flags.writes()
            && let Some(writers) = self.place.inode.writers()
        {
            writers.set(writers.get().saturating_sub(1));
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
