//! What a file system offers: files by name, whatever they are.

use super::Place;
use crate::errno::{Errno, Result};
use crate::file::{File, Kind, Status, Timestamp};
use crate::io::{Destination, Source};
use crate::memory::Frame;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::Cell;
use core::fmt;

/// What is to be made.
#[derive(Clone, Debug)]
pub struct New {
    /// What it is.
    pub kind: Kind,
    /// Twelve permission bits.
    pub permissions: u32,
    /// Its owner.
    pub user: u32,
    /// Its group.
    pub group: u32,
    /// The device that it is.
    pub represents: u64,
    /// Where a link leads.
    pub target: Vec<u8>,
}

/// What is to be changed; `None` stays.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MetadataChange {
    /// Twelve permission bits.
    pub permissions: Option<u32>,
    /// Owner.
    pub user: Option<u32>,
    /// Group.
    pub group: Option<u32>,
    /// Last read.
    pub accessed: Option<Timestamp>,
    /// Content last changed.
    pub modified: Option<Timestamp>,
}

/// What a directory holds under a name.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'n> {
    /// The name.
    pub name: &'n [u8],
    /// Where the reader goes on after it.
    pub next: u64,
    /// The number of the file.
    pub inode: u64,
    /// What it is.
    pub kind: Kind,
}

/// What lseek(2) looks for in a file with holes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeekTo {
    /// Content.
    Data,
    /// A hole; the end is one.
    Hole,
}

bitflags::bitflags! {
    /// What may never be done with a file any more (fcntl(2), F_ADD_SEALS).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Seals: u32 {
        /// Seal it.
        const SEAL = 0x1;
        /// Make it shorter.
        const SHRINK = 0x2;
        /// Make it longer.
        const GROW = 0x4;
        /// Write it.
        const WRITE = 0x8;
        /// Write it in any way that has not begun.
        const FUTURE_WRITE = 0x10;
    }
}

/// A file of a file system. What a kind of file cannot do it need not implement.
#[allow(unused_variables)] // the names say what is passed
pub trait Inode: fmt::Debug + Any {
    /// What stat(2) says.
    fn status(&self) -> Status;

    /// What it is.
    fn kind(&self) -> Kind {
        self.status().kind
    }

    /// Changes who may do what, and times.
    ///
    /// # Errors
    /// EPERM where the file system does not have that.
    fn change(&self, change: &MetadataChange) -> Result<()> {
        Err(Errno::EPERM)
    }

    /// The file of a name in a directory, "." and ".." excepted.
    ///
    /// # Errors
    /// ENOENT; ENOTDIR.
    fn look_up(&self, name: &[u8]) -> Result<Rc<dyn Inode>> {
        Err(Errno::ENOTDIR)
    }

    /// The directory above; itself at the top.
    fn parent(&self) -> Option<Rc<dyn Inode>> {
        None
    }

    /// The name that a directory has for a file.
    fn name_of(&self, child: &dyn Inode) -> Option<Vec<u8>> {
        let wanted = child.status().inode;
        let mut found = None;
        self.entries(0, &mut |entry| {
            if entry.inode == wanted && !matches!(entry.name, b"." | b"..") {
                found = Some(entry.name.to_vec());
            }
            found.is_none()
        });
        found
    }

