//! A file system in memory. It is what the frames of the environment hold, and it goes with them.

mod directory;
mod pages;

use super::inode::{Entry, Inode, MetadataChange, New, Seals, SeekTo};
use crate::clock::realtime;
use crate::errno::{Errno, Result};
use crate::file::{Kind, Status};
use crate::io::{Destination, Source};
use crate::memory::Frame;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, OnceCell, RefCell};
use directory::Entries;
use pages::Pages;

/// The largest file, as Linux has it for tmpfs on this architecture.
const MOST_BYTES: u64 = i64::MAX as u64;
/// Names of one file, at most (Linux: LINK_MAX of ext4).
const MOST_LINKS: u64 = 65_000;

/// What all inodes of a file system share.
#[derive(Debug)]
pub struct MemoryFileSystem {
    device: u64,
    next: Cell<u64>,
    used: Cell<u64>,
    limit: Cell<u64>,
    /// Names, of which there may be as many as frames.
    names: Cell<u64>,
}

impl MemoryFileSystem {
    /// A file system of at most `limit` frames; its root.
    #[must_use]
    pub fn root(device: u64, limit: u64) -> Rc<dyn Inode> {
        let system = Rc::new(Self {
            device,
            next: Cell::new(1),
            used: Cell::new(0),
            limit: Cell::new(limit),
            names: Cell::new(0),
        });
        let new =
            New { kind: Kind::Directory, permissions: 0o755, user: 0, group: 0, represents: 0, target: Vec::new() };
        let root = MemoryInode::new(&system, &new);
        root.links.set(2);
        root
    }

    /// Frames that files use, and may use.
    #[must_use]
    pub fn usage(&self) -> (u64, u64) {
        (self.used.get(), self.limit.get())
    }

    /// One frame more.
    fn take(&self) -> Result<()> {
        if self.used.get() >= self.limit.get() {
            return Err(Errno::ENOSPC);
        }
        self.used.set(self.used.get() + 1);
        Ok(())
    }

    /// One name more.
    fn take_name(&self) -> Result<()> {
        if self.names.get() >= self.limit.get() {
            return Err(Errno::ENOSPC);
        }
        self.names.set(self.names.get() + 1);
        Ok(())
    }

    fn give_name(&self) {
        self.names.set(self.names.get() - 1);
    }

    fn give(&self, frames: u64) {
        self.used.set(self.used.get() - frames);
    }
}

/// What an inode is, beyond what all are.
#[derive(Debug)]
enum Content {
    Regular(RefCell<Pages>),
    Directory(RefCell<Entries>),
    Link(Vec<u8>),
    /// Devices, FIFOs, sockets.
    Special(OnceCell<Rc<dyn Any>>),
}

/// A file in memory.
#[derive(Debug)]
pub(super) struct MemoryInode {
    me: Weak<MemoryInode>,
    system: Rc<MemoryFileSystem>,
    content: Content,
    status: Cell<Status>,
    links: Cell<u64>,
    writers: Cell<u32>,
    /// It may be given a name though it has none.
    linkable: Cell<bool>,
    seals: Cell<Seals>,
}

impl MemoryInode {
    fn new(system: &Rc<MemoryFileSystem>, new: &New) -> Rc<Self> {
        let content = match new.kind {
            Kind::Regular => Content::Regular(RefCell::default()),
            Kind::Directory => Content::Directory(RefCell::default()),
            Kind::Link => Content::Link(new.target.clone()),
            _ => Content::Special(OnceCell::new()),
        };
        let inode = system.next.get();
        system.next.set(inode + 1);
        let now = realtime();
        let status = Status {
            device: system.device,
            inode,
            kind: new.kind,
            permissions: new.permissions & 0o7777,
            links: 0,
            user: new.user,
            group: new.group,
            represents: new.represents,
            size: new.target.len() as u64,
            block_size: 4096,
            blocks: 0,
            accessed: now,
            modified: now,
            changed: now,
            created: now,
        };
        let system = Rc::clone(system);
        Rc::new_cyclic(|me| {
            let (me, status, links) = (Weak::clone(me), Cell::new(status), Cell::new(0));
            Self {
                me,
                system,
                content,
                status,
                links,
                writers: Cell::new(0),
                linkable: Cell::new(false),
                seals: Cell::new(Seals::SEAL),
            }
        })
    }

    fn update(&self, change: impl FnOnce(&mut Status)) {
        let mut status = self.status.get();
        change(&mut status);
        self.status.set(status);
    }

