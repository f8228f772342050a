//! Frames of the pool from the kernel and back to it.

use super::pool::State;
use super::{FramesError, POOL, Wanted, choice, extend_window, list, supply, window};
use crate::call::{Failure, Kernel, Machine};
use crate::capability::{Capability, rights};
use crate::info;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_abi::boot_page::FrameRun;
use exo_abi::info::frame_state;

/// Whether a frame was lost and is in use still: it is not to be taken again.
fn is_lost(number: u64) -> bool {
    POOL.lock().state(number) == State::Lost
}

/// A frame's state as the choice sees it.
fn state_for_choice(number: u64) -> Option<u8> {
    let state = info::state_of_frame(number)?;
    Some(if state == frame_state::FREE && is_lost(number) { frame_state::OWNED } else { state })
}

/// A frame's state as if only what is promised to this environment were free.
fn promised_as_free(number: u64) -> Option<u8> {
    let record = info::frame(number)?;
    let own = info::own_id();
    let promised = record.state == frame_state::PROMISED
        && u32::from(record.owner_index) == own.index
        && record.owner_generation == own.generation
        && !is_lost(number);
    Some(if promised { frame_state::FREE } else { frame_state::OWNED })
}

/// Where free frames were found last: below it there is little left to look at.
static HINT: AtomicU64 = AtomicU64::new(0);

/// Chooses among the frames that the kernel shows as free, first from where there were some last.
pub(super) fn choose(wanted: Wanted, runs: &mut [FrameRun]) -> Option<usize> {
    let state = if POOL.lock().lost() == 0 { info::state_of_frame } else { state_for_choice };
    let mut from = |first| choice::choose(|| info::free_runs_of(first, state), wanted, runs);
    let chosen = from(HINT.load(Ordering::Relaxed)).or_else(|| from(0))?;
    HINT.store(runs.first().map_or(0, |run| run.first), Ordering::Relaxed);
    Some(chosen)
}

/// Takes free frames from the kernel into the pool, with two calls for each 512. How many it has more: also where it fails, what came
/// before is in the pool.
///
/// # Errors
/// [`FramesError`], with as many as came.
pub fn grow(wanted: Wanted) -> Result<u64, (u64, FramesError)> {
    grow_by(wanted, choose)
}

/// Takes the frames that are promised to the environment, for it has claimed them, into the pool; how many it has more.
///
/// # Errors
/// As for [`grow`].
pub fn take_promised() -> Result<u64, (u64, FramesError)> {
    let promised = info::environment(info::own_id()).map_or(0, |record| record.promised);
    grow_by(Wanted::any(promised), |wanted, runs| {
        choice::choose(|| info::free_runs_of(0, promised_as_free), wanted, runs)
    })
}

fn grow_by(
    wanted: Wanted,
    choose: impl Fn(Wanted, &mut [FrameRun]) -> Option<usize>,
) -> Result<u64, (u64, FramesError)> {
    let mut grown = 0;
    supply::each_batch(wanted, |part| {
        let own = Capability::own().slot();
        let batch =
            list::with(|list| supply::acquire(&mut Machine, list, own, own, rights_of_own_memory(), part, &choose))?;
        for &run in batch.runs() {
            if is_known(run) {
                give_to_kernel(run);
                continue;
            }
            if let Err(error) = extend_window(run) {
                give_to_kernel(run);
                return Err(FramesError::Window(error));
            }
            let kept = POOL.lock().insert(run);
            grown += kept;
            if kept < run.count {
                give_to_kernel(FrameRun { first: run.first + kept, count: run.count - kept });
                return Err(FramesError::Beyond);
            }
        }
        window::keep_tables();
        Ok(batch.frames())
    })
    .map(|()| grown)
    .or_else(|error| if wanted.fewer && grown != 0 { Ok(grown) } else { Err((grown, error)) })
}

pub(super) const fn rights_of_own_memory() -> u64 {
    rights::READ | rights::WRITE | rights::EXECUTE
}

/// Whether the pool believes to have one of these frames, which the kernel has just given: then it was lost before, unnoticed.
pub(super) fn is_known(run: FrameRun) -> bool {
    let mut pool = POOL.lock();
    let frames = run.first..run.first + run.count;
    let known = frames.clone().any(|frame| pool.state(frame) != State::Unknown);
    if known {
        frames.for_each(|frame| pool.lose(frame));
    }
    known
}

pub(super) fn give_to_kernel(run: FrameRun) {
    let own = Capability::own().slot();
    // SAFETY: nobody has learnt of these frames.
    unsafe { supply::release_run(&mut Machine, own, run, true) };
}

/// Whether this environment owns a frame, rather than having it lent by another, as a child its first.
#[must_use]
pub fn is_own(frame: u64) -> bool {
    let own = info::own_id();
    info::frame(frame)
        .is_some_and(|record| u32::from(record.owner_index) == own.index && record.owner_generation == own.generation)
}

/// Whether a frame is still the environment's to use: its own, or another's and bound.
pub(crate) fn is_usable(frame: u64) -> bool {
    let bound = |binders: u64| binders >> (info::own_id().index % 64) & 1 != 0;
    info::frame(frame)
        .is_none_or(|record| record.state == frame_state::OWNED && (is_own(frame) || bound(record.binders)))
}

/// Puts frames into the set that nobody but a dominator can claim, or takes them out; how many are in it. It is never larger than the
/// guarantee. What a library OS cannot do without belongs there: its image, its stacks, its page tables, its heap.
///
/// # Errors
/// As the table says.
pub fn set_guaranteed(run: FrameRun, on: bool) -> Result<u64, Failure> {
    Machine.set_guaranteed(run.first, run.count, on.into())
}

/// Gives up to `count` free frames of the pool within a range of frame numbers back to the kernel, with two calls for each 256
/// runs; how many. Frames that others have lent stay.
pub fn shrink(range: core::ops::Range<u64>, count: u64) -> u64 {
    let own = Capability::own().slot();
    let withdraw = |from, most| POOL.lock().withdraw(from..range.end, most, is_own);
    // SAFETY: what the pool lets go nobody uses.
    list::with(|list| unsafe { supply::give(&mut Machine, list, own, range.start, count, withdraw) })
}