    /// Shows a directory's entries from a place on, until `visit` has enough and says false: the one that it was shown last then comes
    /// again.
    fn entries(&self, from: u64, visit: &mut dyn FnMut(Entry<'_>) -> bool) {}

    /// Makes a file in a directory.
    ///
    /// # Errors
    /// EEXIST, ENOSPC, EPERM.
    fn make(&self, name: &[u8], new: &New) -> Result<Rc<dyn Inode>> {
        Err(Errno::EPERM)
    }

    /// Makes a file that has no name yet, and never gets one unless it is `linkable`.
    ///
    /// # Errors
    /// EOPNOTSUPP, ENOSPC.
    fn make_nameless(&self, new: &New, linkable: bool) -> Result<Rc<dyn Inode>> {
        Err(Errno::EOPNOTSUPP)
    }

    /// Gives a file one more name.
    ///
    /// # Errors
    /// EEXIST, EPERM, EXDEV; ENOENT where it has no name any more.
    fn link(&self, name: &[u8], inode: &Rc<dyn Inode>) -> Result<()> {
        Err(Errno::EPERM)
    }

    /// Takes a name away, of a directory only if nothing is in it.
    ///
    /// # Errors
    /// ENOENT, ENOTEMPTY, EPERM.
    fn unlink(&self, name: &[u8]) -> Result<()> {
        Err(Errno::EPERM)
    }

    /// Moves a name to another directory of the same file system, in place of what has the new name; or exchanges both. Whoever calls
    /// has checked that this may be.
    ///
    /// # Errors
    /// EXDEV, ENOSPC, EPERM.
    fn rename(&self, old: &[u8], to: &Rc<dyn Inode>, new: &[u8], exchange: bool) -> Result<()> {
        Err(Errno::EPERM)
    }

    /// Where a link leads.
    ///
    /// # Errors
    /// EINVAL where it is none.
    fn read_link(&self) -> Result<Vec<u8>> {
        Err(Errno::EINVAL)
    }

    /// Where a link leads that needs no path: those of /proc.
    fn jump(&self) -> Option<Result<Place>> {
        None
    }

    /// Reads; 0 from the end on.
    ///
    /// # Errors
    /// EINVAL, EIO.
    fn read(&self, offset: u64, to: &mut dyn Destination) -> Result<usize> {
        Err(Errno::EINVAL)
    }

    /// Writes.
    ///
    /// # Errors
    /// ENOSPC, EFBIG, EINVAL.
    fn write(&self, offset: u64, from: &mut dyn Source) -> Result<usize> {
        Err(Errno::EINVAL)
    }

    /// Makes it longer with a hole, or shorter.
    ///
    /// # Errors
    /// EINVAL, EFBIG.
    fn truncate(&self, size: u64) -> Result<()> {
        Err(Errno::EINVAL)
    }

    /// A page for a mapping, as [`crate::file::File::page`].
    ///
    /// # Errors
    /// ENODEV, ENOMEM, ENOSPC.
    fn page(&self, index: u64) -> Result<Option<Frame>> {
        Err(Errno::ENODEV)
    }

    /// Has room ready, or takes it away; `keep` leaves the size alone.
    ///
    /// # Errors
    /// EOPNOTSUPP, ENOSPC.
    fn allocate(&self, offset: u64, length: u64, keep: bool, punch: bool) -> Result<()> {
        Err(Errno::EOPNOTSUPP)
    }

    /// The next content or hole from an offset on.
    ///
    /// # Errors
    /// ENXIO.
    fn seek(&self, offset: u64, to: SeekTo) -> Result<u64> {
        let size = self.status().size;
        match to {
            _ if offset >= size => Err(Errno::ENXIO),
            SeekTo::Data => Ok(offset),
            SeekTo::Hole => Ok(size),
        }
    }

    /// What is opened in place of the file itself: of files that are made when they are opened, for one.
    ///
    /// # Errors
    /// EIO, ENOENT.
    fn open(&self) -> Result<Option<Rc<dyn File>>> {
        Ok(None)
    }

    /// Something that all who open the file share: a FIFO's pipe, a socket's listener. `make` makes it where it is not there.
    fn shared(&self, make: &mut dyn FnMut() -> Rc<dyn Any>) -> Option<Rc<dyn Any>> {
        None
    }

    /// How often it is open to be written, where somebody counts that.
    fn writers(&self) -> Option<&Cell<u32>> {
        None
    }

    /// What may never be done with it any more, fcntl(2), of files that know this.
    fn seals(&self) -> Option<&Cell<Seals>> {
        None
    }

    /// What makes it the same file as another that says the same; `None` where every file is one value.
    fn identity(&self) -> Option<(u64, u64)> {
        None
    }

    /// For those who know which kinds there are.
    fn as_any(&self) -> &dyn Any;
}
