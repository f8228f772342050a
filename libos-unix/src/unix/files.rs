//! What happens to processes when they use files: locks that go, terminals that object.

use super::Unix;
use crate::errno::{Errno, Result};
use crate::file::{Description, File, Kind, OpenFlags};
use crate::fs::{self, MemoryFileSystem, New, NodeFile, Place};
use crate::process::Process;
use crate::syscall::{Call, Stop};
use alloc::rc::Rc;
use alloc::vec::Vec;

impl Unix {
    /// A descriptor of a process was closed.
    pub fn close(&self, _process: &Process, description: Rc<Description>) {
        drop(description);
    }

    /// Whether a process may read or write a file now, as far as job control has to do with it.
    ///
    /// # Errors
    /// The call is over, or made again after a signal.
    pub fn may_use_terminal(
        &self,
        _call: &Call<'_>,
        _description: &Description,
        _reading: bool,
    ) -> core::result::Result<(), Stop> {
        Ok(())
    }

    /// Opens a character device.
    ///
    /// # Errors
    /// ENXIO where there is none of that number.
    pub fn open_device(
        &self,
        _call: &Call<'_>,
        represents: u64,
        place: &Place,
        _flags: OpenFlags,
    ) -> core::result::Result<Rc<dyn File>, Stop> {
        Ok(fs::open_device(represents, place.inode.status())?)
    }

    /// Opens a FIFO.
    ///
    /// # Errors
    /// ENXIO where nobody reads it and nobody may wait.
    pub fn open_fifo(
        &self,
        _call: &Call<'_>,
        _place: &Place,
        _flags: OpenFlags,
    ) -> core::result::Result<Rc<dyn File>, Stop> {
        Err(Errno::ENXIO.into())
    }

    /// A file that never has a name.
    ///
    /// # Errors
    /// ENOSPC.
    pub fn nameless_file(&self) -> Result<NodeFile> {
        let root = MemoryFileSystem::new(NAMELESS, u64::MAX);
        let new = New { kind: Kind::Regular, permissions: 0o777, user: 0, group: 0, represents: 0, target: Vec::new() };
        let inode = root.make_nameless(&new)?;
        Ok(NodeFile::new(self.names_of_files().root().with(inode)))
    }
}

/// The device of files without names.
const NAMELESS: u64 = 1;
