//! futex(2).

use super::{Call, Outcome, Restart, Stop};
use crate::clock;
use crate::errno::{Errno, Result};
use crate::futex::Key;

/// Operations by number.
mod operation {
    pub(super) const WAIT: u32 = 0;
    pub(super) const WAKE: u32 = 1;
    pub(super) const REQUEUE: u32 = 3;
    pub(super) const COMPARE_REQUEUE: u32 = 4;
    pub(super) const WAKE_OPERATION: u32 = 5;
    pub(super) const WAIT_BITSET: u32 = 9;
    pub(super) const WAKE_BITSET: u32 = 10;
    /// Only threads of this space mean the word.
    pub(super) const PRIVATE: u32 = 0x80;
    pub(super) const REALTIME: u32 = 0x100;
}

pub(super) fn futex(call: &Call<'_>) -> Outcome {
    let [address, _, _, timeout, second, _] = call.arguments();
    let (value, third) = (call.uint(2), call.uint(5));
    let flags = call.uint(1);
    if !address.is_multiple_of(4) {
        return Err(Errno::EINVAL.into());
    }
    let realtime = flags & operation::REALTIME != 0;
    match flags & !(operation::PRIVATE | operation::REALTIME) {
        operation::WAIT if realtime => Err(Errno::ENOSYS.into()),
        operation::WAIT => wait(call, timeout, true, false, u32::MAX),
        operation::WAIT_BITSET => wait(call, timeout, false, realtime, third),
        _ if realtime => Err(Errno::ENOSYS.into()),
        operation::WAKE => wake(call, address, value, u32::MAX),
        operation::WAKE_BITSET => wake(call, address, value, third),
        operation::REQUEUE => requeue(call, None),
        operation::COMPARE_REQUEUE => requeue(call, Some(third)),
        operation::WAKE_OPERATION => wake_operation(call, second, third),
        _ => Err(Errno::ENOSYS.into()),
    }
}

/// The key of a word, as the call means it, and what it holds.
fn look(call: &Call<'_>, address: u64) -> Result<(Key, u32)> {
    call.unix.futexes.look(&call.thread.space(), address, call.uint(1) & operation::PRIVATE != 0)
}

fn wait(call: &Call<'_>, timeout: u64, relative: bool, realtime: bool, bits: u32) -> Outcome {
    if bits == 0 {
        return Err(Errno::EINVAL.into());
    }
    let limit = if timeout == 0 { None } else { Some(super::clocks::duration(call, timeout)?) };
    if call.progress().waited {
        // It has waited before, and somebody has woken it, or not.
        if call.thread.futex_woken.take() {
            return Ok(0);
        }
        if call.is_late() {
            return Err(Errno::ETIMEDOUT.into());
        }
    }
    let (key, word) = look(call, call.arguments()[0])?;
    if !call.progress().waited && word != call.uint(2) {
        return Err(Errno::EAGAIN.into());
    }
    call.wait_until(|| {
        limit.map(|limit| {
            let now = clock::monotonic();
            let ahead = if realtime { limit.saturating_sub(clock::since_1970()) } else { limit.saturating_sub(now) };
            now.saturating_add(if relative { limit } else { ahead })
        })
    });
    if call.is_late() {
        return Err(Errno::ETIMEDOUT.into());
    }
    if !call.is_interrupted() {
        call.thread.futex_woken.set(false);
        call.unix.futexes.enter(key, call.thread, bits);
    }
    let restart = if limit.is_some() { Restart::UnlessHandled } else { Restart::IfAsked };
    Err(Stop::wait(restart))
}

fn wake(call: &Call<'_>, address: u64, count: u32, bits: u32) -> Outcome {
    if bits == 0 {
        return Err(Errno::EINVAL.into());
    }
    let (key, _) = look(call, address)?;
    Ok(call.unix.futexes.wake(key, count.min(i32::MAX as u32), bits).into())
}

fn requeue(call: &Call<'_>, expected: Option<u32>) -> Outcome {
    let [address, _, _, count, second, _] = call.arguments();
    let (wakes, moves) = (call.int(2), count as i32);
    if wakes < 0 || moves < 0 {
        return Err(Errno::EINVAL.into());
    }
    let (from, word) = look(call, address)?;
    let (to, _) = look(call, second)?;
    if expected.is_some_and(|expected| expected != word) {
        return Err(Errno::EAGAIN.into());
    }
    let woken = call.unix.futexes.wake(from, wakes.cast_unsigned(), u32::MAX);
    let moved = call.unix.futexes.requeue(from, to, moves.cast_unsigned());
    // FUTEX_REQUEUE says only how many it has woken.
    Ok(u64::from(woken) + if expected.is_some() { u64::from(moved) } else { 0 })
}

/// Changes the second word and wakes those who wait for the first, and for the second if it was as asked.
fn wake_operation(call: &Call<'_>, second: u64, encoded: u32) -> Outcome {
    let (first, _) = look(call, call.arguments()[0])?;
    let (other, old) = look(call, second)?;
    let new = changed(old, encoded)?;
    let holds = compares(old, encoded)?;
    call.write(second, &new)?;
    let mut woken = call.unix.futexes.wake(first, call.uint(2), u32::MAX);
    if holds {
        woken += call.unix.futexes.wake(other, call.uint(3), u32::MAX);
    }
    Ok(woken.into())
}

/// Twelve bits, with a sign.
const fn signed(bits: u32) -> i32 {
    ((bits << 20) as i32) >> 20
}

fn changed(old: u32, encoded: u32) -> Result<u32> {
    const SHIFT: u32 = 8;
    let operation = encoded >> 28;
    let mut argument = signed(encoded >> 12 & 0xfff).cast_unsigned();
    if operation & SHIFT != 0 {
        argument = 1 << (argument & 31);
    }
    match operation & !SHIFT {
        0 => Ok(argument),
        1 => Ok(old.wrapping_add(argument)),
        2 => Ok(old | argument),
        3 => Ok(old & !argument),
        4 => Ok(old ^ argument),
        _ => Err(Errno::ENOSYS),
    }
}

fn compares(old: u32, encoded: u32) -> Result<bool> {
    let (old, argument) = (old.cast_signed(), signed(encoded & 0xfff));
    match encoded >> 24 & 0xf {
        0 => Ok(old == argument),
        1 => Ok(old != argument),
        2 => Ok(old < argument),
        3 => Ok(old <= argument),
        4 => Ok(old > argument),
        5 => Ok(old >= argument),
        _ => Err(Errno::ENOSYS),
    }
}

/// Bytes of struct robust_list_head.
const LIST_HEAD: u64 = 24;

pub(super) fn set_robust_list(call: &Call<'_>) -> Outcome {
    if call.arguments()[1] != LIST_HEAD {
        return Err(Errno::EINVAL.into());
    }
    call.thread.robust_list.set(call.arguments()[0]);
    Ok(0)
}

pub(super) fn get_robust_list(call: &Call<'_>) -> Outcome {
    let thread = match call.uint(0) {
        0 => call.thread.clone(),
        id => call.unix.thread(id).ok_or(Errno::ESRCH)?,
    };
    call.write(call.arguments()[2], &LIST_HEAD)?;
    call.write(call.arguments()[1], &thread.robust_list.get())?;
    Ok(0)
}
