//! Making and removing names, and changing what files say of themselves.

use super::inode::MetadataChange;
use super::open::new;
use super::permission::{Access, check, check_owner, check_removal};
use super::walk::Walked;
use super::{Base, Follow, Namespace, Place};
use crate::errno::{Errno, Result};
use crate::file::{Credentials, Kind, Timestamp};
use alloc::vec::Vec;

/// What utimensat(2) sets a time to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NewTime {
    /// What it is.
    Same,
    /// Now.
    Now,
    /// This.
    At(Timestamp),
}

impl Namespace {
    /// A name that is free, in a directory that the walker may write.
    fn free_name(&self, base: &Base<'_>, path: &[u8], is_directory: bool) -> Result<Walked> {
        let walked = self.walk(base, path, Follow::Never)?;
        if walked.found.is_some() {
            return Err(Errno::EEXIST);
        }
        if walked.wants_directory && !is_directory {
            return Err(Errno::ENOENT);
        }
        check(base.credentials, &walked.parent.inode.status(), Access::WRITE | Access::EXECUTE)?;
        Ok(walked)
    }

    /// Makes a directory, a device, a FIFO, a socket or an empty file.
    ///
    /// # Errors
    /// As mkdir(2) and mknod(2) say.
    pub fn make(&self, base: &Base<'_>, path: &[u8], kind: Kind, permissions: u32, represents: u64) -> Result<Place> {
        let walked = self.free_name(base, path, kind == Kind::Directory)?;
        if matches!(kind, Kind::CharacterDevice | Kind::BlockDevice) && !base.credentials.is_privileged() {
            return Err(Errno::EPERM);
        }
        let name = walked.name.as_ref().ok_or(Errno::EEXIST)?;
        let mut new = new(base, &walked.parent, kind, permissions);
        new.represents = represents;
        Ok(walked.parent.with(walked.parent.inode.make(name, &new)?))
    }

    /// Makes a symbolic link.
    ///
    /// # Errors
    /// As symlink(2) says.
    pub fn make_link(&self, base: &Base<'_>, path: &[u8], target: &[u8]) -> Result<()> {
        if target.is_empty() {
            return Err(Errno::ENOENT);
        }
        let walked = self.free_name(base, path, false)?;
        let name = walked.name.as_ref().ok_or(Errno::EEXIST)?;
        let mut new = new(base, &walked.parent, Kind::Link, 0o777);
        new.target = target.to_vec();
        walked.parent.inode.make(name, &new)?;
        Ok(())
    }

    /// Gives a file another name.
    ///
    /// # Errors
    /// As link(2) says.
    pub fn add_name(&self, base: &Base<'_>, file: &Place, path: &[u8]) -> Result<()> {
        if file.inode.kind() == Kind::Directory {
            return Err(Errno::EPERM);
        }
        let walked = self.free_name(base, path, false)?;
        if !alloc::rc::Rc::ptr_eq(&walked.parent.mount, &file.mount) {
            return Err(Errno::EXDEV);
        }
        walked.parent.inode.link(walked.name.as_ref().ok_or(Errno::EEXIST)?, &file.inode)
    }

    /// Takes a name away that is no directory's.
    ///
    /// # Errors
    /// As unlink(2) says.
    pub fn unlink(&self, base: &Base<'_>, path: &[u8]) -> Result<()> {
        let walked = self.walk(base, path, Follow::Never)?;
        let file = walked.found.as_ref().ok_or(Errno::ENOENT)?;
        let Some(name) = &walked.name else { return Err(Errno::EISDIR) };
        if file.inode.kind() == Kind::Directory {
            return Err(Errno::EISDIR);
        }
        if walked.wants_directory {
            return Err(Errno::ENOTDIR);
        }
        check_removal(base.credentials, &walked.parent.inode.status(), &file.inode.status())?;
        walked.parent.inode.unlink(name)
    }

