//! Time.

use super::{Call, Outcome, Restart, Stop};
use crate::clock::{self, SECOND};
use crate::errno::{Errno, Result};

/// Clocks by number, clock_gettime(2).
pub(super) mod id {
    pub(in crate::syscall) const REALTIME: i32 = 0;
    pub(in crate::syscall) const MONOTONIC: i32 = 1;
    pub(in crate::syscall) const PROCESS: i32 = 2;
    pub(in crate::syscall) const THREAD: i32 = 3;
    pub(in crate::syscall) const MONOTONIC_RAW: i32 = 4;
    pub(in crate::syscall) const REALTIME_COARSE: i32 = 5;
    pub(in crate::syscall) const MONOTONIC_COARSE: i32 = 6;
    pub(in crate::syscall) const BOOT: i32 = 7;
    pub(in crate::syscall) const REALTIME_ALARM: i32 = 8;
    pub(in crate::syscall) const BOOT_ALARM: i32 = 9;
    pub(in crate::syscall) const TAI: i32 = 11;
}

/// Nanoseconds of a struct timespec.
///
/// # Errors
/// EFAULT, EINVAL.
pub(super) fn duration(call: &Call<'_>, address: u64) -> Result<u64> {
    let [seconds, nanoseconds]: [i64; 2] = call.read(address)?;
    from_parts(seconds, nanoseconds)
}

pub(super) fn from_parts(seconds: i64, nanoseconds: i64) -> Result<u64> {
    let valid = seconds >= 0 && (0..SECOND.cast_signed()).contains(&nanoseconds);
    let sum = seconds.cast_unsigned().saturating_mul(SECOND).saturating_add(nanoseconds.cast_unsigned());
    if valid { Ok(sum) } else { Err(Errno::EINVAL) }
}

pub(super) const fn parts(nanoseconds: u64) -> [u64; 2] {
    [nanoseconds / SECOND, nanoseconds % SECOND]
}

/// What a clock says.
pub(super) fn read_clock(call: &Call<'_>, clock: i32) -> Result<u64> {
    match clock {
        id::REALTIME | id::REALTIME_COARSE | id::REALTIME_ALARM | id::TAI => Ok(clock::since_1970()),
        id::MONOTONIC | id::MONOTONIC_RAW | id::MONOTONIC_COARSE | id::BOOT | id::BOOT_ALARM => Ok(clock::monotonic()),
        id::THREAD => Ok(clock::nanoseconds(call.unix.ticks_of(call.thread))),
        id::PROCESS => Ok(call.unix.time_of(call.process())),
        // Clocks of processes and threads: their number, negated, and what kind (clock_getcpuclockid(3)).
        _ if clock < 0 => {
            let number = (!clock >> 3).cast_unsigned();
            if clock & 4 != 0 {
                let thread = if number == 0 { Some(call.thread.clone()) } else { call.unix.thread(number) };
                return thread.map(|thread| clock::nanoseconds(call.unix.ticks_of(&thread))).ok_or(Errno::EINVAL);
            }
            let process = if number == 0 { Some(call.process().clone()) } else { call.unix.process(number) };
            process.map(|process| call.unix.time_of(&process)).ok_or(Errno::EINVAL)
        }
        _ => Err(Errno::EINVAL),
    }
}

pub(super) fn clock_gettime(call: &Call<'_>) -> Outcome {
    let now = read_clock(call, call.int(0))?;
    call.write(call.arguments()[1], &parts(now))?;
    Ok(0)
}

pub(super) fn clock_getres(call: &Call<'_>) -> Outcome {
    const COARSE: u64 = 4_000_000;
    let clock = call.int(0);
    read_clock(call, clock)?;
    let resolution = if matches!(clock, id::REALTIME_COARSE | id::MONOTONIC_COARSE) { COARSE } else { 1 };
    call.write_if(call.arguments()[1], &parts(resolution))?;
    Ok(0)
}

fn may_set(call: &Call<'_>) -> Result<()> {
    if call.thread.credentials.borrow().is_privileged() { Ok(()) } else { Err(Errno::EPERM) }
}

pub(super) fn clock_settime(call: &Call<'_>) -> Outcome {
    if call.int(0) != id::REALTIME {
        return Err(Errno::EINVAL.into());
    }
    let time = duration(call, call.arguments()[1])?;
    may_set(call)?;
    clock::set_since_1970(time);
    Ok(0)
}

pub(super) fn gettimeofday(call: &Call<'_>) -> Outcome {
    let now = clock::since_1970();
    call.write_if(call.arguments()[0], &[now / SECOND, now % SECOND / 1000])?;
    call.write_if(call.arguments()[1], &[0_u32; 2])?;
    Ok(0)
}

pub(super) fn settimeofday(call: &Call<'_>) -> Outcome {
    if call.arguments()[0] != 0 {
        let [seconds, microseconds]: [i64; 2] = call.read(call.arguments()[0])?;
        let time = from_parts(seconds, microseconds.saturating_mul(1000))?;
        may_set(call)?;
        clock::set_since_1970(time);
    }
    Ok(0)
}

pub(super) fn time(call: &Call<'_>) -> Outcome {
    let seconds = clock::since_1970() / SECOND;
    call.write_if(call.arguments()[0], &seconds)?;
    Ok(seconds)
}

/// Ticks of times(2) a second.
const TICKS: u64 = 100;

pub(super) fn times(call: &Call<'_>) -> Outcome {
    let process = call.process();
    let children = process.children_times.get();
    let own = call.unix.time_of(process);
    let ticks = |nanoseconds: u64| nanoseconds / (SECOND / TICKS);
    let all = [ticks(own), 0, ticks(children.user), ticks(children.system)];
    call.write_if(call.arguments()[0], &all)?;
    Ok(ticks(clock::monotonic()))
}

pub(super) fn nanosleep(call: &Call<'_>) -> Outcome {
    let wanted = duration(call, call.arguments()[0])?;
    sleep(call, || clock::monotonic().saturating_add(wanted), call.arguments()[1])
}

pub(super) fn clock_nanosleep(call: &Call<'_>) -> Outcome {
    const ABSOLUTE: u32 = 1;
    let [_, _, wanted_at, left_at, ..] = call.arguments();
    let clock = call.int(0);
    match clock {
        id::THREAD => return Err(Errno::EINVAL.into()),
        id::MONOTONIC_RAW | id::REALTIME_COARSE | id::MONOTONIC_COARSE => return Err(Errno::EOPNOTSUPP.into()),
        _ => {}
    }
    let now = read_clock(call, clock)?;
    let wanted = duration(call, wanted_at)?;
    if call.uint(1) & ABSOLUTE == 0 {
        return sleep(call, || clock::monotonic().saturating_add(wanted), left_at);
    }
    sleep(call, || clock::monotonic().saturating_add(wanted.saturating_sub(now)), 0)
}

/// Sleeps; what is left goes to `left_at` where a signal ends it.
fn sleep(call: &Call<'_>, until: impl FnOnce() -> u64, left_at: u64) -> Outcome {
    call.wait_until(|| Some(until()));
    if call.is_late() {
        return Ok(0);
    }
    if call.is_interrupted()
        && let Some(deadline) = call.progress().deadline
    {
        call.write_if(left_at, &parts(deadline.saturating_sub(clock::monotonic())))?;
    }
    Err(Stop::wait(Restart::UnlessHandled))
}
