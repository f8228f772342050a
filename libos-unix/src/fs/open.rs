//! Opening: open(2) as far as names and permissions go.

use super::inode::{Inode, New};
use super::permission::{Access, check, check_owner};
use super::walk::Walked;
use super::{Base, Follow, Namespace, NodeFile, Place};
use crate::errno::{Errno, Result};
use crate::file::{File, Kind, OpenFlags};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// How to open.
#[derive(Clone, Copy, Debug)]
pub struct OpenRequest {
    /// Flags.
    pub flags: OpenFlags,
    /// Permission bits of a file that is made, without those that the umask takes.
    pub permissions: u32,
}

/// What was found under the name.
#[derive(Clone, Debug)]
pub enum Opened {
    /// A file of the file system.
    Node(Rc<dyn File>),
    /// A character device, by number.
    Device(u64, Place),
    /// A FIFO.
    Fifo(Place),
}

impl Namespace {
    /// Opens, and makes the file if that is wanted. `may_write` is asked of a file that is there and is to be written.
    ///
    /// # Errors
    /// As open(2) says.
    pub fn open(
        &self,
        base: &Base<'_>,
        path: &[u8],
        request: OpenRequest,
        may_write: &dyn Fn(&Rc<dyn Inode>) -> Result<()>,
    ) -> Result<Opened> {
        let flags = request.flags;
        if flags.contains(OpenFlags::PATH) {
            let stays = flags.contains(OpenFlags::NOFOLLOW);
            let walked = self.walk(base, path, if stays { Follow::No } else { Follow::Yes })?;
            let place = walked.existing()?;
            if flags.contains(OpenFlags::DIRECTORY) && place.inode.kind() != Kind::Directory {
                return Err(Errno::ENOTDIR);
            }
            return Ok(Opened::Node(Rc::new(NodeFile::new(place))));
        }
        if flags.contains(OpenFlags::TMPFILE) {
            return self.open_nameless(base, path, request);
        }
        let stays = flags.contains(OpenFlags::NOFOLLOW) || flags.contains(OpenFlags::CREAT | OpenFlags::EXCL);
        let walked = self.walk(base, path, if stays { Follow::No } else { Follow::Yes })?;
        match walked.found.clone() {
            Some(place) => {
                let written = flags.writes() || flags.contains(OpenFlags::TRUNC);
                if written && place.inode.kind() == Kind::Regular {
                    may_write(&place.inode)?;
                }
                self.open_existing(base, &place, flags, walked.wants_directory)
            }
            None if flags.contains(OpenFlags::CREAT) => self.make_and_open(base, &walked, request),
            None => Err(Errno::ENOENT),
        }
    }

    fn open_nameless(&self, base: &Base<'_>, path: &[u8], request: OpenRequest) -> Result<Opened> {
        if !request.flags.writes() {
            return Err(Errno::EINVAL);
        }
        let place = self.find_directory(base, path)?;
        check(base.credentials, &place.inode.status(), Access::WRITE | Access::EXECUTE)?;
        let inode = place.inode.make_nameless(
            &new(base, &place, Kind::Regular, request.permissions),
            !request.flags.contains(OpenFlags::EXCL),
        )?;
        Ok(Opened::Node(Rc::new(NodeFile::new(place.with(inode)))))
    }

    fn open_existing(&self, base: &Base<'_>, place: &Place, flags: OpenFlags, wants_directory: bool) -> Result<Opened> {
        if flags.contains(OpenFlags::CREAT | OpenFlags::EXCL) {
            return Err(Errno::EEXIST);
        }
        let status = place.inode.status();
        let is_directory = status.kind == Kind::Directory;
        if status.kind == Kind::Link {
            // Its path asked for what it is, and links cannot be opened.
            return Err(if flags.contains(OpenFlags::DIRECTORY) { Errno::ENOTDIR } else { Errno::ELOOP });
        }
        if is_directory && (flags.writes() || flags.intersects(OpenFlags::CREAT | OpenFlags::TRUNC)) {
            return Err(Errno::EISDIR);
        }
        if !is_directory && (flags.contains(OpenFlags::DIRECTORY) || wants_directory) {
            return Err(Errno::ENOTDIR);
        }
        let mut wanted = Access::empty();
        wanted.set(Access::READ, flags.reads());
        wanted.set(Access::WRITE, flags.writes() || flags.contains(OpenFlags::TRUNC));
        check(base.credentials, &status, wanted)?;
        if flags.contains(OpenFlags::NOATIME) {
            check_owner(base.credentials, &status)?;
        }
        if let Some(file) = place.inode.open()? {
            return Ok(Opened::Node(file));
        }
        match status.kind {
            Kind::CharacterDevice | Kind::BlockDevice => Ok(Opened::Device(status.represents, place.clone())),
            Kind::Fifo => Ok(Opened::Fifo(place.clone())),
            Kind::Socket => Err(Errno::ENXIO),
            _ => {
                if flags.contains(OpenFlags::TRUNC) && !is_directory {
                    place.inode.truncate(0)?;
                }
                Ok(Opened::Node(Rc::new(NodeFile::new(place.clone()))))
            }
        }
    }

    fn make_and_open(&self, base: &Base<'_>, walked: &Walked, request: OpenRequest) -> Result<Opened> {
        if walked.wants_directory {
            return Err(Errno::EISDIR);
        }
        let name = walked.name.as_ref().ok_or(Errno::EISDIR)?;
        let parent = &walked.parent;
        check(base.credentials, &parent.inode.status(), Access::WRITE | Access::EXECUTE)?;
        let inode = parent.inode.make(name, &new(base, parent, Kind::Regular, request.permissions))?;
        Ok(Opened::Node(Rc::new(NodeFile::new(parent.named(name, inode)))))
    }
}

/// A file that the walker makes in a directory: it is the walker's, and of the directory's group if that says so.
pub(super) fn new(base: &Base<'_>, parent: &Place, kind: Kind, permissions: u32) -> New {
    const SET_GROUP: u32 = 0o2000;
    let above = parent.inode.status();
    let inherits = above.permissions & SET_GROUP != 0;
    let group = if inherits { above.group } else { base.credentials.group[3] };
    let kept = if inherits && kind == Kind::Directory { permissions | SET_GROUP } else { permissions };
    New { kind, permissions: kept, user: base.credentials.file_user(), group, represents: 0, target: Vec::new() }
}
