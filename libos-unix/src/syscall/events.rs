//! eventfd(2), signalfd(2) and epoll(7).

use super::signals::{restore_mask_after, set_temporary_mask};
use super::{Call, Outcome, Restart, Stop};
use crate::clock::{self, SECOND};
use crate::errno::{Errno, Result};
use crate::event::{Epoll, EventCount, Interest, SignalFile, WatchFlags};
use crate::file::{Description, OpenFlags, Ready};
use crate::signal::SignalSet;
use alloc::rc::Rc;

bitflags::bitflags! {
    /// Flags of eventfd2(2) and signalfd4(2).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct EventFlags: u32 {
        /// Reading takes one.
        const SEMAPHORE = 1;
        /// Nobody waits.
        const NONBLOCK = 0o4000;
        /// The descriptor is closed by exec.
        const CLOEXEC = 0o2_000_000;
    }
}

fn make_count(call: &Call<'_>, flags: EventFlags) -> Outcome {
    let file = EventCount::new(call.uint(0).into(), flags.contains(EventFlags::SEMAPHORE));
    let mut open = OpenFlags::RDWR;
    open.set(OpenFlags::NONBLOCK, flags.contains(EventFlags::NONBLOCK));
    Ok(call.add_file(Description::new(Rc::new(file), open), flags.contains(EventFlags::CLOEXEC))?)
}

pub(super) fn eventfd(call: &Call<'_>) -> Outcome {
    make_count(call, EventFlags::empty())
}

pub(super) fn eventfd2(call: &Call<'_>) -> Outcome {
    make_count(call, EventFlags::from_bits(call.uint(1)).ok_or(Errno::EINVAL)?)
}

fn make_signals(call: &Call<'_>, flags: EventFlags) -> Outcome {
    let [descriptor, set, bytes, ..] = call.arguments();
    if bytes != 8 || flags.contains(EventFlags::SEMAPHORE) {
        return Err(Errno::EINVAL.into());
    }
    let set = SignalSet(call.read(set)?) & !SignalSet::UNSTOPPABLE;
    if descriptor as u32 != u32::MAX {
        let description = call.file(descriptor)?;
        description.as_kind::<SignalFile>().ok_or(Errno::EINVAL)?.set(set);
        return Ok(descriptor);
    }
    let mut open = OpenFlags::RDWR;
    open.set(OpenFlags::NONBLOCK, flags.contains(EventFlags::NONBLOCK));
    let file = SignalFile::new(call.unix, set);
    Ok(call.add_file(Description::new(file, open), flags.contains(EventFlags::CLOEXEC))?)
}

pub(super) fn signalfd(call: &Call<'_>) -> Outcome {
    make_signals(call, EventFlags::empty())
}

pub(super) fn signalfd4(call: &Call<'_>) -> Outcome {
    make_signals(call, EventFlags::from_bits(call.uint(3)).ok_or(Errno::EINVAL)?)
}

fn make_watcher(call: &Call<'_>, close_on_exec: bool) -> Outcome {
    Ok(call.add_file(Description::new(Epoll::new(), OpenFlags::RDWR), close_on_exec)?)
}

pub(super) fn epoll_create(call: &Call<'_>) -> Outcome {
    if call.int(0) <= 0 {
        return Err(Errno::EINVAL.into());
    }
    make_watcher(call, false)
}

pub(super) fn epoll_create1(call: &Call<'_>) -> Outcome {
    let flags = OpenFlags::from_bits(call.uint(0)).filter(|flags| (*flags - OpenFlags::CLOEXEC).is_empty());
    make_watcher(call, !flags.ok_or(Errno::EINVAL)?.is_empty())
}

/// Bytes of struct epoll_event, which is packed on this architecture.
const EVENT: u64 = 12;

fn interest(call: &Call<'_>, at: u64) -> Result<Interest> {
    let [events, low, high]: [u32; 3] = call.read(at)?;
    let data = u64::from(low) | u64::from(high) << 32;
    Ok(Interest { ready: Ready::from_bits_truncate(events), flags: WatchFlags::from_bits_truncate(events), data })
}

pub(super) fn epoll_ctl(call: &Call<'_>) -> Outcome {
    const ADD: u32 = 1;
    const DELETE: u32 = 2;
    const CHANGE: u32 = 3;
    let [watcher, _, number, event, ..] = call.arguments();
    let operation = call.uint(1);
    let wanted = if operation == DELETE { None } else { Some(interest(call, event)?) };
    let (watcher, file) = (call.file(watcher)?, call.file(number)?);
    let epoll = watcher.as_kind::<Epoll>().ok_or(Errno::EINVAL)?;
    if file.file().queue().is_none() {
        return Err(Errno::EPERM.into());
    }
    let number = u64::from(number as u32);
    match (operation, wanted) {
        (ADD, Some(wanted)) => epoll.add(number, &file, wanted)?,
        (CHANGE, Some(wanted)) if wanted.flags.contains(WatchFlags::EXCLUSIVE) => return Err(Errno::EINVAL.into()),
        (CHANGE, Some(wanted)) => epoll.change(number, &file, wanted)?,
        (DELETE, _) => epoll.remove(number, &file)?,
        _ => return Err(Errno::EINVAL.into()),
    }
    Ok(0)
}

fn wait(call: &Call<'_>, limit: Option<u64>) -> Outcome {
    let [watcher, events, ..] = call.arguments();
    let most = call.int(2);
    if most <= 0 {
        return Err(Errno::EINVAL.into());
    }
    let description = call.file(watcher)?;
    let epoll = description.as_kind::<Epoll>().ok_or(Errno::EINVAL)?;
    let found = epoll.report(most as usize);
    for (index, (ready, data)) in found.iter().enumerate() {
        let at = events.wrapping_add(index as u64 * EVENT);
        call.write(at, &[ready.bits(), *data as u32, (data >> 32) as u32])?;
    }
    if !found.is_empty() {
        return Ok(found.len() as u64);
    }
    call.wait_until(|| limit.map(|limit| clock::monotonic().saturating_add(limit)));
    if limit == Some(0) || call.is_late() {
        return Ok(0);
    }
    if let Some(queue) = description.file().queue() {
        call.enter(queue);
    }
    Err(Stop::wait(Restart::Never))
}

fn milliseconds(call: &Call<'_>) -> Option<u64> {
    u64::try_from(call.int(3)).ok().map(|milliseconds| milliseconds * (SECOND / 1000))
}

fn mask(call: &Call<'_>) -> Result<()> {
    let [_, _, _, _, at, bytes] = call.arguments();
    if at != 0 {
        if bytes != 8 {
            return Err(Errno::EINVAL);
        }
        set_temporary_mask(call, SignalSet(call.read(at)?));
    }
    Ok(())
}

pub(super) fn epoll_wait(call: &Call<'_>) -> Outcome {
    wait(call, milliseconds(call))
}

pub(super) fn epoll_pwait(call: &Call<'_>) -> Outcome {
    mask(call)?;
    let outcome = wait(call, milliseconds(call));
    restore_mask_after(call, &outcome);
    outcome
}

pub(super) fn epoll_pwait2(call: &Call<'_>) -> Outcome {
    let timeout = call.arguments()[3];
    let limit = if timeout == 0 { None } else { Some(super::clocks::duration(call, timeout)?) };
    mask(call)?;
    let outcome = wait(call, limit);
    restore_mask_after(call, &outcome);
    outcome
}
