//! Which of the free frames to take. The kernel never chooses; this is the library's way, and a library OS may have its own.

use exo_abi::boot_page::FrameRun;

/// What is wanted of the free frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wanted {
    /// How many frames.
    pub count: u64,
    /// What the first frame of a piece is a multiple of, where it is in one piece.
    pub alignment: u64,
    /// Whether it is to be one piece.
    pub contiguous: bool,
    /// Whether fewer will do, where it need not be one piece.
    pub fewer: bool,
}

impl Wanted {
    /// So many frames, in as few pieces as is easily had.
    #[must_use]
    pub const fn any(count: u64) -> Self {
        Self { count, alignment: 1, contiguous: false, fewer: false }
    }

    /// So many frames, or what there is of them.
    #[must_use]
    pub const fn up_to(count: u64) -> Self {
        Self { fewer: true, ..Self::any(count) }
    }

    /// So many frames in one piece.
    #[must_use]
    pub const fn contiguous(count: u64) -> Self {
        Self { count, alignment: 1, contiguous: true, fewer: false }
    }

    /// The frames of one large page.
    #[must_use]
    pub const fn large_page() -> Self {
        Self { count: 512, alignment: 512, contiguous: true, fewer: false }
    }
}

/// Fills `chosen` with runs in ascending order; how many. `None` where the free runs do not have what is wanted, or only in more pieces
/// than there is room for.
pub(super) fn choose<I: Iterator<Item = FrameRun>>(
    free: impl Fn() -> I,
    wanted: Wanted,
    chosen: &mut [FrameRun],
) -> Option<usize> {
    let place = chosen.first_mut()?;
    // Looking at every frame takes long: what there is in all, and in one piece, is learnt in the same pass.
    let (mut total, mut largest) = (0, 0);
    // The lowest piece that is large enough.
    let piece = free().find_map(|run| {
        (total, largest) = (total + run.count, run.count.max(largest));
        let first = run.first.next_multiple_of(wanted.alignment.max(1));
        let end = first.checked_add(wanted.count)?;
        (end <= run.first + run.count).then_some(FrameRun { first, count: wanted.count })
    });
    if let Some(piece) = piece {
        *place = piece;
        return Some(1);
    }
    if wanted.contiguous || total == 0 || (total < wanted.count && !wanted.fewer) {
        return None;
    }
    // Large pieces only, then smaller ones too, until they suffice.
    let wanted_count = wanted.count.min(total);
    let mut least = if total <= wanted.count { 1 } else { 1 << largest.ilog2() };
    while least != 0 {
        let (mut left, mut runs) = (wanted_count, 0);
        for run in free().filter(|run| run.count >= least) {
            let Some(place) = chosen.get_mut(runs).filter(|_| left != 0) else { break };
            *place = FrameRun { first: run.first, count: run.count.min(left) };
            left -= place.count;
            runs += 1;
        }
        // The frames may be fewer by now than they were.
        if left == 0 || (wanted.fewer && runs != 0 && least == 1) {
            return Some(runs);
        }
        least /= 2;
    }
    None
}
