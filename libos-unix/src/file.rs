//! What stands behind descriptors: files of every kind, and open file descriptions, which descriptors share.
//!
//! No file ever waits. What cannot be done now is EAGAIN; whoever may wait enters the file's queue and comes again.

mod description;
pub mod lock;
mod status;

pub use description::{Description, OpenFlags};
pub use status::{Kind, Status, Timestamp};

use crate::errno::{Errno, Result};
use crate::io::{Destination, Source};
use crate::memory::{Frame, UserMemory};
use crate::wait::WaitQueue;
use alloc::rc::Rc;
use core::any::Any;
use core::fmt;

bitflags::bitflags! {
    /// What a file is ready for, as poll(2) numbers it.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Ready: u32 {
        /// There is something to read.
        const IN = 0x1;
        /// There is something urgent to read.
        const PRI = 0x2;
        /// It can be written.
        const OUT = 0x4;
        /// Something is wrong; always looked at.
        const ERR = 0x8;
        /// The other end is closed; always looked at.
        const HUP = 0x10;
        /// The descriptor is none; always looked at.
        const NVAL = 0x20;
        /// Ordinary bytes to read.
        const RDNORM = 0x40;
        /// Priority bytes to read.
        const RDBAND = 0x80;
        /// Ordinary bytes can be written.
        const WRNORM = 0x100;
        /// Priority bytes can be written.
        const WRBAND = 0x200;
        /// The other end will write no more.
        const RDHUP = 0x2000;
    }
}

impl Ready {
    /// Of a file that never makes anybody wait.
    pub const ALWAYS: Self = Self::IN.union(Self::OUT).union(Self::RDNORM).union(Self::WRNORM);
}

/// Who calls, as far as files care.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Credentials {
    /// Real, effective, saved and file-system user.
    pub user: [u32; 4],
    /// The same of the group.
    pub group: [u32; 4],
    /// Further groups.
    pub groups: Option<Rc<[u32]>>,
}

impl Credentials {
    /// The user that files look at.
    #[must_use]
    pub const fn file_user(&self) -> u32 {
        self.user[3]
    }

    /// Whether files see the caller as a member of a group.
    #[must_use]
    pub fn is_member(&self, group: u32) -> bool {
        self.group[3] == group || self.groups.as_ref().is_some_and(|groups| groups.contains(&group))
    }

    /// Whether nothing is forbidden to the caller.
    #[must_use]
    pub const fn is_privileged(&self) -> bool {
        self.user[1] == 0
    }
}

/// A file of any kind, as it is once it is open. Regular files, directories, devices and links of file systems stand behind this through
/// [`crate::fs`]; pipes, sockets, terminals and the rest have no name or need none.
pub trait File: fmt::Debug + Any {
    /// Gives bytes from `offset` on; streams ignore it. 0 is the end of the file.
    ///
    /// # Errors
    /// EAGAIN where the caller would have to wait; EINVAL where the file cannot be read.
    fn read(&self, _offset: u64, _to: &mut dyn Destination) -> Result<usize> {
        Err(Errno::EINVAL)
    }

    /// Takes bytes at `offset`; streams ignore it. How many were taken, perhaps fewer than there are.
    ///
    /// # Errors
    /// EAGAIN where the caller would have to wait; EINVAL where the file cannot be written; EPIPE where nobody will read.
    fn write(&self, _offset: u64, _from: &mut dyn Source) -> Result<usize> {
        Err(Errno::EINVAL)
    }

    /// Whether it has places to read and write at, and so an offset. Others are streams: seeking in them is ESPIPE.
    fn is_seekable(&self) -> bool {
        false
    }

    /// Where O_APPEND writes, and SEEK_END counts from.
    fn size(&self) -> u64 {
        0
    }

    /// What it is ready for now.
    fn ready(&self) -> Ready {
        Ready::ALWAYS
    }

    /// Where one waits for [`ready`](Self::ready) to change; `None` where it never does.
    fn queue(&self) -> Option<&WaitQueue> {
        None
    }

    /// What stat(2) says of it.
    fn status(&self) -> Status;

    /// ioctl(2). `memory` is the caller's.
    ///
    /// # Errors
    /// ENOTTY where the request is none of the file's.
    fn control(&self, _request: u32, _argument: u64, _memory: &mut dyn UserMemory) -> Result<u64> {
        Err(Errno::ENOTTY)
    }

    /// A page of the file for a mapping, counted in pages of 4096 bytes; it is shared with the file. `None`
    /// beyond the file's end.
    ///
    /// # Errors
    /// ENODEV where the file cannot be mapped, ENOMEM.
    fn page(&self, _index: u64) -> Result<Option<Frame>> {
        Err(Errno::ENODEV)
    }

    /// A description of it is made.
    fn opened(&self, _flags: OpenFlags) {}

    /// A description of it is closed for the last time. Whatever must happen when the file itself is let go of is `Drop`'s.
    fn closed(&self, _flags: OpenFlags) {}

    /// Bytes of memory that it holds besides itself, and that are free when nobody has it open any more.
    fn holds(&self) -> usize {
        0
    }

    /// For those who know which kinds there are.
    fn as_any(&self) -> &dyn Any;
}