    /// Its content has changed now.
    fn touch(&self) {
        let now = realtime();
        self.update(|status| (status.modified, status.changed) = (now, now));
    }

    fn touch_names(&self) {
        let now = realtime();
        self.update(|status| status.changed = now);
    }

    fn pages(&self) -> Result<&RefCell<Pages>> {
        match &self.content {
            Content::Regular(pages) => Ok(pages),
            Content::Directory(_) => Err(Errno::EISDIR),
            _ => Err(Errno::EINVAL),
        }
    }

    /// Whether something may be done that some seals forbid, after which the file is `size` bytes long at least.
    fn check_seals(&self, forbidden: Seals, size: u64) -> Result<()> {
        let seals = self.seals.get();
        let grows = seals.contains(Seals::GROW) && size > self.pages()?.borrow().size();
        if grows || seals.intersects(forbidden) { Err(Errno::EPERM) } else { Ok(()) }
    }

    fn directory(&self) -> Result<&RefCell<Entries>> {
        match &self.content {
            Content::Directory(entries) => Ok(entries),
            _ => Err(Errno::ENOTDIR),
        }
    }

    /// An inode of the same file system.
    fn own<'i>(&self, inode: &'i Rc<dyn Inode>) -> Result<&'i Self> {
        let other = inode.as_any().downcast_ref::<Self>().ok_or(Errno::EXDEV)?;
        if Rc::ptr_eq(&other.system, &self.system) { Ok(other) } else { Err(Errno::EXDEV) }
    }

    fn is_directory(&self) -> bool {
        matches!(self.content, Content::Directory(_))
    }
}

impl Inode for MemoryInode {
    fn status(&self) -> Status {
        let mut status = self.status.get();
        status.links = self.links.get();
        if let Content::Regular(pages) = &self.content {
            let pages = pages.borrow();
            (status.size, status.blocks) = (pages.size(), pages.count() * 8);
        }
        if let Content::Directory(entries) = &self.content {
            status.size = (entries.borrow().count() + 2) * 20;
        }
        status
    }

    fn kind(&self) -> Kind {
        self.status.get().kind
    }

    fn change(&self, change: &MetadataChange) -> Result<()> {
        let now = realtime();
        self.update(|status| {
            status.permissions = change.permissions.unwrap_or(status.permissions) & 0o7777;
            status.user = change.user.unwrap_or(status.user);
            status.group = change.group.unwrap_or(status.group);
            status.accessed = change.accessed.unwrap_or(status.accessed);
            status.modified = change.modified.unwrap_or(status.modified);
            status.changed = now;
        });
        Ok(())
    }

    fn look_up(&self, name: &[u8]) -> Result<Rc<dyn Inode>> {
        let entries = self.directory()?.borrow();
        let found = entries.get(name).ok_or(Errno::ENOENT)?;
        Ok(Rc::clone(found) as Rc<dyn Inode>)
    }

    fn parent(&self) -> Option<Rc<dyn Inode>> {
        let above = self.directory().ok()?.borrow().parent.upgrade();
        above.or_else(|| self.me.upgrade()).map(|parent| parent as Rc<dyn Inode>)
    }

