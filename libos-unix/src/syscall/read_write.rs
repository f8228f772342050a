//! Reading and writing.

use super::{Call, Outcome, Restart, Stop};
use crate::errno::{Errno, Result};
use crate::file::{Description, OpenFlags, Ready};
use crate::io::Source;
use crate::memory::{USER_END, UserBuffers, Vector};
use crate::process::Resource;
use crate::signal::{Information, Signal};
use crate::socket::Socket;
use crate::terminal::Terminal;
use alloc::vec::Vec;

/// Vectors of one call (Linux: UIO_MAXIOV).
const MOST_VECTORS: u64 = 1024;
/// Bytes that one call moves at most (Linux: MAX_RW_COUNT).
const MOST_BYTES: u64 = 0x7fff_f000;

/// What a call reads into or writes from.
enum Buffers {
    One(u64, u64),
    Several(Vec<Vector>),
}

impl Buffers {
    fn plain(call: &Call<'_>) -> Result<Self> {
        let [_, address, length, ..] = call.arguments();
        check_range(address, length)?;
        Ok(Self::One(address, length.min(MOST_BYTES)))
    }

    fn vectors(call: &Call<'_>) -> Result<Self> {
        Ok(Self::Several(vectors(call, call.arguments()[1], call.arguments()[2])?))
    }

    /// As sockets take them.
    fn to_vec(&self) -> Vec<Vector> {
        match self {
            Self::One(address, length) => alloc::vec![Vector { address: *address, length: *length }],
            Self::Several(vectors) => vectors.clone(),
        }
    }

    fn with<R>(&self, call: &Call<'_>, work: impl FnOnce(&mut UserBuffers<'_>) -> R) -> R {
        let space = call.thread.space.borrow();
        match self {
            Self::One(address, length) => work(&mut UserBuffers::one(&space, *address, *length)),
            Self::Several(vectors) => work(&mut UserBuffers::several(&space, vectors.clone())),
        }
    }
}

/// What is not in the program's half of the addresses is not even tried.
fn check_range(address: u64, length: u64) -> Result<()> {
    let end = address.checked_add(length);
    if end.is_some_and(|end| end <= USER_END) { Ok(()) } else { Err(Errno::EFAULT) }
}

/// Fetches an array of struct iovec.
pub(super) fn vectors(call: &Call<'_>, address: u64, count: u64) -> Result<Vec<Vector>> {
    if count > MOST_VECTORS {
        return Err(Errno::EINVAL);
    }
    let (mut vectors, mut total) = (Vec::new(), 0_u64);
    for index in 0..count {
        let mut vector: Vector = call.read(address.wrapping_add(index * size_of::<Vector>() as u64))?;
        if vector.length > i64::MAX as u64 {
            return Err(Errno::EINVAL);
        }
        vector.length = vector.length.min(MOST_BYTES - total);
        total += vector.length;
        vectors.push(vector);
    }
    Ok(vectors)
}

/// Reads; `offset` where it is not the description's own.
fn read_from(call: &Call<'_>, buffers: &Buffers, offset: Option<u64>) -> Outcome {
    let description = call.file(call.arguments()[0])?;
    if let Some(offset) = offset {
        check_offset(&description, offset)?;
    }
    call.unix.may_use_terminal(call, &description, true)?;
    if let Some(terminal) = description.as_kind::<Terminal>() {
        call.wait_until(|| terminal.read_limit().map(|limit| crate::clock::monotonic() + limit));
        if call.is_late() && !description.file().ready().contains(Ready::IN) {
            return Ok(0);
        }
    }
    let attempt = || {
        buffers.with(call, |to| match offset {
            None => description.read(to),
            Some(offset) => description.read_at(offset, to),
        })
    };
    Ok(call.until_ready(&description, false, attempt)? as u64)
}

fn check_offset(description: &Description, offset: u64) -> Result<()> {
    if offset.cast_signed() < 0 {
        return Err(Errno::EINVAL);
    }
    if description.file().is_seekable() { Ok(()) } else { Err(Errno::ESPIPE) }
}

