//! What guests that try out the kernel's interface share: calls with pinned answers, whom to try them on, further virtual CPUs
//! and environments.

pub mod child;
pub mod list;
pub mod neighbour;
pub mod thread;

use crate::hostile::Verdict;
use alloc::format;
use alloc::string::String;
use core::fmt::Debug;
use exo_user::abi::call::{Call, Request};
use exo_user::abi::error::Error;
use exo_user::call::{self, Reply};
use exo_user::info;

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

/// A run of frames that are nobody's, the last one in the table that is long enough: whoever allocates at boot begins below.
///
/// # Errors
/// Where there is none.
pub fn free_run(count: u64) -> Result<u64, String> {
    let run = info::free_runs(0).filter(|run| run.count >= count).last();
    run.map(|run| run.first + run.count - count).ok_or_else(|| format!("no {count} free frames"))
}

/// Allocates a run, wherever nobody is quicker.
///
/// # Errors
/// Where none is to be had.
pub fn take_run(count: u64) -> Result<u64, String> {
    for _ in 0..64 {
        let first = free_run(count)?;
        if ask(Call::AllocateRun, (OWN, 0), &[first, count]).code == 0 {
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
