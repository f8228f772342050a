//! Renaming: rename(2), renameat2(2).

use super::mounts::is_same;
use super::permission::{Access, check, check_removal};
use super::walk::Walked;
use super::{Base, Follow, Namespace, Place};
use crate::errno::{Errno, Result};
use crate::file::Kind;
use alloc::rc::Rc;

bitflags::bitflags! {
    /// Flags of renameat2(2).
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct RenameFlags: u32 {
        /// Only where nothing has the new name.
        const NOREPLACE = 1;
        /// Both names stay, and lead to each other's file.
        const EXCHANGE = 2;
    }
}

impl Namespace {
    /// Moves a file from one name to another.
    ///
    /// # Errors
    /// As rename(2) says.
    pub fn rename(&self, from: (&Base<'_>, &[u8]), to: (&Base<'_>, &[u8]), flags: RenameFlags) -> Result<()> {
        let old = self.walk(from.0, from.1, Follow::Never)?;
        let new = self.walk(to.0, to.1, Follow::Never)?;
        let exchange = flags.contains(RenameFlags::EXCHANGE);
        if exchange && flags.contains(RenameFlags::NOREPLACE) {
            return Err(Errno::EINVAL);
        }
        let (Some(old_name), Some(new_name)) = (&old.name, &new.name) else { return Err(Errno::EBUSY) };
        if !Rc::ptr_eq(&old.parent.mount, &new.parent.mount) {
            return Err(Errno::EXDEV);
        }
        let file = old.found.as_ref().ok_or(Errno::ENOENT)?;
        if flags.contains(RenameFlags::NOREPLACE) && new.found.is_some() {
            return Err(Errno::EEXIST);
        }
        if exchange && new.found.is_none() {
            return Err(Errno::ENOENT);
        }
        self.check_rename(from.0, &old, file, &new, exchange)?;
        // Two names of one file: nothing happens.
        if new.found.as_ref().is_some_and(|found| is_same(&found.inode, &file.inode)) {
            return Ok(());
        }
        old.parent.inode.rename(old_name, &new.parent.inode, new_name, exchange)
    }

    fn check_rename(&self, base: &Base<'_>, old: &Walked, file: &Place, new: &Walked, exchange: bool) -> Result<()> {
        let is_directory = file.inode.kind() == Kind::Directory;
        let other_is_no_directory = || new.found.as_ref().is_some_and(|other| other.inode.kind() != Kind::Directory);
        if exchange && new.wants_directory && other_is_no_directory() {
            return Err(Errno::ENOTDIR);
        }
        if !is_directory && (old.wants_directory || (new.wants_directory && !exchange)) {
            return Err(Errno::ENOTDIR);
        }
        if is_directory && self.is_inside(&new.parent, file) {
            return Err(Errno::EINVAL);
        }
        check_removal(base.credentials, &old.parent.inode.status(), &file.inode.status())?;
        check(base.credentials, &new.parent.inode.status(), Access::WRITE | Access::EXECUTE)?;
        if self.is_mount_point(file) {
            return Err(Errno::EBUSY);
        }
        let Some(replaced) = &new.found else { return Ok(()) };
        if is_same(&replaced.inode, &file.inode) {
            return Ok(());
        }
        check_removal(base.credentials, &new.parent.inode.status(), &replaced.inode.status())?;
        if self.is_mount_point(replaced) {
            return Err(Errno::EBUSY);
        }
        let replaces_directory = replaced.inode.kind() == Kind::Directory;
        // What holds the file cannot be put in its place, nor into it.
        if replaces_directory && self.is_inside(&old.parent, replaced) {
            return Err(if exchange { Errno::EINVAL } else { Errno::ENOTEMPTY });
        }
        if exchange {
            return Ok(());
        }
        match (is_directory, replaces_directory) {
            (true, false) => Err(Errno::ENOTDIR),
            (false, true) => Err(Errno::EISDIR),
            (true, true) if !is_empty(replaced) => Err(Errno::ENOTEMPTY),
            _ => Ok(()),
        }
    }

    /// Whether a directory is another one, or somewhere below it.
    fn is_inside(&self, place: &Place, directory: &Place) -> bool {
        let mut at = Rc::clone(&place.inode);
        loop {
            if is_same(&at, &directory.inode) {
                return true;
            }
            match at.parent() {
                Some(parent) if !is_same(&parent, &at) => at = parent,
                _ => return false,
            }
        }
    }
}

fn is_empty(directory: &Place) -> bool {
    let mut empty = true;
    directory.inode.entries(0, &mut |entry| {
        empty &= matches!(entry.name, b"." | b"..");
        empty
    });
    empty
}
