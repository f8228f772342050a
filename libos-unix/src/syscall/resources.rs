//! Limits, usage, priorities, and the scheduler as far as there is one to speak of.

use super::{Call, Outcome};
use crate::clock::SECOND;
use crate::errno::{Errno, Result};
use crate::process::{Limit, Process, Resource, Times};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// The process that a number means; 0 is the caller.
fn process(call: &Call<'_>, id: u32) -> Result<Rc<Process>> {
    if id == 0 {
        return Ok(Rc::clone(call.process()));
    }
    let thread = call.unix.thread(id).map(|thread| Rc::clone(&thread.process));
    thread.or_else(|| call.unix.process(id)).ok_or(Errno::ESRCH)
}

fn index(resource: u32) -> Result<usize> {
    let index = resource as usize;
    if index < Resource::COUNT { Ok(index) } else { Err(Errno::EINVAL) }
}

fn set_limit(call: &Call<'_>, process: &Process, index: usize, new: Limit) -> Result<()> {
    let mut limits = process.limits.get();
    if new.soft > new.hard {
        return Err(Errno::EINVAL);
    }
    if new.hard > limits.0[index].hard && !call.thread.credentials.borrow().is_privileged() {
        return Err(Errno::EPERM);
    }
    if index == Resource::Files as usize && new.hard > crate::descriptors::MOST {
        return Err(Errno::EPERM);
    }
    limits.0[index] = new;
    process.limits.set(limits);
    if let Some(thread) = process.leader() {
        let space = thread.space();
        let mut space = space.borrow_mut();
        space.stack_limit = limits.soft(Resource::Stack);
        space.limit = limits.soft(Resource::AddressSpace);
        space.data_limit = limits.soft(Resource::Data);
    }
    Ok(())
}

pub(super) fn getrlimit(call: &Call<'_>) -> Outcome {
    let limit = call.process().limits.get().0[index(call.uint(0))?];
    call.write(call.arguments()[1], &limit)?;
    Ok(0)
}

pub(super) fn setrlimit(call: &Call<'_>) -> Outcome {
    let new: Limit = call.read(call.arguments()[1])?;
    set_limit(call, call.process(), index(call.uint(0))?, new)?;
    Ok(0)
}

pub(super) fn prlimit64(call: &Call<'_>) -> Outcome {
    let index = index(call.uint(1))?;
    let [_, _, new_at, old_at, ..] = call.arguments();
    let new: Option<Limit> = if new_at == 0 { None } else { Some(call.read(new_at)?) };
    let process = process(call, call.uint(0))?;
    let credentials = call.thread.credentials.borrow();
    if !credentials.is_privileged() && process.user.get() != credentials.user[0] {
        return Err(Errno::EPERM.into());
    }
    let old = process.limits.get().0[index];
    drop(credentials);
    if let Some(new) = new {
        set_limit(call, &process, index, new)?;
    }
    call.write_if(old_at, &old)?;
    Ok(0)
}

/// Writes struct rusage.
pub(super) fn write_usage(call: &Call<'_>, at: u64, times: Times) -> Result<()> {
    let parts = |nanoseconds: u64| [nanoseconds / SECOND, nanoseconds % SECOND / 1000];
    let mut words = [0_u64; 18];
    words[..2].copy_from_slice(&parts(times.user));
    words[2..4].copy_from_slice(&parts(times.system));
    words[4] = call.thread.space.borrow().borrow().resident_pages() * 4;
    call.write(at, &words)
}

pub(super) fn getrusage(call: &Call<'_>) -> Outcome {
    let times = match call.int(0) {
        0 => Times { user: call.unix.time_of(call.process()), system: 0 },
        1 => Times { user: crate::clock::nanoseconds(call.unix.ticks_of(call.thread)), system: 0 },
        -1 => call.process().children_times.get(),
        _ => return Err(Errno::EINVAL.into()),
    };
    write_usage(call, call.arguments()[1], times)?;
    Ok(0)
}

/// Processes that a class and a number mean, getpriority(2).
fn meant(call: &Call<'_>) -> Result<Vec<Rc<Process>>> {
    let id = call.uint(1);
    let found: Vec<Rc<Process>> = match call.int(0) {
        0 => process(call, id).into_iter().collect(),
        1 => call.unix.group(if id == 0 { call.process().group.get() } else { id }),
        2 => {
            let user = if id == 0 { call.thread.credentials.borrow().user[0] } else { id };
            call.unix.processes.borrow().values().filter(|process| process.user.get() == user).cloned().collect()
        }
        _ => return Err(Errno::EINVAL),
    };
    if found.is_empty() { Err(Errno::ESRCH) } else { Ok(found) }
}