    /// Removes an empty directory.
    ///
    /// # Errors
    /// As rmdir(2) says.
    pub fn remove_directory(&self, base: &Base<'_>, path: &[u8]) -> Result<()> {
        let walked = self.walk(base, path, Follow::Never)?;
        let file = walked.found.as_ref().ok_or(Errno::ENOENT)?;
        let Some(name) = &walked.name else { return Err(last_name_error(path)) };
        if file.inode.kind() != Kind::Directory {
            return Err(Errno::ENOTDIR);
        }
        check_removal(base.credentials, &walked.parent.inode.status(), &file.inode.status())?;
        if self.is_mount_point(file) {
            return Err(Errno::EBUSY);
        }
        walked.parent.inode.unlink(name)
    }

    /// Where a link leads.
    ///
    /// # Errors
    /// EINVAL where it is none.
    pub fn read_link(&self, place: &Place) -> Result<Vec<u8>> {
        place.inode.read_link()
    }

    /// Changes permission bits.
    ///
    /// # Errors
    /// EPERM.
    pub fn change_permissions(&self, credentials: &Credentials, place: &Place, permissions: u32) -> Result<()> {
        const SET_GROUP: u32 = 0o2000;
        let status = place.inode.status();
        if status.kind == Kind::Link {
            return Err(Errno::EOPNOTSUPP);
        }
        check_owner(credentials, &status)?;
        let strange = credentials.file_user() != 0 && !credentials.is_member(status.group);
        let permissions = if strange { permissions & !SET_GROUP } else { permissions };
        place.inode.change(&MetadataChange { permissions: Some(permissions), ..MetadataChange::default() })
    }

    /// Changes owner and group.
    ///
    /// # Errors
    /// EPERM.
    pub fn change_owner(
        &self,
        credentials: &Credentials,
        place: &Place,
        user: Option<u32>,
        group: Option<u32>,
    ) -> Result<()> {
        let status = place.inode.status();
        if credentials.file_user() != 0 {
            let gives_away = user.is_some_and(|user| user != status.user);
            let own = credentials.file_user() == status.user;
            if gives_away || !own || group.is_some_and(|group| !credentials.is_member(group)) {
                return Err(Errno::EPERM);
            }
        }
        // The new owner has not agreed to what runs in his name.
        let clears = status.kind == Kind::Regular && (user.is_some() || group.is_some());
        let mask = if status.permissions & 0o10 != 0 { !0o6000 } else { !0o4000 };
        let permissions = clears.then_some(status.permissions & mask);
        place.inode.change(&MetadataChange { permissions, user, group, ..MetadataChange::default() })
    }

    /// Changes times.
    ///
    /// # Errors
    /// EPERM; EACCES where both become now and the file is somebody else's.
    pub fn change_times(&self, credentials: &Credentials, place: &Place, times: [NewTime; 2]) -> Result<()> {
        let status = place.inode.status();
        if times == [NewTime::Same; 2] {
            return Ok(());
        }
        if times == [NewTime::Now; 2] {
            let allowed = check(credentials, &status, Access::WRITE);
            check_owner(credentials, &status).or(allowed)?;
        } else {
            check_owner(credentials, &status)?;
        }
        let now = crate::clock::realtime();
        let [accessed, modified] = times.map(|time| match time {
            NewTime::Same => None,
            NewTime::Now => Some(now),
            NewTime::At(time) => Some(time),
        });
        place.inode.change(&MetadataChange { accessed, modified, ..MetadataChange::default() })
    }

    /// Changes a file's length by its path.
    ///
    /// # Errors
    /// EISDIR, EINVAL, EACCES.
    pub fn truncate(&self, credentials: &Credentials, place: &Place, size: u64) -> Result<()> {
        let status = place.inode.status();
        match status.kind {
            Kind::Directory => return Err(Errno::EISDIR),
            Kind::Regular => {}
            _ => return Err(Errno::EINVAL),
        }
        check(credentials, &status, Access::WRITE)?;
        place.inode.truncate(size)
    }
}

/// Why a path that ends in "." or ".." names nothing that could be removed.
fn last_name_error(path: &[u8]) -> Errno {
    let trimmed = path.iter().rposition(|&byte| byte != b'/').map_or(&path[..0], |end| &path[..=end]);
    match trimmed.rsplit(|&byte| byte == b'/').next() {
        Some(b".") => Errno::EINVAL,
        Some(b"..") => Errno::ENOTEMPTY,
        _ => Errno::EBUSY,
    }
}
