//! Frames by the hundred: allocating, binding and unbinding them by name; and a fault that is repaired by binding.

use crate::{ITERATIONS, PAGE, WRITABLE, report_many, report_prepared};
use alloc::format;
use alloc::string::String;
use exo_user::abi::capability::rights;
use exo_user::call::{Kernel, Machine};
use exo_user::exceptions::{self, ForeignAccess, Interrupted};
use exo_user::foreign;
use exo_user::page_table;
use exo_user::{cpu, frames, info};

/// The slot of the environment's own capability.
const OWN: u8 = 0;
const READ_WRITE: u64 = rights::READ | rights::WRITE;
/// Frames of one call.
const FRAMES: u64 = 100;
/// Hundreds that are measured: each is allocated once, since nobody scrubs what comes back to its owner.
const HUNDREDS: u32 = 300;

fn failed(what: &str) -> impl Fn(exo_user::call::Failure) -> String {
    move |failure| format!("{what}: {failure:?}")
}

/// The first of so many free frames in a row, above those that were taken before.
fn free_run(from: u64, count: u64) -> Result<u64, String> {
    let mut runs = info::free_runs(from);
    runs.find(|run| run.count >= count).map(|run| run.first).ok_or_else(|| format!("no {count} free frames in a row"))
}

/// `alloc100`: frames that still hold what somebody else left in them.
pub fn allocate(overhead: u64) -> Result<(), String> {
    let first = free_run(0, FRAMES * u64::from(HUNDREDS))?;
    let (mut next, mut scrubbed) = (first, 0);
    let mut wrong = 0_u64;
    report_many("alloc100", overhead, FRAMES, HUNDREDS, || {
        // Another hundred each time.
        match Machine.allocate_run(OWN, next, FRAMES) {
            Ok(dirty) => scrubbed += dirty,
            Err(_) => wrong += 1,
        }
        next += FRAMES;
    });
    let taken = next - first;
    for hundred in (first..next).step_by(100) {
        Machine.free_run(OWN, hundred, FRAMES).map_err(failed("free"))?;
    }
    if wrong != 0 || scrubbed != taken {
        Err(format!("{wrong} failed, {scrubbed} of {taken} scrubbed"))
    } else {
        Ok(())
    }
}

/// `bind100` and `unbind100`: the same frames over and over.
pub fn bind(overhead: u64) -> Result<(), String> {
    let first = free_run(0, FRAMES + 1)?;
    Machine.allocate_run(OWN, first, FRAMES + 1).map_err(failed("allocate"))?;
    // The EPT table is there already, as for an environment that has other frames near these.
    // SAFETY: nothing refers to these frames, which were nobody's a moment ago.
    unsafe { Machine.bind_run(0, 0, OWN.into(), READ_WRITE, first + FRAMES, 1) }.map_err(failed("bind"))?;
    let mut wrong = 0_u64;
    // SAFETY: nothing refers to these frames, which were nobody's a moment ago.
    let bind = || unsafe { Machine.bind_run(0, 0, OWN.into(), READ_WRITE, first, FRAMES) };
    // SAFETY: as above.
    let unbind = || unsafe { Machine.unbind_run(0, 0, 0, first, FRAMES) };
    crate::report_pair(
        "bind100",
        overhead,
        FRAMES,
        || wrong += u64::from(bind().is_err()),
        || {
            let _ = unbind();
        },
    );
    let _ = bind();
    let mut wrong_too = 0_u64;
    crate::report_pair(
        "unbind100",
        overhead,
        FRAMES,
        || wrong_too += u64::from(unbind().is_err()),
        || {
            let _ = bind();
        },
    );
    let _ = unbind();
    // SAFETY: as above.
    unsafe { Machine.unbind_run(0, 0, 0, first + FRAMES, 1) }.map_err(failed("unbind"))?;
    Machine.free_run(OWN, first, FRAMES + 1).map_err(failed("free"))?;
    if wrong + wrong_too != 0 { Err(format!("{wrong} and {wrong_too} calls failed")) } else { Ok(()) }
}

fn bind_it(access: ForeignAccess, _interrupted: &mut Interrupted) {
    // SAFETY: the frame is the environment's own, and only the benchmark's page leads there.
    let _ = unsafe { Machine.bind_run(0, 0, OWN.into(), READ_WRITE, access.physical >> 12, 1) };
}

/// `ept-fault-bind`: touches a frame that the environment owns and has not bound; its handler binds it.
pub fn fault_and_bind(overhead: u64) -> Result<(), String> {
    let frame = free_run(0, 2)?;
    Machine.allocate_run(OWN, frame, 2).map_err(failed("allocate"))?;
    // The EPT table is there already, as for an environment that has other frames near this one.
    // SAFETY: nothing refers to the frame, which was nobody's a moment ago.
    unsafe { Machine.bind_run(0, 0, OWN.into(), READ_WRITE, frame + 1, 1) }.map_err(failed("bind"))?;
    let entry = page_table::entry(PAGE);
    // SAFETY: nothing else uses the page.
    unsafe { entry.set(frame << 12 | WRITABLE) };
    cpu::invalidate_page(PAGE);
    exceptions::handle(bind_it);
    foreign::begin().map_err(|error| format!("{error:?}"))?;
    let touched = frames::pointer::<u64>(PAGE);
    let mut nonce = 0_u64;
    // The frame keeps what was written last.
    // SAFETY: the handler binds the frame, which is the environment's own.
    unsafe { touched.write_volatile(0) };
    let mut wrong = 0_u64;
    report_prepared(
        "ept-fault-bind",
        overhead,
        ITERATIONS,
        || {
            nonce += 1;
            // SAFETY: the frame is bound here, and no longer after.
            unsafe {
                touched.write_volatile(nonce);
                let _ = Machine.unbind_run(0, 0, 0, frame, 1);
            }
            nonce
        },
        // SAFETY: as above.
        |expected| wrong += u64::from(unsafe { touched.read_volatile() } != expected),
    );
    if wrong > 0 { Err(format!("{wrong} touches found something else")) } else { Ok(()) }
}
