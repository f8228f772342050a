//! Opening files, and what is asked of open ones beside reading and writing.

use super::paths::HERE;
use super::{Call, Outcome, Stop};
use crate::errno::{Errno, Result};
use crate::file::{Description, Kind, OpenFlags};
use crate::fs::{Inode, NodeFile, OpenRequest, Opened, Seals, SeekTo};
use alloc::rc::Rc;
use alloc::vec::Vec;
use zerocopy::{FromBytes, Immutable, IntoBytes};

fn open_at(call: &Call<'_>, descriptor: u64, path: u64, flags: u32, mode: u32) -> Outcome {
    // Once flags that nobody knows were passed over, and they are still.
    let flags = OpenFlags::from_bits_truncate(flags);
    let path = call.path(path)?;
    let request = OpenRequest { flags, permissions: call.without_umask(mode) };
    let may_write = |inode: &Rc<dyn Inode>| call.unix.check_not_running(inode);
    let opened =
        call.with_base(descriptor, &path, |base| call.unix.names_of_files().open(base, &path, request, &may_write))?;
    let mut noted = None;
    let file = match opened {
        Opened::Node(file) => {
            if flags.contains(OpenFlags::TRUNC)
                && let Some(node) = file.as_any().downcast_ref::<NodeFile>()
            {
                call.unix.withdraw_pages(&node.place().inode, 0, u64::MAX);
            }
            file
        }
        Opened::Device(represents, place) => {
            let file = call.unix.open_device(call, represents, &place, flags)?;
            noted = Some(place);
            file
        }
        Opened::Fifo(place) => {
            let file = call.unix.open_fifo(call, &place, flags)?;
            noted = Some(place);
            file
        }
    };
    let description = Description::new(file, flags);
    noted.into_iter().for_each(|place| description.set_place(place));
    Ok(call.add_file(description, flags.contains(OpenFlags::CLOEXEC))?)
}

pub(super) fn open(call: &Call<'_>) -> Outcome {
    open_at(call, HERE, call.arguments()[0], call.uint(1), call.uint(2))
}

pub(super) fn creat(call: &Call<'_>) -> Outcome {
    let flags = OpenFlags::CREAT | OpenFlags::WRONLY | OpenFlags::TRUNC;
    open_at(call, HERE, call.arguments()[0], flags.bits(), call.uint(1))
}

pub(super) fn openat(call: &Call<'_>) -> Outcome {
    open_at(call, call.arguments()[0], call.arguments()[1], call.uint(2), call.uint(3))
}

/// struct open_how.
#[derive(Clone, Copy, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct How {
    flags: u64,
    mode: u64,
    resolve: u64,
}

pub(super) fn openat2(call: &Call<'_>) -> Outcome {
    let [descriptor, path, how, bytes, ..] = call.arguments();
    if bytes < size_of::<How>() as u64 {
        return Err(Errno::EINVAL.into());
    }
    let how: How = call.read(how)?;
    let flags = u32::try_from(how.flags).ok().and_then(OpenFlags::from_bits).ok_or(Errno::EINVAL)?;
    let makes = flags.intersects(OpenFlags::CREAT) || flags.contains(OpenFlags::TMPFILE);
    // Restrictions of the walk are none that could be promised.
    if how.resolve != 0 || how.mode & !0o7777 != 0 || (how.mode != 0 && !makes) {
        return Err(Errno::EINVAL.into());
    }
    open_at(call, descriptor, path, flags.bits(), how.mode as u32)
}

