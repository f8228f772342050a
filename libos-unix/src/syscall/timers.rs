//! Timers: setitimer(2), timer_create(2), timerfd_create(2).

use super::clocks::{from_parts, id, read_clock};
use super::{Call, Outcome};
use crate::clock::{self, SECOND};
use crate::errno::{Errno, Result};
use crate::event::TimerFile;
use crate::file::{Description, OpenFlags};
use crate::signal::Signal;
use crate::timer::{Interval, IntervalTimers, Notify, PosixTimer, TimerClock};
use alloc::rc::Rc;

/// struct itimerval.
type TimerValue = [i64; 4];

fn encode(interval: Interval, now: u64) -> TimerValue {
    let micro = |nanoseconds: u64| [(nanoseconds / SECOND).cast_signed(), (nanoseconds % SECOND / 1000).cast_signed()];
    // One that runs never says zero.
    let left = interval.next.map_or(0, |next| next.saturating_sub(now).max(1000));
    let [[again, again_micro], [seconds, microseconds]] = [micro(interval.period), micro(left)];
    [again, again_micro, seconds, microseconds]
}

fn which(call: &Call<'_>) -> Result<Signal> {
    match call.uint(0) {
        0 => Ok(Signal::ALARM),
        1 => Ok(Signal::VIRTUAL_ALARM),
        2 => Ok(Signal::PROFILE),
        _ => Err(Errno::EINVAL),
    }
}

/// What a kind of clock says.
fn now(call: &Call<'_>, by: TimerClock) -> u64 {
    match by {
        TimerClock::Monotonic => clock::monotonic(),
        TimerClock::Processor => call.unix.time_of(call.process()),
    }
}

pub(super) fn getitimer(call: &Call<'_>) -> Outcome {
    let signal = which(call)?;
    let now = now(call, IntervalTimers::clock(signal));
    let interval = call.process().interval_timers.get(signal, now);
    call.write(call.arguments()[1], &encode(interval, now))?;
    Ok(0)
}

pub(super) fn setitimer(call: &Call<'_>) -> Outcome {
    let signal = which(call)?;
    let value: TimerValue = if call.arguments()[1] == 0 { [0; 4] } else { call.read(call.arguments()[1])? };
    let [again, again_micro, seconds, microseconds] = value;
    if !(0..1_000_000).contains(&again_micro) || !(0..1_000_000).contains(&microseconds) {
        return Err(Errno::EINVAL.into());
    }
    let period = from_parts(again, again_micro * 1000)?;
    let first = from_parts(seconds, microseconds * 1000)?;
    let now = now(call, IntervalTimers::clock(signal));
    let before = encode(call.process().interval_timers.get(signal, now), now);
    set(call, signal, first, period);
    call.write_if(call.arguments()[2], &before)?;
    Ok(0)
}

fn set(call: &Call<'_>, signal: Signal, first: u64, period: u64) {
    let next = (first != 0).then(|| now(call, IntervalTimers::clock(signal)).saturating_add(first));
    let interval = Interval { next, period: if first == 0 { 0 } else { period } };
    call.process().interval_timers.set(call.unix, call.process(), signal, interval);
}

pub(super) fn alarm(call: &Call<'_>) -> Outcome {
    let now = clock::monotonic();
    let before = call.process().interval_timers.get(Signal::ALARM, now);
    set(call, Signal::ALARM, u64::from(call.uint(0)) * SECOND, 0);
    let left = before.left(now);
    // To the nearest second, but never to none.
    Ok(((left + SECOND / 2) / SECOND).max(u64::from(left != 0)))
}

/// What a struct itimerspec asks for, of a timer that runs by a clock.
fn wanted(call: &Call<'_>, at: u64, absolute: bool, clock: i32, by: TimerClock) -> Result<Interval> {
    let [again, again_nano, seconds, nanoseconds]: [i64; 4] = call.read(at)?;
    let period = from_parts(again, again_nano)?;
    let first = from_parts(seconds, nanoseconds)?;
    if first == 0 {
        return Ok(Interval { next: None, period });
    }
    let now = now(call, by);
    let next = match (absolute, by) {
        (true, TimerClock::Monotonic) => {
            // By that clock's own count; from here on it passes as all do.
            let left = first.saturating_sub(read_clock(call, clock)?);
            now.saturating_add(left)
        }
        (true, TimerClock::Processor) => first,
        (false, _) => now.saturating_add(first),
    };
    Ok(Interval { next: Some(next), period })
}

/// struct itimerspec.
fn encode_exactly(interval: Interval, now: u64) -> [u64; 4] {
    let left = interval.left(now);
    [interval.period / SECOND, interval.period % SECOND, left / SECOND, left % SECOND]
}

