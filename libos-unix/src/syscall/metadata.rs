//! What files say of themselves.

use super::paths::{HERE, at};
use super::{Call, Outcome};
use crate::clock::SECOND;
use crate::errno::{Errno, Result};
use crate::file::{Credentials, Status, Timestamp};
use crate::fs::{Access, NewTime, Place, encode_stat, encode_statfs, encode_statx};
use crate::machine;
use alloc::rc::Rc;

fn write_stat(call: &Call<'_>, status: &Status, at: u64) -> Outcome {
    call.write(at, &encode_stat(status))?;
    Ok(0)
}

pub(super) fn stat(call: &Call<'_>) -> Outcome {
    let path = call.path(call.arguments()[0])?;
    write_stat(call, &call.find(HERE, &path, 0)?.inode.status(), call.arguments()[1])
}

pub(super) fn lstat(call: &Call<'_>) -> Outcome {
    let path = call.path(call.arguments()[0])?;
    write_stat(call, &call.find(HERE, &path, at::SYMLINK_NOFOLLOW)?.inode.status(), call.arguments()[1])
}

pub(super) fn fstat(call: &Call<'_>) -> Outcome {
    write_stat(call, &call.file(call.arguments()[0])?.file().status(), call.arguments()[1])
}

/// AT_NO_AUTOMOUNT and the flags of statx(2) that say how fresh the answer is to be: it always is.
const IRRELEVANT: u32 = 0x6800;

/// The status of what a descriptor and a path mean.
fn status_at(call: &Call<'_>, descriptor: u64, path: u64, flags: u32) -> Result<Status> {
    if flags & !(at::SYMLINK_NOFOLLOW | at::EMPTY_PATH | IRRELEVANT) != 0 {
        return Err(Errno::EINVAL);
    }
    // A null path is an empty one where that is allowed (Linux 6.11); before, EFAULT.
    let path = call.path(path)?;
    if path.is_empty() && flags & at::EMPTY_PATH != 0 && descriptor as u32 != HERE as u32 {
        return Ok(call.file(descriptor)?.file().status());
    }
    Ok(call.find(descriptor, &path, flags)?.inode.status())
}

pub(super) fn newfstatat(call: &Call<'_>) -> Outcome {
    let [descriptor, path, buffer, ..] = call.arguments();
    let status = status_at(call, descriptor, path, call.uint(3))?;
    write_stat(call, &status, buffer)
}

pub(super) fn statx(call: &Call<'_>) -> Outcome {
    let [descriptor, path, _, _, buffer, _] = call.arguments();
    if call.uint(3) & 1 << 31 != 0 {
        return Err(Errno::EINVAL.into());
    }
    let status = status_at(call, descriptor, path, call.uint(2))?;
    call.write(buffer, &encode_statx(&status))?;
    Ok(0)
}

