//! Calls on bindings: one exit each, for a frame as for a hundred.

use crate::{COUNT, Item};
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::capability::rights;
use exo_user::call::{Failure, Kernel, Machine};
use exo_user::info;

pub const ITEMS: &[Item] = &[
    Item { what: "bind-and-unbind-1", expected: 2 * COUNT, work: || pairs(|| bind_and_unbind(1)) },
    Item { what: "bind-and-unbind-100", expected: 2 * COUNT, work: || pairs(|| bind_and_unbind(FRAMES)) },
    Item { what: "reduce-and-restore-rights-1", expected: 2 * COUNT, work: || pairs(|| reduce_and_restore(1)) },
];

const FRAMES: u64 = 100;
/// The slot of the environment's own capability.
const OWN: u8 = 0;
const READ_WRITE: u64 = rights::READ | rights::WRITE;

/// The first of the frames.
static FIRST: AtomicU64 = AtomicU64::new(0);

/// Takes frames, and binds the one behind those that are measured, so that what changes is bindings and not tables.
pub fn prepare() -> Result<(), &'static str> {
    let run = info::free_runs(0).find(|run| run.count > FRAMES).ok_or("no free frames in a row")?;
    FIRST.store(run.first, Ordering::Relaxed);
    Machine.allocate_run(OWN, run.first, FRAMES + 1).map_err(|_| "the free frames cannot be had")?;
    // SAFETY: nothing refers to these frames, which were nobody's a moment ago.
    unsafe { Machine.bind_run(0, 0, OWN.into(), READ_WRITE, run.first + FRAMES, 1) }
        .map_err(|_| "a frame cannot be bound")?;
    Ok(())
}

/// How often both calls of a pair were answered well.
fn pairs(mut pair: impl FnMut() -> Result<(), Failure>) -> u64 {
    (0..COUNT).map(|_| u64::from(pair().is_ok())).sum()
}

fn bind_and_unbind(count: u64) -> Result<(), Failure> {
    let first = FIRST.load(Ordering::Relaxed);
    // SAFETY: nothing refers to these frames.
    unsafe {
        Machine.bind_run(0, 0, OWN.into(), READ_WRITE, first, count)?;
        Machine.unbind_run(0, 0, 0, first, count)?;
    }
    Ok(())
}

/// Of the frame that stays bound.
fn reduce_and_restore(count: u64) -> Result<(), Failure> {
    let bound = FIRST.load(Ordering::Relaxed) + FRAMES;
    // SAFETY: nothing refers to this frame.
    unsafe {
        Machine.change_rights_run(0, 0, OWN.into(), rights::READ, bound, count)?;
        Machine.change_rights_run(0, 0, OWN.into(), READ_WRITE, bound, count)?;
    }
    Ok(())
}
