//! An open file description: a file, an offset and flags, shared by descriptors.

use super::File;
use super::lock::{FileLocks, Hold, Owner};
use crate::errno::{Errno, Result};
use crate::fs::Place;
use crate::io::{Destination, Source};
use crate::pipe::{Pipe, PipeEnd};
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};

bitflags::bitflags! {
    /// How a file is opened, as open(2) numbers it.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct OpenFlags: u32 {
        /// Only to be written.
        const WRONLY = 0o1;
        /// To be read and written.
        const RDWR = 0o2;
        /// Made where it is not there.
        const CREAT = 0o100;
        /// Not there before.
        const EXCL = 0o200;
        /// Not to become the controlling terminal.
        const NOCTTY = 0o400;
        /// Emptied.
        const TRUNC = 0o1000;
        /// Every write goes to the end.
        const APPEND = 0o2000;
        /// Nobody waits.
        const NONBLOCK = 0o4000;
        /// Data reach the disk before a write is over.
        const DSYNC = 0o10000;
        /// A signal where it becomes ready.
        const ASYNC = 0o20000;
        /// Past the cache.
        const DIRECT = 0o40000;
        /// Files beyond 2 GiB; always so here.
        const LARGEFILE = 0o100_000;
        /// Only a directory.
        const DIRECTORY = 0o200_000;
        /// No link at the end of the path.
        const NOFOLLOW = 0o400_000;
        /// Reading leaves the time of access alone.
        const NOATIME = 0o1_000_000;
        /// The descriptor is closed by exec.
        const CLOEXEC = 0o2_000_000;
        /// As DSYNC, metadata too.
        const SYNC = 0o4_010_000;
        /// Only a place, not its content.
        const PATH = 0o10_000_000;
        /// A file without a name in a directory.
        const TMPFILE = 0o20_200_000;
    }
}

impl OpenFlags {
    /// What F_SETFL can change.
    pub const CHANGEABLE: Self =
        Self::APPEND.union(Self::NONBLOCK).union(Self::ASYNC).union(Self::DIRECT).union(Self::NOATIME);

    /// Whether it may be read.
    #[must_use]
    pub const fn reads(self) -> bool {
        self.bits() & 3 != 1 && !self.contains(Self::PATH)
    }

    /// Whether it may be written.
    #[must_use]
    pub const fn writes(self) -> bool {
        matches!(self.bits() & 3, 1 | 2) && !self.contains(Self::PATH)
    }
}

/// What open(2) makes, and dup(2) and fork(2) share.
#[derive(Debug)]
pub struct Description {
    file: Rc<dyn File>,
    /// The pipe of which the file is an end: asked for at each short read and write.
    pipe: Option<Rc<Pipe>>,
    offset: Cell<u64>,
    flags: Cell<OpenFlags>,
    /// Where it was opened, of files that do not know that themselves.
    place: RefCell<Option<Place>>,
    /// Locks that it has on its file.
    hold: RefCell<Option<Hold>>,
}

impl Description {
    /// A description of a file, at its beginning. Flags that say only how to open it are dropped.
    #[must_use]
    pub fn new(file: Rc<dyn File>, flags: OpenFlags) -> Rc<Self> {
        let opening = OpenFlags::CREAT | OpenFlags::EXCL | OpenFlags::NOCTTY | OpenFlags::TRUNC | OpenFlags::CLOEXEC;
        file.opened(flags);
        let pipe = file.as_any().downcast_ref::<PipeEnd>().map(|end| Rc::clone(end.pipe()));
        Rc::new(Self {
            file,
            pipe,
            offset: Cell::new(0),
            flags: Cell::new(flags - opening),
            place: RefCell::default(),
            hold: RefCell::default(),
        })
    }

    /// The file.
    #[must_use]
    pub const fn file(&self) -> &Rc<dyn File> {
        &self.file
    }

    /// The pipe, where the file is an end of one.
    #[inline]
    #[must_use]
    pub fn pipe(&self) -> Option<&Pipe> {
        self.pipe.as_deref()
    }

    /// The file as one kind of file, where it is one.
    #[must_use]
    pub fn as_kind<F: File>(&self) -> Option<&F> {
        self.file.as_any().downcast_ref()
    }

    /// Where it was opened, where somebody has noted that.
    #[must_use]
    pub fn place(&self) -> Option<Place> {
        self.place.borrow().clone()
    }

    /// Notes where it was opened.
    pub fn set_place(&self, place: Place) {
        self.place.replace(Some(place));
    }

    /// Does something with the locks that it has on its file, which are these.
    pub fn with_hold<R>(&self, locks: &Rc<FileLocks>, work: impl FnOnce(&Hold) -> R) -> R {
        let mut hold = self.hold.borrow_mut();
        work(hold.get_or_insert_with(|| Hold::new(locks, self.owner())))
    }

    /// It, as an owner of locks.
    #[must_use]
    pub fn owner(&self) -> Owner {
        Owner::Description(core::ptr::from_ref(self).addr())
    }

    /// Its flags.
    #[must_use]
    pub const fn flags(&self) -> OpenFlags {
        self.flags.get()
    }

    /// Replaces those that can be changed.
    pub fn set_flags(&self, flags: OpenFlags) {
        let kept = self.flags.get() - OpenFlags::CHANGEABLE;
        self.flags.set(kept | (flags & OpenFlags::CHANGEABLE));
    }

    /// Where it reads and writes next.
    #[must_use]
    pub const fn offset(&self) -> u64 {
        self.offset.get()
    }

    /// Goes somewhere else.
    pub fn set_offset(&self, offset: u64) {
        self.offset.set(offset);
    }

    /// Whether nobody waits.
    #[must_use]
    pub const fn never_waits(&self) -> bool {
        self.flags.get().contains(OpenFlags::NONBLOCK)
    }

    /// Reads on from the offset.
    ///
    /// # Errors
    /// EBADF where it is not open for that; as the file says.
    pub fn read(&self, to: &mut dyn Destination) -> Result<usize> {
        let count = self.read_at(self.offset.get(), to)?;
        if self.file.is_seekable() {
            self.offset.set(self.offset.get() + count as u64);
        }
        Ok(count)
    }

    /// Reads somewhere.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn read_at(&self, offset: u64, to: &mut dyn Destination) -> Result<usize> {
        if !self.flags.get().reads() {
            return Err(Errno::EBADF);
        }
        self.file.read(offset, to)
    }

    /// Writes on from the offset, or to the end where it was opened so.
    ///
    /// # Errors
    /// EBADF where it is not open for that; as the file says.
    pub fn write(&self, from: &mut dyn Source) -> Result<usize> {
        if !self.file.is_seekable() {
            return self.write_at(0, from);
        }
        let appends = self.flags.get().contains(OpenFlags::APPEND);
        let at = if appends { self.file.size() } else { self.offset.get() };
        let count = self.write_at(at, from)?;
        self.offset.set(at + count as u64);
        Ok(count)
    }

    /// Writes somewhere.
    ///
    /// # Errors
    /// As for [`write`](Self::write).
    pub fn write_at(&self, offset: u64, from: &mut dyn Source) -> Result<usize> {
        if !self.flags.get().writes() {
            return Err(Errno::EBADF);
        }
        self.file.write(offset, from)
    }
}

impl Drop for Description {
    fn drop(&mut self) {
        self.file.closed(self.flags.get());
    }
}