fn may(call: &Call<'_>, descriptor: u64, path: u64, wanted: u32, flags: u32) -> Outcome {
    let wanted = Access::from_bits(wanted).ok_or(Errno::EINVAL)?;
    if flags & !(at::EACCESS | at::SYMLINK_NOFOLLOW | at::EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let path = call.path(path)?;
    let own = Rc::clone(&call.thread.credentials.borrow());
    let mut asked = Credentials::clone(&own);
    if flags & at::EACCESS == 0 {
        // As the real user, whatever the program may.
        (asked.user[1], asked.user[3]) = (own.user[0], own.user[0]);
        (asked.group[1], asked.group[3]) = (own.group[0], own.group[0]);
    }
    let asked = Rc::new(asked);
    let before = call.thread.credentials.replace(Rc::clone(&asked));
    let found = call.find(descriptor, &path, flags & !at::EACCESS);
    call.thread.credentials.replace(before);
    call.unix.names_of_files().check(&asked, &found?, wanted)?;
    Ok(0)
}

pub(super) fn access(call: &Call<'_>) -> Outcome {
    may(call, HERE, call.arguments()[0], call.uint(1), 0)
}

pub(super) fn faccessat(call: &Call<'_>) -> Outcome {
    may(call, call.arguments()[0], call.arguments()[1], call.uint(2), 0)
}

pub(super) fn faccessat2(call: &Call<'_>) -> Outcome {
    may(call, call.arguments()[0], call.arguments()[1], call.uint(2), call.uint(3))
}

fn change_permissions(call: &Call<'_>, place: &Place, permissions: u32) -> Outcome {
    let credentials = Rc::clone(&call.thread.credentials.borrow());
    call.unix.names_of_files().change_permissions(&credentials, place, permissions & 0o7777)?;
    Ok(0)
}

pub(super) fn chmod(call: &Call<'_>) -> Outcome {
    let path = call.path(call.arguments()[0])?;
    change_permissions(call, &call.find(HERE, &path, 0)?, call.uint(1))
}

pub(super) fn fchmod(call: &Call<'_>) -> Outcome {
    change_permissions(call, &open_place(call, call.arguments()[0])?, call.uint(1))
}

pub(super) fn fchmodat(call: &Call<'_>) -> Outcome {
    let path = call.path(call.arguments()[1])?;
    change_permissions(call, &call.find(call.arguments()[0], &path, 0)?, call.uint(2))
}

/// The place of an open file that is not only a place.
fn open_place(call: &Call<'_>, descriptor: u64) -> Result<Place> {
    if super::paths::is_path(call.file(descriptor)?.flags()) {
        return Err(Errno::EBADF);
    }
    call.place(descriptor).map_err(|error| if error == Errno::ENOTDIR { Errno::EINVAL } else { error })
}

fn change_owner(call: &Call<'_>, place: &Place, user: u32, group: u32) -> Outcome {
    let credentials = Rc::clone(&call.thread.credentials.borrow());
    let given = |id: u32| Some(id).filter(|&id| id != u32::MAX);
    call.unix.names_of_files().change_owner(&credentials, place, given(user), given(group))?;
    Ok(0)
}

pub(super) fn chown(call: &Call<'_>) -> Outcome {
    let path = call.path(call.arguments()[0])?;
    change_owner(call, &call.find(HERE, &path, 0)?, call.uint(1), call.uint(2))
}

pub(super) fn lchown(call: &Call<'_>) -> Outcome {
    let path = call.path(call.arguments()[0])?;
    change_owner(call, &call.find(HERE, &path, at::SYMLINK_NOFOLLOW)?, call.uint(1), call.uint(2))
}

pub(super) fn fchown(call: &Call<'_>) -> Outcome {
    change_owner(call, &open_place(call, call.arguments()[0])?, call.uint(1), call.uint(2))
}

pub(super) fn fchownat(call: &Call<'_>) -> Outcome {
    let flags = call.uint(4);
    if flags & !(at::SYMLINK_NOFOLLOW | at::EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let path = call.path(call.arguments()[1])?;
    change_owner(call, &call.find(call.arguments()[0], &path, flags)?, call.uint(2), call.uint(3))
}

fn set_times(call: &Call<'_>, place: &Place, times: [NewTime; 2]) -> Outcome {
    let credentials = Rc::clone(&call.thread.credentials.borrow());
    call.unix.names_of_files().change_times(&credentials, place, times)?;
    Ok(0)
}

fn new_time([seconds, nanoseconds]: [i64; 2]) -> Result<NewTime> {
    const NOW: i64 = 0x3fff_ffff;
    const OMIT: i64 = 0x3fff_fffe;
    match nanoseconds {
        NOW => Ok(NewTime::Now),
        OMIT => Ok(NewTime::Same),
        _ if (0..SECOND.cast_signed()).contains(&nanoseconds) => {
            Ok(NewTime::At(Timestamp { seconds, nanoseconds: nanoseconds as u32 }))
        }
        _ => Err(Errno::EINVAL),
    }
}

pub(super) fn utimensat(call: &Call<'_>) -> Outcome {
    let [descriptor, path, times, ..] = call.arguments();
    let flags = call.uint(3);
    if flags & !(at::SYMLINK_NOFOLLOW | at::EMPTY_PATH) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let times = if times == 0 {
        [NewTime::Now; 2]
    } else {
        let [accessed, modified]: [[i64; 2]; 2] = call.read(times)?;
        [new_time(accessed)?, new_time(modified)?]
    };
    let place = if path == 0 {
        open_place(call, descriptor)?
    } else {
        let path = call.path(path)?;
        call.find(descriptor, &path, flags)?
    };
    set_times(call, &place, times)
}

fn with_microseconds(call: &Call<'_>, at: u64) -> Result<[NewTime; 2]> {
    if at == 0 {
        return Ok([NewTime::Now; 2]);
    }
    let [accessed, modified]: [[i64; 2]; 2] = call.read(at)?;
    let time = |[seconds, microseconds]: [i64; 2]| {
        let valid = (0..1_000_000).contains(&microseconds);
        let time = NewTime::At(Timestamp { seconds, nanoseconds: (microseconds as u32).wrapping_mul(1000) });
        if valid { Ok(time) } else { Err(Errno::EINVAL) }
    };
    Ok([time(accessed)?, time(modified)?])
}

pub(super) fn utimes(call: &Call<'_>) -> Outcome {
    let times = with_microseconds(call, call.arguments()[1])?;
    let path = call.path(call.arguments()[0])?;
    set_times(call, &call.find(HERE, &path, 0)?, times)
}

pub(super) fn futimesat(call: &Call<'_>) -> Outcome {
    let [descriptor, path, times, ..] = call.arguments();
    let times = with_microseconds(call, times)?;
    let path = call.path(path)?;
    set_times(call, &call.find(descriptor, &path, 0)?, times)
}

pub(super) fn utime(call: &Call<'_>) -> Outcome {
    let [path, times, ..] = call.arguments();
    let times = if times == 0 {
        [NewTime::Now; 2]
    } else {
        let seconds: [i64; 2] = call.read(times)?;
        seconds.map(|seconds| NewTime::At(Timestamp { seconds, nanoseconds: 0 }))
    };
    let path = call.path(path)?;
    set_times(call, &call.find(HERE, &path, 0)?, times)
}

/// The kind of file system, by Linux's magic number (statfs(2)).
const fn magic(kind: &[u8]) -> u64 {
    match kind {
        b"proc" => 0x9fa0,
        _ => 0x0102_1994,
    }
}

fn write_statfs(call: &Call<'_>, place: &Place, at: u64) -> Outcome {
    let kind = magic(place.mount.kind.as_bytes());
    call.write(at, &encode_statfs(kind, machine::total_frames(), machine::free_frames()))?;
    Ok(0)
}

pub(super) fn statfs(call: &Call<'_>) -> Outcome {
    let path = call.path(call.arguments()[0])?;
    write_statfs(call, &call.find(HERE, &path, 0)?, call.arguments()[1])
}

pub(super) fn fstatfs(call: &Call<'_>) -> Outcome {
    call.file(call.arguments()[0])?;
    let place = call.place(call.arguments()[0]).or_else(|_| Ok::<_, Errno>(call.unix.names_of_files().root()))?;
    write_statfs(call, &place, call.arguments()[1])
}

/// There are no extended attributes; what asks for them wants to know whether the file is there.
pub(super) fn no_attributes(call: &Call<'_>) -> Outcome {
    let path = call.path(call.arguments()[0])?;
    call.find(HERE, &path, 0)?;
    Err(Errno::EOPNOTSUPP.into())
}

/// The same of an open file.
pub(super) fn no_attributes_open(call: &Call<'_>) -> Outcome {
    call.file(call.arguments()[0])?;
    Err(Errno::EOPNOTSUPP.into())
}
