//! Names: making, removing and reading them, and where paths begin.

use super::{Call, Outcome};
use crate::errno::{Errno, Result};
use crate::file::{Kind, OpenFlags};
use crate::fs::{Base, Follow, NodeFile, Place, RenameFlags};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// AT_FDCWD.
pub(super) const HERE: u64 = -100_i32 as u32 as u64;
/// Flags of the *at family.
pub(super) mod at {
    pub(in crate::syscall) const SYMLINK_NOFOLLOW: u32 = 0x100;
    pub(in crate::syscall) const REMOVEDIR: u32 = 0x200;
    pub(in crate::syscall) const EACCESS: u32 = 0x200;
    pub(in crate::syscall) const SYMLINK_FOLLOW: u32 = 0x400;
    pub(in crate::syscall) const EMPTY_PATH: u32 = 0x1000;
}

impl Call<'_> {
    /// Where a path that the caller gives with a directory's descriptor begins, and what the walk is made with.
    ///
    /// # Errors
    /// EBADF, ENOTDIR; not for absolute paths.
    pub(super) fn with_base<R>(
        &self,
        descriptor: u64,
        path: &[u8],
        work: impl FnOnce(&Base<'_>) -> Result<R>,
    ) -> Result<R> {
        let credentials = Rc::clone(&self.thread.credentials.borrow());
        let (root, current) = {
            let directories = self.thread.directories.borrow();
            let directories = directories.borrow();
            (directories.root.clone(), directories.current.clone())
        };
        let start = if descriptor as u32 == HERE as u32 || path.first() == Some(&b'/') {
            current
        } else {
            self.place(descriptor)?
        };
        work(&Base { credentials: &credentials, root, start })
    }

    /// The place of an open file of a file system.
    ///
    /// # Errors
    /// EBADF; ENOTDIR where it has none.
    pub(super) fn place(&self, descriptor: u64) -> Result<Place> {
        let description = self.file(descriptor)?;
        description.as_kind::<NodeFile>().map(|file| file.place().clone()).ok_or(Errno::ENOTDIR)
    }

    /// The file that a descriptor and a path mean; an empty path is the descriptor's own, where flags allow that.
    ///
    /// # Errors
    /// As the walk says.
    pub(super) fn find(&self, descriptor: u64, path: &[u8], flags: u32) -> Result<Place> {
        if path.is_empty() && flags & at::EMPTY_PATH != 0 {
            if descriptor as u32 == HERE as u32 {
                return Ok(self.thread.directories.borrow().borrow().current.clone());
            }
            return self.place(descriptor).map_err(|error| if error == Errno::ENOTDIR { Errno::EBADF } else { error });
        }
        let follow = if flags & at::SYMLINK_NOFOLLOW != 0 { Follow::No } else { Follow::Yes };
        self.with_base(descriptor, path, |base| self.unix.names_of_files().find(base, path, follow))
    }

    /// Permission bits for something new.
    pub(super) fn without_umask(&self, permissions: u32) -> u32 {
        permissions & 0o7777 & !self.thread.directories.borrow().borrow().umask
    }
}

fn make_directory(call: &Call<'_>, descriptor: u64, path: u64, permissions: u32) -> Outcome {
    let path = call.path(path)?;
    let permissions = call.without_umask(permissions & 0o1777);
    let files = call.unix.names_of_files();
    call.with_base(descriptor, &path, |base| files.make(base, &path, Kind::Directory, permissions, 0))?;
    Ok(0)
}

pub(super) fn mkdir(call: &Call<'_>) -> Outcome {
    make_directory(call, HERE, call.arguments()[0], call.uint(1))
}

pub(super) fn mkdirat(call: &Call<'_>) -> Outcome {
    make_directory(call, call.arguments()[0], call.arguments()[1], call.uint(2))
}

