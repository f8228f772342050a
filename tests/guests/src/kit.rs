//! What guests that try out the kernel's interface share: calls with pinned answers, whom to try them on, further virtual CPUs
//! and environments.

pub mod child;
pub mod gate;
pub mod list;
pub mod neighbour;
pub mod thread;

use crate::hostile::Verdict;
use alloc::format;
use alloc::string::String;
use core::fmt::Debug;
use exo_user::abi::call::{Call, Request};
use exo_user::abi::error::Error;
use exo_user::abi::info::frame_state;
use exo_user::call::{self, Reply};
use exo_user::{frames, info};

/// The slot of the environment's own capability.
pub const OWN: u8 = 0;

/// Makes a call under credentials in these slots. Memory that it takes away or writes is the guest's to lose.
pub fn ask(call: Call, (credential, second): (u8, u8), arguments: &[u64]) -> Reply {
    let mut registers = [0; 6];
    for (register, argument) in registers.iter_mut().zip(arguments) {
        *register = *argument;
    }
    let request = Request { number: call as u16, credential, second };
    // SAFETY: guests that use this have nothing to lose but what they offer.
    unsafe { call::raw(request.to_word(), registers) }
}

/// The same, which must be refused for this reason; what was wrong.
///
/// # Errors
/// What came instead.
pub fn fails(call: Call, slots: (u8, u8), arguments: &[u64], error: Error) -> Result<u64, String> {
    let Reply { code, value } = ask(call, slots, arguments);
    if code == error.number() {
        return Ok(value);
    }
    let seen = Error::from_number(code);
    Err(format!("{}{slots:?}({arguments:x?}): {seen:?} {code} {value:#x} instead of {error:?}", call.name()))
}

/// The same, which must be refused at this frame, slot or argument.
///
/// # Errors
/// What came instead.
pub fn fails_at(call: Call, slots: (u8, u8), arguments: &[u64], error: Error, place: u64) -> Verdict {
    let detail = fails(call, slots, arguments, error)?;
    if detail == place { Ok(()) } else { Err(format!("{}: refused at {detail:#x}, not {place:#x}", call.name())) }
}

/// The same, which must succeed; the value.
///
/// # Errors
/// What came instead.
pub fn works(call: Call, slots: (u8, u8), arguments: &[u64]) -> Result<u64, String> {
    ask(call, slots, arguments)
        .result()
        .map_err(|failure| format!("{}{slots:?}({arguments:x?}): {failure}", call.name()))
}

/// Checks that two things are the same.
///
/// # Errors
/// Where they are not.
pub fn same<T: PartialEq + Debug>(what: &str, seen: T, wanted: T) -> Verdict {
    if seen == wanted { Ok(()) } else { Err(format!("{what}: {seen:x?} instead of {wanted:x?}")) }
}

/// Checks that something holds.
///
/// # Errors
/// Where it does not.
pub fn must(what: &str, holds: bool) -> Verdict {
    if holds { Ok(()) } else { Err(format!("it must be so that {what}")) }
}

/// This environment as an argument that names it in full.
#[must_use]
pub fn own() -> u64 {
    info::own_id().argument()
}

/// A run of frames that are nobody's. Each environment looks first in a part of memory of its own, far above what is given out
/// at boot, so that guests that run together seldom want the same.
///
/// # Errors
/// Where there is none.
pub fn free_run(count: u64) -> Result<u64, String> {
    const PART: u64 = 400;
    let end = info::frame_count();
    let from = end.saturating_sub(u64::from(info::own_id().index) * PART);
    let found = free_run_below(from, count).or_else(|| free_run_below(end, count));
    found.ok_or_else(|| format!("no {count} free frames"))
}

fn free_run_below(end: u64, count: u64) -> Option<u64> {
    let is_free = |frame: u64| info::frame(frame).is_some_and(|record| record.state == frame_state::FREE);
    let mut length = 0;
    for frame in (0..end).rev() {
        length = if is_free(frame) { length + 1 } else { 0 };
        if length >= count && is_free(frame) {
            return Some(frame);
        }
    }
    None
}

/// Allocates a run, wherever nobody is quicker.
///
/// # Errors
/// Where none is to be had.
pub fn take_run(count: u64) -> Result<u64, String> {
    take_run_under(OWN, count)
}

/// The same under another name.
///
/// # Errors
/// Where none is to be had.
pub fn take_run_under(credential: u8, count: u64) -> Result<u64, String> {
    for _ in 0..64 {
        let first = free_run(count)?;
        if ask(Call::AllocateRun, (credential, 0), &[first, count]).code == 0 {
            return Ok(first);
        }
    }
    Err(format!("somebody was always quicker to take {count} frames"))
}

/// Waits for a condition over many slices.
///
/// # Errors
/// Where it does not come true.
pub fn until(what: &str, mut condition: impl FnMut() -> bool) -> Verdict {
    for _ in 0..2000 {
        if condition() {
            return Ok(());
        }
        call::yield_slice();
    }
    Err(format!("it never came that {what}"))
}

/// Changes this environment's name for people, by which others see how far it is.
///
/// # Errors
/// The kernel's refusal.
pub fn call_itself(name: &str) -> Verdict {
    let mut frame = frames::allocate().ok_or("no frame for a name")?;
    let bytes = frame.bytes().get_mut(..name.len()).ok_or("the name is long")?;
    bytes.copy_from_slice(name.as_bytes());
    works(Call::EnvironmentName, (OWN, 0), &[0, frame.physical(), name.len() as u64]).map(drop)
}
