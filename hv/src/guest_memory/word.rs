//! The word of each frame: how many guest spaces map it, or that it is the kernel's, and then whose account it is of and whether a
//! guest sees it.
//!
//! A word changes by compare-and-exchange only, so no CPU ever sees it between two states.

use super::InUse;
use crate::addr::FrameNumber;
use crate::physmap::usize_of;
use crate::pool::Account;
use core::sync::atomic::{AtomicU16, Ordering};
use spin::Once;

/// Below, a word counts the guest spaces that map the frame, and the copies under way. From here on its high byte is one of three states
/// and its low byte an account.
const KERNEL: u16 = 0xfd00;
/// In the kernel's hands alone.
const HELD: u16 = KERNEL;
/// In the kernel's hands, and a guest sees it.
const SHOWN: u16 = 0xfe00;
/// Given up by the kernel, but a guest still sees it: not to be used for anything.
const LINGERING: u16 = 0xff00;
/// Not memory that guests may ever hold: the pool that the kernel began with, firmware, devices. No account has this number.
pub(super) const NEVER: u16 = 0xffff;

/// The words of all frames by number.
static WORDS: Once<&'static [AtomicU16]> = Once::new();

/// Puts the words in their place.
pub(super) fn install(words: &'static [AtomicU16]) {
    WORDS.call_once(|| words);
}

/// The words of these frames; `None` where the machine has not all of them.
fn words(first: FrameNumber, count: u64) -> Option<&'static [AtomicU16]> {
    let end = first.number().checked_add(count)?;
    WORDS.get()?.get(usize_of(first.number())..usize_of(end))
}

fn word(frame: FrameNumber) -> Option<&'static AtomicU16> {
    WORDS.get()?.get(usize_of(frame.number()))
}

fn account(word: u16) -> Account {
    Account::new(word & 0xff).unwrap_or(Account::KERNEL)
}

/// Moves a word on; `None`, and nothing has changed, where `next` says so.
#[inline]
fn change(word: &AtomicU16, next: impl FnMut(u16) -> Option<u16>) -> Option<u16> {
    // AcqRel: what the last user of the frame did comes before what the next one does.
    word.fetch_update(Ordering::AcqRel, Ordering::Acquire, next).ok()
}

/// Whether these are all frames that guests may hold now.
pub(crate) fn are_guests(first: FrameNumber, count: u64) -> bool {
    let Some(words) = words(first, count) else { return false };
    // Joined by OR they are no less than each of them: mostly that is answer enough.
    let joined = words.iter().fold(0, |joined, word| joined | word.load(Ordering::Acquire));
    joined < KERNEL || words.iter().all(|word| word.load(Ordering::Acquire) < KERNEL)
}

/// One more guest space maps these frames, or one more copy is under way. `false`, and nothing has changed, where one of them is not a
/// guest's, or has as many as can be counted.
#[inline]
pub(crate) fn hold(first: FrameNumber, count: u64) -> bool {
    let Some(words) = words(first, count) else { return false };
    // By fours, so that next to nothing is in the loop but the changes.
    let (fours, rest) = words.as_chunks::<4>();
    for four in fours {
        for word in four {
            if !hold_one(word) {
                return let_go_before(words, word);
            }
        }
    }
    for word in rest {
        if !hold_one(word) {
            return let_go_before(words, word);
        }
    }
    true
}

#[inline]
fn hold_one(word: &AtomicU16) -> bool {
    let uses = word.load(Ordering::Acquire);
    // The first attempt mostly succeeds, and then no loop is in the way. The orders are those of `change`.
    let at_once = one_more(uses)
        .is_some_and(|next| word.compare_exchange(uses, next, Ordering::AcqRel, Ordering::Acquire).is_ok());
    at_once || hold_slowly(word)
}

#[cold]
fn hold_slowly(word: &AtomicU16) -> bool {
    change(word, one_more).is_some()
}

/// The word with one use more; `None` where it is not a guest's, or has as many as can be counted.
#[inline]
fn one_more(uses: u16) -> Option<u16> {
    (uses < KERNEL - 1).then(|| uses + 1)
}

/// Undoes what [`hold`] has counted when it refuses one of the words.
#[cold]
fn let_go_before(words: &[AtomicU16], refused: &AtomicU16) -> bool {
    words.iter().take_while(|word| !core::ptr::eq(*word, refused)).for_each(let_go_of);
    false
}

/// One fewer: [`hold`] has counted it, and no CPU has a translation left that it stood for.
#[inline]
pub(crate) fn let_go(first: FrameNumber, count: u64) {
    words(first, count).into_iter().flatten().for_each(let_go_of);
}

#[inline]
fn let_go_of(word: &AtomicU16) {
    // Release: see `change`. A word that `hold` has counted up is a count, and not 0.
    let before = word.fetch_sub(1, Ordering::Release);
    debug_assert!((1..KERNEL).contains(&before), "more let go than held");
}

/// Makes frames the kernel's that nobody holds.
pub(super) fn lend(first: FrameNumber, count: u64, account: Account) -> Result<(), InUse> {
    let words = words(first, count).ok_or(InUse { frame: first })?;
    let kernels = HELD + account.number();
    let used =
        words.iter().zip(0_u64..).find(|(word, _)| change(word, |uses| (uses == 0).then_some(kernels)).is_none());
    let Some((_, offset)) = used else { return Ok(()) };
    words[..usize_of(offset)].iter().for_each(|word| word.store(0, Ordering::Release));
    Err(InUse { frame: first.checked_add(offset).unwrap_or(first) })
}

/// Makes a frame that was lent to the kernel, and that it has not handed out, a guest's again.
pub(crate) fn take_back(frame: FrameNumber) {
    if let Some(word) = word(frame) {
        change(word, |state| (state & 0xff00 == HELD).then_some(0));
    }
}

/// Notes that a guest sees a frame of the kernel's from now on; `false` where one does already. The caller holds the frame.
pub(crate) fn show(frame: FrameNumber) -> bool {
    word(frame).is_some_and(|word| {
        let shown = |state: u16| match state & 0xff00 {
            HELD => Some(SHOWN | state & 0xff),
            _ => (state == NEVER).then_some(SHOWN),
        };
        change(word, shown).is_some()
    })
}

/// Notes that no guest sees these frames of the kernel's any more, and no CPU has a translation left by which one did. Says of each that
/// lingered only for that; it is the kernel's again then. Frames that every guest may see are not noted here.
pub(crate) fn hide(first: FrameNumber, count: u64, mut lingered: impl FnMut(FrameNumber)) {
    for (word, offset) in words(first, count).into_iter().flatten().zip(0_u64..) {
        let hidden = |state: u16| (state != NEVER && state >= SHOWN).then_some(HELD | state & 0xff);
        if change(word, hidden).is_some_and(|before| before >= LINGERING)
            && let Some(frame) = first.checked_add(offset)
        {
            lingered(frame);
        }
    }
}

/// The holder of a frame of the kernel's gives it up. Says the account that it goes back to; `None` while a guest sees it.
pub(crate) fn give_up(frame: FrameNumber) -> Option<Account> {
    // The pool is older than the words.
    let Some(word) = word(frame) else { return Some(Account::KERNEL) };
    let before = change(word, |state| (state & 0xff00 == SHOWN).then_some(LINGERING | state & 0xff));
    before.is_none().then(|| account(word.load(Ordering::Relaxed))) // only the holder changes this state
}
