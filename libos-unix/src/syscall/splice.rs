//! Moving bytes through pipes: splice(2), tee(2), vmsplice(2).

use super::{Call, Outcome, Restart, Stop};
use crate::errno::{Errno, Result};
use crate::file::{Description, OpenFlags};
use crate::io::Filling;
use crate::pipe::{Pipe, PipeEnd};
use alloc::rc::Rc;

/// SPLICE_F_NONBLOCK, and all flags that there are.
const NONBLOCK: u32 = 2;
const KNOWN: u32 = 0xf;
/// Bytes that are moved at a time.
const CHUNK: usize = 4096;

/// The pipe that is read or written through a descriptor; `None` where it is no pipe.
fn pipe(description: &Description, reads: bool) -> Result<Option<Rc<Pipe>>> {
    let flags = description.flags();
    if !(if reads { flags.reads() } else { flags.writes() }) {
        return Err(Errno::EBADF);
    }
    Ok(description.as_kind::<PipeEnd>().map(|end| Rc::clone(end.pipe())))
}

/// The result of a step, which waits for whoever could not go on if nothing was done.
fn finish(call: &Call<'_>, done: usize, outcome: Result<()>, waits_for: &[&Description], waits: bool) -> Outcome {
    match outcome {
        _ if done != 0 => Ok(done as u64),
        Ok(()) => Ok(0),
        Err(Errno::EAGAIN) if waits => {
            waits_for.iter().filter_map(|each| each.file().queue()).for_each(|queue| call.enter(queue));
            Err(Stop::wait(Restart::IfAsked))
        }
        Err(error) => {
            if error == Errno::EPIPE {
                call.unix.break_pipe(call.thread);
            }
            Err(error.into())
        }
    }
}

/// Moves bytes out of a pipe, and takes out what has arrived.
fn from_pipe(pipe: &Pipe, to: &Description, mut at: Option<u64>, count: usize, keeps: bool) -> (usize, Result<()>) {
    let mut done = 0;
    let mut buffer = [0; CHUNK];
    while done < count {
        let part = (count - done).min(CHUNK);
        let length = match pipe.peek(&mut buffer[..part]) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) => return (done, Err(error)),
        };
        let mut bytes = &buffer[..length];
        let written = match at {
            None => to.write(&mut bytes),
            Some(at) => to.write_at(at, &mut bytes),
        };
        match written {
            Ok(0) => break,
            Ok(written) => {
                done += written;
                at = at.map(|at| at + written as u64);
                if keeps {
                    // What stays would be seen again.
                    break;
                }
                pipe.skip(written);
            }
            Err(error) => return (done, Err(error)),
        }
    }
    (done, Ok(()))
}

/// Moves bytes into a pipe, no more than it has room for.
fn into_pipe(from: &Description, mut at: Option<u64>, pipe: &Pipe, count: usize) -> (usize, Result<()>) {
    let mut done = 0;
    let mut buffer = [0; CHUNK];
    while done < count {
        let room = match pipe.room() {
            Ok(room) => room,
            Err(error) => return (done, Err(error)),
        };
        let part = (count - done).min(room).min(CHUNK);
        let mut filling = Filling::new(&mut buffer[..part]);
        let read = match at {
            None => from.read(&mut filling),
            Some(at) => from.read_at(at, &mut filling),
        };
        match read {
            Ok(0) => break,
            Ok(length) => {
                at = at.map(|at| at + length as u64);
                if let Err(error) = pipe.write_all(&buffer[..length]) {
                    return (done, Err(error));
                }
                done += length;
            }
            Err(error) => return (done, Err(error)),
        }
    }
    (done, Ok(()))
}

pub(super) fn splice(call: &Call<'_>) -> Outcome {
    let [from, from_at, to, to_at, count, _] = call.arguments();
    let flags = call.uint(5);
    if flags & !KNOWN != 0 {
        return Err(Errno::EINVAL.into());
    }
    if count == 0 {
        return Ok(0);
    }
    let (from, to) = (call.file(from)?, call.file(to)?);
    let (source, target) = (pipe(&from, true)?, pipe(&to, false)?);
    if (source.is_some() && from_at != 0) || (target.is_some() && to_at != 0) {
        return Err(Errno::ESPIPE.into());
    }
    let count = count.min(0x7fff_f000) as usize;
    let offset = |at: u64| if at == 0 { Ok(None) } else { call.read::<u64>(at).map(Some) };
    let waits = flags & NONBLOCK == 0 && !from.never_waits() && !to.never_waits();
    let (at, place, (done, outcome)) = match (source, target) {
        (Some(source), Some(target)) if Rc::ptr_eq(&source, &target) => return Err(Errno::EINVAL.into()),
        (Some(source), _) => {
            if to.flags().contains(OpenFlags::APPEND) {
                return Err(Errno::EINVAL.into());
            }
            let at = offset(to_at)?;
            if at.is_some() && !to.file().is_seekable() {
                return Err(Errno::EINVAL.into());
            }
            (at, to_at, from_pipe(&source, &to, at, count, false))
        }
        (None, Some(target)) => {
            let at = offset(from_at)?;
            if at.is_some() && !from.file().is_seekable() {
                return Err(Errno::EINVAL.into());
            }
            (at, from_at, into_pipe(&from, at, &target, count))
        }
        (None, None) => return Err(Errno::EINVAL.into()),
    };
    if let Some(at) = at {
        call.write(place, &(at + done as u64))?;
    }
    finish(call, done, outcome, &[&from, &to], waits)
}

pub(super) fn tee(call: &Call<'_>) -> Outcome {
    let [from, to, count, _, _, _] = call.arguments();
    let flags = call.uint(3);
    if flags & !KNOWN != 0 {
        return Err(Errno::EINVAL.into());
    }
    if count == 0 {
        return Ok(0);
    }
    let (from, to) = (call.file(from)?, call.file(to)?);
    let (Some(source), Some(target)) = (pipe(&from, true)?, pipe(&to, false)?) else {
        return Err(Errno::EINVAL.into());
    };
    if Rc::ptr_eq(&source, &target) {
        return Err(Errno::EINVAL.into());
    }
    let (done, outcome) = from_pipe(&source, &to, None, count.min(0x7fff_f000) as usize, true);
    finish(call, done, outcome, &[&from, &to], flags & NONBLOCK == 0)
}

/// The memory is copied: what is written to it later is not seen in the pipe.
pub(super) fn vmsplice(call: &Call<'_>) -> Outcome {
    let description = call.file(call.arguments()[0])?;
    if call.uint(3) & !KNOWN != 0 {
        return Err(Errno::EINVAL.into());
    }
    if description.as_kind::<PipeEnd>().is_none() {
        return Err(Errno::EBADF.into());
    }
    if description.flags().writes() { super::read_write::writev(call) } else { super::read_write::readv(call) }
}