pub(super) fn lseek(call: &Call<'_>) -> Outcome {
    let description = call.file(call.arguments()[0])?;
    if description.flags().contains(OpenFlags::PATH) {
        return Err(Errno::EBADF.into());
    }
    let file = description.file();
    let kind = file.status().kind;
    if !file.is_seekable() && kind != Kind::Anonymous {
        return Err(Errno::ESPIPE.into());
    }
    if matches!(kind, Kind::CharacterDevice | Kind::Anonymous) {
        // Every place in it is the same.
        return Ok(0);
    }
    let offset = call.arguments()[1].cast_signed();
    let base = match call.uint(2) {
        0 => 0,
        1 => description.offset().cast_signed(),
        2 => file.size().cast_signed(),
        3 | 4 => {
            let to = if call.uint(2) == 3 { SeekTo::Data } else { SeekTo::Hole };
            let node = description.as_kind::<NodeFile>().ok_or(Errno::EINVAL)?;
            let from = u64::try_from(offset).map_err(|_| Errno::ENXIO)?;
            let found = node.seek(from, to)?;
            description.set_offset(found);
            return Ok(found);
        }
        _ => return Err(Errno::EINVAL.into()),
    };
    let target = base.checked_add(offset).ok_or(Errno::EINVAL)?;
    let target = u64::try_from(target).map_err(|_| Errno::EINVAL)?;
    description.set_offset(target);
    Ok(target)
}

/// Fills a buffer with directory entries; `write` makes one of them, or nothing where it does not fit.
fn entries(call: &Call<'_>, encode: impl Fn(&crate::fs::Entry<'_>) -> Vec<u8>) -> Outcome {
    let [descriptor, buffer, ..] = call.arguments();
    let room = call.uint(2) as usize;
    let description = call.file(descriptor)?;
    let node = description.as_kind::<NodeFile>().ok_or(Errno::ENOTDIR)?;
    if !description.flags().reads() {
        return Err(Errno::EBADF.into());
    }
    let mut bytes: Vec<u8> = Vec::new();
    let (mut next, mut any) = (description.offset(), false);
    node.entries(next, &mut |entry| {
        any = true;
        let encoded = encode(&entry);
        if bytes.len() + encoded.len() > room {
            return false;
        }
        bytes.extend_from_slice(&encoded);
        next = entry.next;
        true
    })?;
    if any && bytes.is_empty() {
        return Err(Errno::EINVAL.into());
    }
    call.with_memory(|memory| memory.write_bytes(buffer, &bytes))?;
    description.set_offset(next);
    Ok(bytes.len() as u64)
}

pub(super) fn getdents64(call: &Call<'_>) -> Outcome {
    entries(call, |entry| {
        let length = (19 + entry.name.len() + 1).next_multiple_of(8);
        let mut bytes = Vec::with_capacity(length);
        bytes.extend(entry.inode.to_le_bytes());
        bytes.extend(entry.next.to_le_bytes());
        bytes.extend((length as u16).to_le_bytes());
        bytes.push((entry.kind as u32 >> 12) as u8);
        bytes.extend_from_slice(entry.name);
        bytes.resize(length, 0);
        bytes
    })
}

pub(super) fn getdents(call: &Call<'_>) -> Outcome {
    entries(call, |entry| {
        let length = (18 + entry.name.len() + 2).next_multiple_of(8);
        let mut bytes = Vec::with_capacity(length);
        bytes.extend(entry.inode.to_le_bytes());
        bytes.extend(entry.next.to_le_bytes());
        bytes.extend((length as u16).to_le_bytes());
        bytes.extend_from_slice(entry.name);
        bytes.resize(length, 0);
        bytes[length - 1] = (entry.kind as u32 >> 12) as u8;
        bytes
    })
}

/// The node behind a descriptor that is open to be written.
fn written_node(call: &Call<'_>, descriptor: u64) -> Result<Rc<Description>> {
    let description = call.file(descriptor)?;
    if description.flags().contains(OpenFlags::PATH) {
        return Err(Errno::EBADF);
    }
    if description.flags().writes() { Ok(description) } else { Err(Errno::EINVAL) }
}

pub(super) fn ftruncate(call: &Call<'_>) -> Outcome {
    let size = u64::try_from(call.arguments()[1].cast_signed()).map_err(|_| Errno::EINVAL)?;
    let description = written_node(call, call.arguments()[0])?;
    let node = description.as_kind::<NodeFile>().ok_or(Errno::EINVAL)?;
    check_limit(call, size)?;
    node.place().inode.truncate(size)?;
    call.unix.withdraw_pages(&node.place().inode, size.div_ceil(4096), u64::MAX);
    Ok(0)
}