fn make_node(call: &Call<'_>, descriptor: u64, path: u64, mode: u32, represents: u64) -> Outcome {
    let kind = match mode & 0o170_000 {
        0 | 0o100_000 => Kind::Regular,
        0o010_000 => Kind::Fifo,
        0o020_000 => Kind::CharacterDevice,
        0o060_000 => Kind::BlockDevice,
        0o140_000 => Kind::Socket,
        0o040_000 => return Err(Errno::EPERM.into()),
        _ => return Err(Errno::EINVAL.into()),
    };
    let path = call.path(path)?;
    let permissions = call.without_umask(mode);
    let files = call.unix.names_of_files();
    call.with_base(descriptor, &path, |base| files.make(base, &path, kind, permissions, represents))?;
    Ok(0)
}

pub(super) fn mknod(call: &Call<'_>) -> Outcome {
    make_node(call, HERE, call.arguments()[0], call.uint(1), call.arguments()[2])
}

pub(super) fn mknodat(call: &Call<'_>) -> Outcome {
    make_node(call, call.arguments()[0], call.arguments()[1], call.uint(2), call.arguments()[3])
}

fn make_link(call: &Call<'_>, target: u64, descriptor: u64, path: u64) -> Outcome {
    let (target, path) = (call.path(target)?, call.path(path)?);
    call.with_base(descriptor, &path, |base| call.unix.names_of_files().make_link(base, &path, &target))?;
    Ok(0)
}

pub(super) fn symlink(call: &Call<'_>) -> Outcome {
    make_link(call, call.arguments()[0], HERE, call.arguments()[1])
}

pub(super) fn symlinkat(call: &Call<'_>) -> Outcome {
    make_link(call, call.arguments()[0], call.arguments()[1], call.arguments()[2])
}