pub(super) fn getpriority(call: &Call<'_>) -> Outcome {
    let lowest = meant(call)?.iter().map(|process| process.nice.get()).min().unwrap_or(0);
    // So that it is never negative.
    Ok((20 - i64::from(lowest)).cast_unsigned())
}

pub(super) fn setpriority(call: &Call<'_>) -> Outcome {
    let nice = call.int(2).clamp(-20, 19);
    let privileged = call.thread.credentials.borrow().is_privileged();
    for process in meant(call)? {
        if nice < process.nice.get() && !privileged {
            return Err(Errno::EACCES.into());
        }
        process.nice.set(nice);
    }
    Ok(0)
}

/// Everybody takes turns.
pub(super) fn sched_yield(call: &Call<'_>) -> Outcome {
    call.unix.preempt();
    Ok(0)
}

const OTHER: u32 = 0;
const FIFO: u32 = 1;
const ROUND_ROBIN: u32 = 2;
const BATCH: u32 = 3;
const IDLE: u32 = 5;

pub(super) fn sched_getscheduler(call: &Call<'_>) -> Outcome {
    if call.int(0) < 0 {
        return Err(Errno::EINVAL.into());
    }
    process(call, call.uint(0))?;
    Ok(OTHER.into())
}

pub(super) fn sched_setscheduler(call: &Call<'_>) -> Outcome {
    if call.int(0) < 0 || call.arguments()[2] == 0 {
        return Err(Errno::EINVAL.into());
    }
    process(call, call.uint(0))?;
    let priority: u32 = call.read(call.arguments()[2])?;
    match call.uint(1) {
        OTHER | BATCH | IDLE if priority == 0 => Ok(0),
        // There are no real-time guarantees, and nobody is told that there are.
        FIFO | ROUND_ROBIN if (1..=99).contains(&priority) => Err(Errno::EPERM.into()),
        _ => Err(Errno::EINVAL.into()),
    }
}

pub(super) fn sched_getparam(call: &Call<'_>) -> Outcome {
    if call.int(0) < 0 || call.arguments()[1] == 0 {
        return Err(Errno::EINVAL.into());
    }
    process(call, call.uint(0))?;
    call.write(call.arguments()[1], &0_u32)?;
    Ok(0)
}

pub(super) fn sched_setparam(call: &Call<'_>) -> Outcome {
    if call.int(0) < 0 || call.arguments()[1] == 0 {
        return Err(Errno::EINVAL.into());
    }
    process(call, call.uint(0))?;
    let priority: u32 = call.read(call.arguments()[1])?;
    if priority == 0 { Ok(0) } else { Err(Errno::EINVAL.into()) }
}

pub(super) fn sched_get_priority_max(call: &Call<'_>) -> Outcome {
    match call.uint(0) {
        FIFO | ROUND_ROBIN => Ok(99),
        OTHER | BATCH | IDLE | 6 => Ok(0),
        _ => Err(Errno::EINVAL.into()),
    }
}

pub(super) fn sched_get_priority_min(call: &Call<'_>) -> Outcome {
    match call.uint(0) {
        FIFO | ROUND_ROBIN => Ok(1),
        OTHER | BATCH | IDLE | 6 => Ok(0),
        _ => Err(Errno::EINVAL.into()),
    }
}

pub(super) fn sched_rr_get_interval(call: &Call<'_>) -> Outcome {
    process(call, call.uint(0))?;
    call.write(call.arguments()[1], &[0_u64, 10_000_000])?;
    Ok(0)
}

/// There is one CPU.
pub(super) fn sched_getaffinity(call: &Call<'_>) -> Outcome {
    process(call, call.uint(0))?;
    let bytes = call.uint(1);
    if bytes < 8 || !bytes.is_multiple_of(8) {
        return Err(Errno::EINVAL.into());
    }
    call.write(call.arguments()[2], &1_u64)?;
    Ok(8)
}

pub(super) fn sched_setaffinity(call: &Call<'_>) -> Outcome {
    process(call, call.uint(0))?;
    let bytes = call.uint(1).min(8) as usize;
    let mut mask = [0; 8];
    call.with_memory(|memory| memory.read_bytes(call.arguments()[2], &mut mask[..bytes]))?;
    if mask[0] & 1 == 0 { Err(Errno::EINVAL.into()) } else { Ok(0) }
}

pub(super) fn getcpu(call: &Call<'_>) -> Outcome {
    call.write_if(call.arguments()[0], &0_u32)?;
    call.write_if(call.arguments()[1], &0_u32)?;
    Ok(0)
}
