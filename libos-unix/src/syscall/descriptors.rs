//! Descriptors: closing and duplicating them, and what fcntl(2) says of them.

use super::{Call, Outcome};
use crate::descriptors::Descriptors;
use crate::errno::{Errno, Result};
use crate::file::{Description, OpenFlags};
use crate::fs::{NodeFile, Seals};
use crate::pipe::PipeEnd;
use crate::process::Resource;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

pub(super) fn close(call: &Call<'_>) -> Outcome {
    let description = call.thread.files.borrow().borrow_mut().remove(call.arguments()[0])?;
    call.unix.close(call.process(), description);
    Ok(0)
}

bitflags::bitflags! {
    /// Flags of close_range(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct CloseRangeFlags: u32 {
        /// The table is the caller's own from now on.
        const UNSHARE = 2;
        /// They are closed by exec, not now.
        const CLOEXEC = 4;
    }
}

pub(super) fn close_range(call: &Call<'_>) -> Outcome {
    let (first, last) = (call.uint(0), call.uint(1));
    let flags = CloseRangeFlags::from_bits(call.uint(2)).ok_or(Errno::EINVAL)?;
    if first > last {
        return Err(Errno::EINVAL.into());
    }
    if flags.contains(CloseRangeFlags::UNSHARE) {
        let own = Descriptors::clone(&call.thread.files.borrow().borrow());
        *call.thread.files.borrow_mut() = Rc::new(RefCell::new(own));
    }
    let files = call.thread.files();
    let range = u64::from(first)..=u64::from(last);
    let numbers: Vec<u64> = files.borrow().numbers().filter(|number| range.contains(number)).collect();
    for number in numbers {
        if flags.contains(CloseRangeFlags::CLOEXEC) {
            files.borrow_mut().set_close_on_exec(number, true)?;
        } else {
            let description = files.borrow_mut().remove(number)?;
            call.unix.close(call.process(), description);
        }
    }
    Ok(0)
}

pub(super) fn dup(call: &Call<'_>) -> Outcome {
    let description = call.file(call.arguments()[0])?;
    Ok(call.add_file(description, false)?)
}

fn limit(call: &Call<'_>) -> u64 {
    call.process().limits.get().soft(Resource::Files)
}

fn duplicate_to(call: &Call<'_>, close_on_exec: bool) -> Outcome {
    let (old, new) = (call.arguments()[0], u64::from(call.uint(1)));
    let description = call.file(old)?;
    let replaced = call.thread.files.borrow().borrow_mut().replace(new, description, close_on_exec, limit(call))?;
    if let Some(replaced) = replaced {
        call.unix.close(call.process(), replaced);
    }
    Ok(new)
}

pub(super) fn dup2(call: &Call<'_>) -> Outcome {
    if call.uint(0) == call.uint(1) {
        call.file(call.arguments()[0])?;
        return Ok(call.uint(1).into());
    }
    duplicate_to(call, false)
}

pub(super) fn dup3(call: &Call<'_>) -> Outcome {
    let flags = OpenFlags::from_bits(call.uint(2)).filter(|&flags| (flags - OpenFlags::CLOEXEC).is_empty());
    let flags = flags.ok_or(Errno::EINVAL)?;
    if call.uint(0) == call.uint(1) {
        return Err(Errno::EINVAL.into());
    }
    duplicate_to(call, !flags.is_empty())
}

/// Commands of fcntl(2).
mod command {
    pub(super) const DUPFD: u32 = 0;
    pub(super) const GETFD: u32 = 1;
    pub(super) const SETFD: u32 = 2;
    pub(super) const GETFL: u32 = 3;
    pub(super) const SETFL: u32 = 4;
    pub(super) const SETOWN: u32 = 8;
    pub(super) const GETOWN: u32 = 9;
    pub(super) const SETSIG: u32 = 10;
    pub(super) const GETSIG: u32 = 11;
    pub(super) const DUPFD_CLOEXEC: u32 = 1030;
    pub(super) const SETPIPE_SIZE: u32 = 1031;
    pub(super) const GETPIPE_SIZE: u32 = 1032;
    pub(super) const ADD_SEALS: u32 = 1033;
    pub(super) const GET_SEALS: u32 = 1034;
}

pub(super) fn fcntl(call: &Call<'_>) -> Outcome {
    let (descriptor, command, argument) = (call.arguments()[0], call.uint(1), call.arguments()[2]);
    let description = call.file(descriptor)?;
    if let Some(outcome) = super::locks::control(call, &description, command, argument) {
        return outcome;
    }
    let files = call.thread.files.borrow();
    match command {
        command::DUPFD | command::DUPFD_CLOEXEC => {
            let close_on_exec = command == command::DUPFD_CLOEXEC;
            let from = u64::from(argument as u32);
            if from >= limit(call) {
                return Err(Errno::EINVAL.into());
            }
            Ok(files.borrow_mut().add(description, close_on_exec, from, limit(call))?)
        }
        command::GETFD => Ok(files.borrow().closes_on_exec(descriptor)?.into()),
        command::SETFD => {
            files.borrow_mut().set_close_on_exec(descriptor, argument & 1 != 0)?;
            Ok(0)
        }
        command::GETFL => Ok((description.flags() | OpenFlags::LARGEFILE).bits().into()),
        command::SETFL => {
            description.set_flags(OpenFlags::from_bits_truncate(argument as u32));
            Ok(0)
        }
        // Nobody is ever told by a signal.
        command::SETOWN | command::SETSIG => Ok(0),
        command::GETOWN | command::GETSIG => Ok(0),
        command::SETPIPE_SIZE | command::GETPIPE_SIZE => {
            let pipe = Rc::clone(description.as_kind::<PipeEnd>().ok_or(Errno::EBADF)?.pipe());
            let wanted = argument as u32 as usize;
            let size = if command == command::GETPIPE_SIZE { pipe.capacity() } else { pipe.set_capacity(wanted)? };
            Ok(size as u64)
        }
        command::ADD_SEALS => add_seals(call, &description, argument as u32),
        command::GET_SEALS => Ok(seals(&description)?.get().bits().into()),
        _ => Err(Errno::EINVAL.into()),
    }
}

/// The seals of a file that has any.
fn seals(description: &Description) -> Result<&Cell<Seals>> {
    description.as_kind::<NodeFile>().and_then(|node| node.place().inode.seals()).ok_or(Errno::EINVAL)
}

fn add_seals(call: &Call<'_>, description: &Description, added: u32) -> Outcome {
    let cell = seals(description)?;
    if !description.flags().writes() {
        return Err(Errno::EPERM.into());
    }
    let added = Seals::from_bits(added).ok_or(Errno::EINVAL)?;
    if cell.get().contains(Seals::SEAL) {
        return Err(Errno::EPERM.into());
    }
    let node = description.as_kind::<NodeFile>().ok_or(Errno::EINVAL)?;
    if added.contains(Seals::WRITE) && call.unix.is_mapped_to_be_written(&node.place().inode) {
        return Err(Errno::EBUSY.into());
    }
    cell.set(cell.get() | added);
    Ok(0)
}