fn add_name(call: &Call<'_>, [from, old, to, new]: [u64; 4], flags: u32) -> Outcome {
    if flags & !(at::SYMLINK_FOLLOW | at::EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let (old, new) = (call.path(old)?, call.path(new)?);
    let stays = if flags & at::SYMLINK_FOLLOW == 0 { at::SYMLINK_NOFOLLOW } else { 0 };
    let file = call.find(from, &old, flags & at::EMPTY_PATH | stays)?;
    call.with_base(to, &new, |base| call.unix.names_of_files().add_name(base, &file, &new))?;
    Ok(0)
}

pub(super) fn link(call: &Call<'_>) -> Outcome {
    add_name(call, [HERE, call.arguments()[0], HERE, call.arguments()[1]], 0)
}

pub(super) fn linkat(call: &Call<'_>) -> Outcome {
    let [from, old, to, new, ..] = call.arguments();
    add_name(call, [from, old, to, new], call.uint(4))
}

fn remove(call: &Call<'_>, descriptor: u64, path: u64, directory: bool) -> Outcome {
    let path = call.path(path)?;
    let files = call.unix.names_of_files();
    call.with_base(descriptor, &path, |base| {
        if directory { files.remove_directory(base, &path) } else { files.unlink(base, &path) }
    })?;
    Ok(0)
}

pub(super) fn unlink(call: &Call<'_>) -> Outcome {
    remove(call, HERE, call.arguments()[0], false)
}

pub(super) fn rmdir(call: &Call<'_>) -> Outcome {
    remove(call, HERE, call.arguments()[0], true)
}

pub(super) fn unlinkat(call: &Call<'_>) -> Outcome {
    let flags = call.uint(2);
    if flags & !at::REMOVEDIR != 0 {
        return Err(Errno::EINVAL.into());
    }
    remove(call, call.arguments()[0], call.arguments()[1], flags != 0)
}

fn move_name(call: &Call<'_>, [from, old, to, new]: [u64; 4], flags: u32) -> Outcome {
    let flags = RenameFlags::from_bits(flags).ok_or(Errno::EINVAL)?;
    let (old, new) = (call.path(old)?, call.path(new)?);
    call.with_base(from, &old, |from| {
        call.with_base(to, &new, |to| call.unix.names_of_files().rename((from, &old), (to, &new), flags))
    })?;
    Ok(0)
}

pub(super) fn rename(call: &Call<'_>) -> Outcome {
    move_name(call, [HERE, call.arguments()[0], HERE, call.arguments()[1]], 0)
}

pub(super) fn renameat(call: &Call<'_>) -> Outcome {
    let [from, old, to, new, ..] = call.arguments();
    move_name(call, [from, old, to, new], 0)
}

pub(super) fn renameat2(call: &Call<'_>) -> Outcome {
    let [from, old, to, new, ..] = call.arguments();
    move_name(call, [from, old, to, new], call.uint(4))
}

fn read_link(call: &Call<'_>, descriptor: u64, path: u64, buffer: u64, length: i32) -> Outcome {
    if length <= 0 {
        return Err(Errno::EINVAL.into());
    }
    let path = call.path(path)?;
    let empty = if path.is_empty() && descriptor != HERE { at::EMPTY_PATH } else { 0 };
    let place = call.find(descriptor, &path, at::SYMLINK_NOFOLLOW | empty)?;
    let target = call.unix.names_of_files().read_link(&place)?;
    let count = target.len().min(length as usize);
    call.with_memory(|memory| memory.write_bytes(buffer, &target[..count]))?;
    Ok(count as u64)
}

pub(super) fn readlink(call: &Call<'_>) -> Outcome {
    let [path, buffer, ..] = call.arguments();
    read_link(call, HERE, path, buffer, call.int(2))
}

pub(super) fn readlinkat(call: &Call<'_>) -> Outcome {
    let [descriptor, path, buffer, ..] = call.arguments();
    read_link(call, descriptor, path, buffer, call.int(3))
}

fn go_to(call: &Call<'_>, place: Place) -> Outcome {
    call.thread.directories.borrow().borrow_mut().current = place;
    Ok(0)
}

pub(super) fn chdir(call: &Call<'_>) -> Outcome {
    let path = call.path(call.arguments()[0])?;
    let place = call.with_base(HERE, &path, |base| call.unix.names_of_files().find_directory(base, &path))?;
    go_to(call, place)
}

pub(super) fn fchdir(call: &Call<'_>) -> Outcome {
    let place = call.place(call.arguments()[0])?;
    if place.inode.kind() != Kind::Directory {
        return Err(Errno::ENOTDIR.into());
    }
    let credentials = Rc::clone(&call.thread.credentials.borrow());
    call.unix.names_of_files().check(&credentials, &place, crate::fs::Access::EXECUTE)?;
    go_to(call, place)
}

pub(super) fn chroot(call: &Call<'_>) -> Outcome {
    let path = call.path(call.arguments()[0])?;
    let place = call.with_base(HERE, &path, |base| call.unix.names_of_files().find_directory(base, &path))?;
    if !call.thread.credentials.borrow().is_privileged() {
        return Err(Errno::EPERM.into());
    }
    call.thread.directories.borrow().borrow_mut().root = place;
    Ok(0)
}

pub(super) fn getcwd(call: &Call<'_>) -> Outcome {
    let [buffer, length, ..] = call.arguments();
    let path = {
        let directories = call.thread.directories.borrow();
        let directories = directories.borrow();
        if directories.current.inode.status().links == 0 {
            return Err(Errno::ENOENT.into());
        }
        call.unix.names_of_files().path_of(&directories.current, &directories.root)
    };
    let mut path: Vec<u8> = path.unwrap_or_else(|| b"(unreachable)/".to_vec());
    path.push(0);
    if path.len() as u64 > length {
        return Err(Errno::ERANGE.into());
    }
    call.with_memory(|memory| memory.write_bytes(buffer, &path))?;
    Ok(path.len() as u64)
}

pub(super) fn umask(call: &Call<'_>) -> Outcome {
    let directories = call.thread.directories.borrow();
    let mut directories = directories.borrow_mut();
    Ok(core::mem::replace(&mut directories.umask, call.uint(0) & 0o777).into())
}

/// Whether a description is a place only.
pub(super) fn is_path(flags: OpenFlags) -> bool {
    flags.contains(OpenFlags::PATH)
}