pub(super) fn timer_create(call: &Call<'_>) -> Outcome {
    const SIGNAL: i32 = 0;
    const NONE: i32 = 1;
    const THREAD: i32 = 2;
    const THREAD_ID: i32 = 4;
    let [_, event, id_at, ..] = call.arguments();
    let clock = call.int(0);
    let by = match clock {
        id::PROCESS | id::THREAD => TimerClock::Processor,
        id::REALTIME | id::MONOTONIC | id::BOOT | id::REALTIME_ALARM | id::BOOT_ALARM | id::TAI => {
            TimerClock::Monotonic
        }
        _ => return Err(Errno::EINVAL.into()),
    };
    let notify = if event == 0 {
        None
    } else {
        let [value, numbers, thread]: [u64; 3] = call.read(event)?;
        let (number, how) = (numbers as u32, (numbers >> 32) as i32);
        let signal = match how {
            NONE => None,
            SIGNAL | THREAD | THREAD_ID => Some(Signal::new(number.into()).ok_or(Errno::EINVAL)?),
            _ => return Err(Errno::EINVAL.into()),
        };
        let thread = if how == THREAD_ID {
            let thread = call.unix.thread(thread as u32).filter(|thread| Rc::ptr_eq(&thread.process, call.process()));
            Some(Rc::downgrade(&thread.ok_or(Errno::EINVAL)?))
        } else {
            None
        };
        Some(Notify { signal, value, thread })
    };
    let process = call.process();
    let id = process.timers.make(call.unix, process, clock, by, |id| {
        notify.unwrap_or(Notify { signal: Some(Signal::ALARM), value: id.into(), thread: None })
    })?;
    if let Err(error) = call.write(id_at, &id) {
        process.timers.remove(id)?;
        return Err(error.into());
    }
    Ok(0)
}

fn timer(call: &Call<'_>) -> Result<Rc<PosixTimer>> {
    call.process().timers.get(call.uint(0))
}

pub(super) fn timer_settime(call: &Call<'_>) -> Outcome {
    let [_, _, new, old, ..] = call.arguments();
    if new == 0 {
        return Err(Errno::EINVAL.into());
    }
    let timer = timer(call)?;
    let mut interval = wanted(call, new, call.uint(1) & 1 != 0, timer.clock_id, timer.runs_by)?;
    if interval.next.is_none() {
        interval.period = 0;
    }
    let now = now(call, timer.runs_by);
    let before = encode_exactly(timer.get(now), now);
    timer.set(interval);
    call.write_if(old, &before)?;
    Ok(0)
}

pub(super) fn timer_gettime(call: &Call<'_>) -> Outcome {
    let timer = timer(call)?;
    let now = now(call, timer.runs_by);
    call.write(call.arguments()[1], &encode_exactly(timer.get(now), now))?;
    Ok(0)
}

pub(super) fn timer_getoverrun(call: &Call<'_>) -> Outcome {
    Ok(timer(call)?.overrun())
}

pub(super) fn timer_delete(call: &Call<'_>) -> Outcome {
    call.process().timers.remove(call.uint(0))?;
    Ok(0)
}

pub(super) fn timerfd_create(call: &Call<'_>) -> Outcome {
    let clock = call.int(0);
    let flags =
        OpenFlags::from_bits(call.uint(1)).filter(|&flags| (OpenFlags::NONBLOCK | OpenFlags::CLOEXEC).contains(flags));
    let flags = flags.ok_or(Errno::EINVAL)?;
    if !matches!(clock, id::REALTIME | id::MONOTONIC | id::BOOT | id::REALTIME_ALARM | id::BOOT_ALARM) {
        return Err(Errno::EINVAL.into());
    }
    let description =
        Description::new(TimerFile::new(&call.unix.timers, clock), OpenFlags::RDWR | (flags & OpenFlags::NONBLOCK));
    Ok(call.add_file(description, flags.contains(OpenFlags::CLOEXEC))?)
}

pub(super) fn timerfd_settime(call: &Call<'_>) -> Outcome {
    const ABSOLUTE: u32 = 1;
    const CANCEL_ON_SET: u32 = 2;
    let [descriptor, _, new, old, ..] = call.arguments();
    if call.uint(1) & !(ABSOLUTE | CANCEL_ON_SET) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let description = call.file(descriptor)?;
    let timer = description.as_kind::<TimerFile>().ok_or(Errno::EINVAL)?;
    let interval = wanted(call, new, call.uint(1) & ABSOLUTE != 0, timer.clock_id, TimerClock::Monotonic)?;
    let now = clock::monotonic();
    let before = encode_exactly(timer.get(now), now);
    timer.set(interval);
    call.write_if(old, &before)?;
    Ok(0)
}

pub(super) fn timerfd_gettime(call: &Call<'_>) -> Outcome {
    let description = call.file(call.arguments()[0])?;
    let timer = description.as_kind::<TimerFile>().ok_or(Errno::EINVAL)?;
    let now = clock::monotonic();
    call.write(call.arguments()[1], &encode_exactly(timer.get(now), now))?;
    Ok(0)
}