    fn entries(&self, from: u64, visit: &mut dyn FnMut(Entry<'_>) -> bool) {
        let Ok(entries) = self.directory() else { return };
        let parent = self.parent().map_or(0, |parent| parent.status().inode);
        entries.borrow().visit(from, self.status.get().inode, parent, visit);
    }

    fn make(&self, name: &[u8], new: &New) -> Result<Rc<dyn Inode>> {
        let inode = MemoryInode::new(&self.system, new);
        self.add(name, &inode)?;
        Ok(inode)
    }

    fn make_nameless(&self, new: &New, linkable: bool) -> Result<Rc<dyn Inode>> {
        self.directory()?;
        let inode = MemoryInode::new(&self.system, new);
        inode.linkable.set(linkable);
        Ok(inode)
    }

    fn link(&self, name: &[u8], inode: &Rc<dyn Inode>) -> Result<()> {
        let other = self.own(inode)?;
        if other.links.get() == 0 && !other.linkable.get() {
            return Err(Errno::ENOENT);
        }
        if other.links.get() >= MOST_LINKS {
            return Err(Errno::EMLINK);
        }
        self.add(name, &other.me.upgrade().ok_or(Errno::ENOENT)?)?;
        other.touch_names();
        Ok(())
    }

    fn unlink(&self, name: &[u8]) -> Result<()> {
        let gone = {
            let mut entries = self.directory()?.borrow_mut();
            let inode = entries.get(name).ok_or(Errno::ENOENT)?;
            if inode.directory().is_ok_and(|inner| inner.borrow().count() != 0) {
                return Err(Errno::ENOTEMPTY);
            }
            entries.remove(name).ok_or(Errno::ENOENT)?
        };
        self.lose(&gone);
        self.touch();
        Ok(())
    }

    fn rename(&self, old: &[u8], to: &Rc<dyn Inode>, new: &[u8], exchange: bool) -> Result<()> {
        let to = self.own(to)?;
        if exchange {
            return self.exchange(old, to, new);
        }
        let moved = self.directory()?.borrow_mut().remove(old).ok_or(Errno::ENOENT)?;
        let replaced = to.directory()?.borrow_mut().remove(new);
        if let Some(replaced) = &replaced {
            to.lose(replaced);
        }
        if moved.is_directory() {
            self.links.set(self.links.get() - 1);
            to.links.set(to.links.get() + 1);
        }
        to.put(new, &moved)?;
        self.touch();
        to.touch();
        moved.touch_names();
        Ok(())
    }

    fn read_link(&self) -> Result<Vec<u8>> {
        match &self.content {
            Content::Link(target) => Ok(target.clone()),
            _ => Err(Errno::EINVAL),
        }
    }

    fn read(&self, offset: u64, to: &mut dyn Destination) -> Result<usize> {
        Pages::read(self.pages()?, offset, to)
    }

    fn write(&self, offset: u64, from: &mut dyn Source) -> Result<usize> {
        if from.remaining() == 0 {
            return Ok(0);
        }
        let end = offset.saturating_add(from.remaining() as u64);
        self.check_seals(Seals::WRITE | Seals::FUTURE_WRITE, end)?;
        let written = Pages::write(self.pages()?, &self.system, offset, from)?;
        self.touch();
        // What runs with another's rights must be what that one has written.
        self.update(|status| status.permissions &= if status.permissions & 0o10 != 0 { !0o6000 } else { !0o4000 });
        Ok(written)
    }

    fn truncate(&self, size: u64) -> Result<()> {
        if size > MOST_BYTES {
            return Err(Errno::EFBIG);
        }
        let shrinks = size < self.pages()?.borrow().size();
        self.check_seals(if shrinks { Seals::SHRINK } else { Seals::empty() }, size)?;
        let freed = self.pages()?.borrow_mut().truncate(size);
        self.system.give(freed);
        self.touch();
        Ok(())
    }

    fn page(&self, index: u64) -> Result<Option<Frame>> {
        let Ok(pages) = self.pages() else { return Err(Errno::ENODEV) };
        pages.borrow_mut().page(&self.system, index)
    }

    fn allocate(&self, offset: u64, length: u64, keep: bool, punch: bool) -> Result<()> {
        let end = offset.checked_add(length).filter(|&end| end <= MOST_BYTES).ok_or(Errno::EFBIG)?;
        let writes = if punch { Seals::WRITE | Seals::FUTURE_WRITE } else { Seals::empty() };
        self.check_seals(writes, if keep { 0 } else { end })?;
        let mut pages = self.pages()?.borrow_mut();
        if punch {
            let freed = pages.punch(offset, end);
            self.system.give(freed);
        } else {
            pages.reserve(&self.system, offset, end)?;
            if !keep && end > pages.size() {
                pages.truncate(end);
            }
        }
        drop(pages);
        self.touch();
        Ok(())
    }

    fn seek(&self, offset: u64, to: SeekTo) -> Result<u64> {
        self.pages()?.borrow().seek(offset, to)
    }

    fn shared(&self, make: &mut dyn FnMut() -> Rc<dyn Any>) -> Option<Rc<dyn Any>> {
        match &self.content {
            Content::Special(place) => Some(Rc::clone(place.get_or_init(make))),
            _ => None,
        }
    }

    fn seals(&self) -> Option<&Cell<Seals>> {
        self.pages().is_ok().then_some(&self.seals)
    }

    fn writers(&self) -> Option<&Cell<u32>> {
        Some(&self.writers)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for MemoryInode {
    fn drop(&mut self) {
        if let Content::Regular(pages) = &self.content {
            self.system.give(pages.borrow().count());
        }
    }
}
