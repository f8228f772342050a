//! Locks on files: flock(2), and the record locks of fcntl(2).

use super::{Call, Outcome, Restart, Stop};
use crate::errno::{Errno, Result};
use crate::file::lock::{FileLocks, Hold, Owner, RangeLock};
use crate::file::{Description, OpenFlags};
use crate::unix::anchor;
use alloc::rc::Rc;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Waits until a lock goes.
fn wait(call: &Call<'_>, locks: &FileLocks) -> Stop {
    call.enter(locks.queue());
    Stop::wait(Restart::IfAsked)
}

pub(super) fn flock(call: &Call<'_>) -> Outcome {
    const NONBLOCK: u32 = 4;
    let description = call.file(call.arguments()[0])?;
    let operation = call.uint(1);
    let exclusive = match operation & !NONBLOCK {
        1 => Some(false),
        2 => Some(true),
        8 => None,
        _ => return Err(Errno::EINVAL.into()),
    };
    if description.flags().contains(OpenFlags::PATH) {
        return Err(Errno::EBADF.into());
    }
    let locks = call.unix.locks.of(&anchor(&description));
    match description.with_hold(&locks, |hold| hold.lock_whole(exclusive)) {
        Err(Errno::EAGAIN) if operation & NONBLOCK == 0 => Err(wait(call, &locks)),
        outcome => Ok(outcome.map(|()| 0)?),
    }
}

/// struct flock.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
struct Request {
    kind: i16,
    whence: i16,
    padding: u32,
    start: i64,
    length: i64,
    process: u32,
    padding_behind: u32,
}

/// F_RDLCK, F_WRLCK, F_UNLCK.
const SHARED: i16 = 0;
const EXCLUSIVE: i16 = 1;
const UNLOCK: i16 = 2;

/// First and last byte of what a request means.
fn range(description: &Description, request: &Request) -> Result<(u64, u64)> {
    let base = match request.whence {
        0 => 0,
        1 => description.offset().cast_signed(),
        2 => description.file().size().cast_signed(),
        _ => return Err(Errno::EINVAL),
    };
    let start = base.checked_add(request.start).ok_or(Errno::EOVERFLOW)?;
    let end = start.checked_add(request.length).ok_or(Errno::EOVERFLOW)?;
    let (first, last) = match request.length {
        0 => (start, i64::MAX),
        1.. => (start, end - 1),
        _ => (end, start - 1),
    };
    let first = u64::try_from(first).map_err(|_| Errno::EINVAL)?;
    Ok((first, u64::try_from(last).map_err(|_| Errno::EINVAL)?))
}

/// The commands of fcntl(2) that concern locks; `None` of others.
pub(super) fn control(call: &Call<'_>, description: &Rc<Description>, command: u32, at: u64) -> Option<Outcome> {
    match command {
        5 | 36 => Some(ask(call, description, command == 36, at)),
        6 | 7 => Some(set(call, description, false, command == 7, at)),
        37 | 38 => Some(set(call, description, true, command == 38, at)),
        _ => None,
    }
}

fn owner(call: &Call<'_>, description: &Description, of_description: bool, request: &Request) -> Result<Owner> {
    match of_description {
        true if request.process != 0 => Err(Errno::EINVAL),
        true => Ok(description.owner()),
        false => Ok(Owner::Process(call.process().id)),
    }
}

fn ask(call: &Call<'_>, description: &Rc<Description>, of_description: bool, at: u64) -> Outcome {
    let mut request: Request = call.read(at)?;
    if !matches!(request.kind, SHARED | EXCLUSIVE) {
        return Err(Errno::EINVAL.into());
    }
    let (first, last) = range(description, &request)?;
    let owner = owner(call, description, of_description, &request)?;
    let wanted = RangeLock { owner, first, last, exclusive: request.kind == EXCLUSIVE };
    let conflict = call.unix.locks.find(&anchor(description)).and_then(|locks| locks.conflict(&wanted));
    match conflict {
        None => request.kind = UNLOCK,
        Some(held) => {
            request.kind = if held.exclusive { EXCLUSIVE } else { SHARED };
            request.whence = 0;
            request.start = held.first.cast_signed();
            let endless = held.last >= i64::MAX as u64;
            request.length = if endless { 0 } else { (held.last - held.first + 1).cast_signed() };
            request.process = match held.owner {
                Owner::Process(process) => process,
                Owner::Description(_) => u32::MAX,
            };
        }
    }
    call.write(at, &request)?;
    Ok(0)
}

fn set(call: &Call<'_>, description: &Rc<Description>, of_description: bool, waits: bool, at: u64) -> Outcome {
    let process = call.process();
    process.waits_for.set(None);
    let request: Request = call.read(at)?;
    let exclusive = match request.kind {
        SHARED => Some(false),
        EXCLUSIVE => Some(true),
        UNLOCK => None,
        _ => return Err(Errno::EINVAL.into()),
    };
    let (first, last) = range(description, &request)?;
    let flags = description.flags();
    if (exclusive == Some(false) && !flags.reads()) || (exclusive == Some(true) && !flags.writes()) {
        return Err(Errno::EBADF.into());
    }
    let owner = owner(call, description, of_description, &request)?;
    let locks = call.unix.locks.of(&anchor(description));
    let outcome = if of_description {
        description.with_hold(&locks, |hold| hold.lock(first, last, exclusive))
    } else {
        let mut holds = process.holds.borrow_mut();
        let place = holds.iter().position(|hold| Rc::ptr_eq(hold.locks(), &locks)).unwrap_or_else(|| {
            holds.push(Hold::new(&locks, owner));
            holds.len() - 1
        });
        holds[place].lock(first, last, exclusive)
    };
    match outcome {
        Err(Errno::EAGAIN) if waits => {
            let wanted = RangeLock { owner, first, last, exclusive: exclusive == Some(true) };
            let holder = locks.conflict(&wanted).map(|held| held.owner);
            if let (Some(Owner::Process(holder)), false) = (holder, of_description) {
                if waits_for(call, holder, process.id) {
                    return Err(Errno::EDEADLK.into());
                }
                process.waits_for.set(Some(holder));
            }
            Err(wait(call, &locks))
        }
        outcome => Ok(outcome.map(|()| 0)?),
    }
}

/// Whether a process waits for another one's locks, or for somebody's who does.
fn waits_for(call: &Call<'_>, from: u32, to: u32) -> bool {
    let mut at = from;
    // Nobody is visited twice unless they wait for each other already, which they cannot.
    for _ in 0..call.unix.processes.borrow().len() {
        let next = call.unix.process(at).and_then(|process| process.waits_for.get());
        match next {
            Some(next) if next == to => return true,
            Some(next) => at = next,
            None => return false,
        }
    }
    false
}