/// Writes all, unless nobody may wait; what was written before a signal or an error counts.
fn write_to(call: &Call<'_>, buffers: &Buffers, offset: Option<u64>) -> Outcome {
    let description = call.file(call.arguments()[0])?;
    if let Some(offset) = offset {
        check_offset(&description, offset)?;
    }
    if description.as_kind::<Socket>().is_some() {
        return if offset.is_some() {
            Err(Errno::ESPIPE.into())
        } else {
            super::messages::write(call, buffers.to_vec())
        };
    }
    call.unix.may_use_terminal(call, &description, false)?;
    let most = check_size(call, &description, offset)?;
    let mut done = call.progress().done;
    loop {
        let mut left = 0;
        let written = buffers.with(call, |from| {
            from.skip(done as usize);
            from.limit(most);
            let wanted = from.remaining();
            let written = match offset {
                None => description.write(from),
                Some(offset) => description.write_at(offset + done, from),
            };
            left = wanted - written.unwrap_or(0);
            written
        });
        match written {
            Ok(count) => {
                done += count as u64;
                if left == 0 || count == 0 || description.file().is_seekable() {
                    return Ok(done);
                }
            }
            Err(Errno::EAGAIN) if !description.never_waits() => {
                let Some(queue) = description.file().queue() else { return Err(Errno::EAGAIN.into()) };
                if done != 0 && call.is_interrupted() {
                    return Ok(done);
                }
                call.set_done(done);
                call.enter(queue);
                return Err(Stop::wait(Restart::IfAsked));
            }
            Err(_) if done != 0 => return Ok(done),
            Err(Errno::EPIPE) => {
                call.unix.break_pipe(call.thread);
                return Err(Errno::EPIPE.into());
            }
            Err(error) => return Err(error.into()),
        }
    }
}

/// A file may not grow beyond the process's limit: how many bytes may be written.
fn check_size(call: &Call<'_>, description: &Description, offset: Option<u64>) -> Result<usize> {
    let limit = call.process().limits.get().soft(Resource::FileSize);
    if limit == u64::MAX || !description.file().is_seekable() {
        return Ok(usize::MAX);
    }
    let appends = description.flags().contains(OpenFlags::APPEND);
    let at = if appends { description.file().size() } else { offset.unwrap_or(description.offset()) };
    if at >= limit {
        call.unix.send_to_thread(call.thread, Information::kernel(Signal::FILE_LIMIT));
        return Err(Errno::EFBIG);
    }
    Ok((limit - at) as usize)
}

pub(super) fn read(call: &Call<'_>) -> Outcome {
    if let Some(outcome) = super::pipes::read(call) {
        return outcome;
    }
    read_from(call, &Buffers::plain(call)?, None)
}

pub(super) fn write(call: &Call<'_>) -> Outcome {
    if let Some(outcome) = super::pipes::write(call) {
        return outcome;
    }
    write_to(call, &Buffers::plain(call)?, None)
}

pub(super) fn pread64(call: &Call<'_>) -> Outcome {
    read_from(call, &Buffers::plain(call)?, Some(call.arguments()[3]))
}

pub(super) fn pwrite64(call: &Call<'_>) -> Outcome {
    write_to(call, &Buffers::plain(call)?, Some(call.arguments()[3]))
}

pub(super) fn readv(call: &Call<'_>) -> Outcome {
    read_from(call, &Buffers::vectors(call)?, None)
}

pub(super) fn writev(call: &Call<'_>) -> Outcome {
    write_to(call, &Buffers::vectors(call)?, None)
}

pub(super) fn preadv(call: &Call<'_>) -> Outcome {
    read_from(call, &Buffers::vectors(call)?, Some(call.arguments()[3]))
}

pub(super) fn pwritev(call: &Call<'_>) -> Outcome {
    write_to(call, &Buffers::vectors(call)?, Some(call.arguments()[3]))
}

/// The offset of preadv2(2), where -1 is the description's own; flags are for disks and ask for nothing here.
fn offset_and_flags(call: &Call<'_>) -> Result<Option<u64>> {
    const KNOWN: u64 = 0x1f;
    if call.arguments()[5] & !KNOWN != 0 {
        return Err(Errno::EOPNOTSUPP);
    }
    Ok(Some(call.arguments()[3]).filter(|&offset| offset != u64::MAX))
}

pub(super) fn preadv2(call: &Call<'_>) -> Outcome {
    let offset = offset_and_flags(call)?;
    read_from(call, &Buffers::vectors(call)?, offset)
}

pub(super) fn pwritev2(call: &Call<'_>) -> Outcome {
    let offset = offset_and_flags(call)?;
    write_to(call, &Buffers::vectors(call)?, offset)
}