pub(super) fn truncate(call: &Call<'_>) -> Outcome {
    let size = u64::try_from(call.arguments()[1].cast_signed()).map_err(|_| Errno::EINVAL)?;
    let path = call.path(call.arguments()[0])?;
    let place = call.find(HERE, &path, 0)?;
    check_limit(call, size)?;
    call.unix.check_not_running(&place.inode)?;
    let credentials = Rc::clone(&call.thread.credentials.borrow());
    call.unix.names_of_files().truncate(&credentials, &place, size)?;
    call.unix.withdraw_pages(&place.inode, size.div_ceil(4096), u64::MAX);
    Ok(0)
}

fn check_limit(call: &Call<'_>, size: u64) -> core::result::Result<(), Stop> {
    use crate::signal::{Information, Signal};
    if size > call.process().limits.get().soft(crate::process::Resource::FileSize) {
        call.unix.send_to_thread(call.thread, Information::kernel(Signal::FILE_LIMIT));
        return Err(Errno::EFBIG.into());
    }
    Ok(())
}

pub(super) fn fallocate(call: &Call<'_>) -> Outcome {
    const KEEP_SIZE: u32 = 1;
    const PUNCH_HOLE: u32 = 2;
    let [descriptor, _, offset, length, ..] = call.arguments();
    let mode = call.uint(1);
    let description = call.file(descriptor)?;
    if offset.cast_signed() < 0 || length.cast_signed() <= 0 {
        return Err(Errno::EINVAL.into());
    }
    let punch = mode & PUNCH_HOLE != 0;
    if mode & !(KEEP_SIZE | PUNCH_HOLE) != 0 || (punch && mode & KEEP_SIZE == 0) {
        return Err(Errno::EOPNOTSUPP.into());
    }
    if !description.flags().writes() {
        return Err(Errno::EBADF.into());
    }
    let Some(node) = description.as_kind::<NodeFile>() else {
        return Err(if description.file().is_seekable() { Errno::ENODEV } else { Errno::ESPIPE }.into());
    };
    node.place().inode.allocate(offset, length, mode & KEEP_SIZE != 0, punch)?;
    if punch {
        call.unix.withdraw_pages(&node.place().inode, offset / 4096, (offset + length).div_ceil(4096));
    }
    Ok(0)
}

/// Files live in memory: there is no disk to bring them to.
pub(super) fn fsync(call: &Call<'_>) -> Outcome {
    let description = call.file(call.arguments()[0])?;
    if description.flags().contains(OpenFlags::PATH) {
        return Err(Errno::EBADF.into());
    }
    if description.as_kind::<NodeFile>().is_some() { Ok(0) } else { Err(Errno::EINVAL.into()) }
}

pub(super) fn sync(_: &Call<'_>) -> Outcome {
    Ok(0)
}

/// Nothing is ever fetched ahead.
pub(super) fn fadvise64(call: &Call<'_>) -> Outcome {
    let description = call.file(call.arguments()[0])?;
    if !description.file().is_seekable() {
        return Err(Errno::ESPIPE.into());
    }
    if call.uint(3) > 5 { Err(Errno::EINVAL.into()) } else { Ok(0) }
}

pub(super) fn memfd_create(call: &Call<'_>) -> Outcome {
    const CLOEXEC: u32 = 1;
    const ALLOW_SEALING: u32 = 2;
    let flags = call.uint(1);
    if flags & !(CLOEXEC | ALLOW_SEALING) != 0 {
        return Err(Errno::EINVAL.into());
    }
    call.string(call.arguments()[0], 250, Errno::EINVAL)?;
    let file = call.unix.nameless_file(if flags & ALLOW_SEALING != 0 { Seals::empty() } else { Seals::SEAL })?;
    let description = Description::new(Rc::new(file), OpenFlags::RDWR);
    Ok(call.add_file(description, flags & CLOEXEC != 0)?)
}
