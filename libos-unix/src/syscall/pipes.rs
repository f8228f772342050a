//! Short reads and writes of pipes: the same as in [`read_write`](super::read_write), without what other files need. Words that go to
//! and fro between processes are most of what some programs do.

use super::{Call, Outcome, Restart, Stop};
use crate::errno::Errno;
use crate::file::Description;
use crate::memory::{AddressSpace, USER_END};
use crate::pipe::Pipe;

/// Bytes that are short.
const SHORT: u64 = 512;

/// Does something with a pipe and the caller's memory; `None` where it is another kind of file, or not as simple as that.
#[inline]
fn with_pipe(
    call: &Call<'_>,
    allowed: impl FnOnce(&Description) -> bool,
    work: impl FnOnce(&Pipe, &mut AddressSpace, u64, usize) -> Result<usize, Errno>,
) -> Option<Outcome> {
    let [descriptor, address, length, ..] = call.arguments();
    if length > SHORT || address >= USER_END - SHORT || length == 0 {
        return None;
    }
    let files = call.thread.files.borrow();
    let files = files.borrow();
    let description = files.get(descriptor).ok()?;
    let pipe = description.pipe()?;
    if !allowed(description) {
        return None;
    }
    let space = call.thread.space.borrow();
    match work(pipe, &mut space.borrow_mut(), address, length as usize) {
        Ok(count) => Some(Ok(count as u64)),
        Err(Errno::EAGAIN) if !description.never_waits() => {
            call.enter(pipe.queue());
            Some(Err(Stop::wait(Restart::IfAsked)))
        }
        Err(_) => None,
    }
}

/// A read.
#[inline]
pub(super) fn read(call: &Call<'_>) -> Option<Outcome> {
    with_pipe(call, |description| description.flags().reads(), Pipe::read_to_program)
}

/// A write, of which all is written or nothing.
#[inline]
pub(super) fn write(call: &Call<'_>) -> Option<Outcome> {
    with_pipe(call, |description| description.flags().writes(), Pipe::write_from_program)
}
