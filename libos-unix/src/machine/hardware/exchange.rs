//! Frames from the kernel, and back to it.

use super::frames::{give_back_free, set_total_frames, total_frames};
use crate::clock::monotonic;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::{BootPage, FrameRun};
use exo_user::frames::{self, Wanted};
use exo_user::info;
use exo_user::revocation::{self, Asked, Victims, phase};

/// Has the kernel never take by force what the environment began with, as far as its guarantee goes: image, heap, tables of pages, and
/// what the pool of frames itself needs. An eighth of the guarantee stays for metadata.
pub fn keep_guaranteed(boot: &BootPage) {
    let guarantee = info::environment(info::own_id()).map_or(0, |record| record.guarantee);
    let mut left = guarantee - guarantee / 8;
    for &FrameRun { first, count } in boot.runs() {
        let run = FrameRun { first, count: count.min(left) };
        // Without it the environment is only worse off.
        if run.count == 0 || frames::set_guaranteed(run, true).is_err() {
            break;
        }
        left -= run.count;
    }
}

/// To be called every now and then by what takes long: the kernel waits only so long for what it asks for.
pub(crate) fn breathe() {
    if info::request().is_some_and(|request| request.phase == phase::REQUESTED) {
        answer(&mut OnlyFree);
    }
}

/// Gives the kernel what it asks for, as `victims` decide.
pub fn answer(victims: &mut impl Victims) {
    let given = revocation::poll(victims).given;
    set_total_frames(total_frames().saturating_sub(given));
}

/// Gives nothing but what is free.
struct OnlyFree;

impl Victims for OnlyFree {
    fn release(&mut self, _asked: Asked) {
        give_back_free();
    }
}

/// Takes more frames from the kernel, many at a time; how many.
pub fn grow() -> u64 {
    const FRAMES: u64 = 1024;
    // Looking for frames takes long where there are none: not at every page that is wanted.
    const REST: u64 = 1_000_000; // nanoseconds
    static RESTS_UNTIL: AtomicU64 = AtomicU64::new(0);
    if RESTS_UNTIL.load(Ordering::Relaxed) > monotonic() {
        return 0;
    }
    let grown = frames::grow(Wanted::up_to(FRAMES)).unwrap_or_else(|(grown, _)| grown);
    if grown == 0 {
        RESTS_UNTIL.store(monotonic() + REST, Ordering::Relaxed);
    }
    set_total_frames(total_frames() + grown);
    grown
}
