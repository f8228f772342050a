//! Frames for the library OS's own heap that programs cannot have: with them it goes on while it ends one that has too much.

use super::{Single, frames, unix};
use core::sync::atomic::{AtomicBool, Ordering};
use exo_user::frames as pool;
use pool::Block;

/// Frames that are kept and given up together: what the heap asks for in one piece is rarely more.
const PIECE: u64 = 64;
/// Of all frames, one in so many is kept.
const SHARE: u64 = 16;
/// Pieces at most: 4 MiB.
const PIECES: usize = 16;

static KEPT: Single<[Option<Block>; PIECES]> = Single::new([const { None }; PIECES]);
/// Some of it was given up.
static TOUCHED: AtomicBool = AtomicBool::new(false);

/// Keeps frames from now on.
pub(super) fn keep() {
    refill_reserve();
    pool::set_source(give_up);
}

/// Keeps as much as is to be kept, as far as the pool has it; whether that is all.
pub(crate) fn refill_reserve() -> bool {
    let wanted = (frames::total_frames() / SHARE / PIECE) as usize;
    KEPT.with(|kept| {
        for place in kept.iter_mut().take(wanted).filter(|place| place.is_none()) {
            // What the pool has it gives without asking `give_up`, which comes here.
            if pool::available() < 2 * PIECE {
                break;
            }
            *place = pool::allocate_block_here(PIECE, 1);
        }
        kept.iter().take(wanted).all(Option::is_some)
    })
}

/// The heap wants `count` frames in one piece, which the pool has not.
fn give_up(count: u64) {
    if count > PIECE {
        return;
    }
    drop(KEPT.with(|kept| kept.iter_mut().rev().find_map(Option::take)));
    TOUCHED.store(true, Ordering::Relaxed);
    unix().attend();
}

/// Whether the reserve was touched since somebody asked, and what is free by now does not make up for it.
pub(crate) fn take_emergency() -> bool {
    if !TOUCHED.load(Ordering::Relaxed) {
        return false;
    }
    TOUCHED.store(false, Ordering::Relaxed);
    frames::give_back_free();
    !refill_reserve()
}
