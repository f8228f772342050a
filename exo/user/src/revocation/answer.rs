//! What the handler does, whatever the pages and the pool are.

use super::{Asked, Victims};
use crate::call::Failure;
use core::ops::Range;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_abi::boot_page::FrameRun;
use exo_abi::environment_page::{ANY, REPOSSESSIONS, Repossession, Request, kind, phase, reason};

/// What the handler looks at and gives from.
pub(super) trait Holdings {
    fn request(&self) -> Option<Request>;
    fn repossessed(&self) -> u64;
    fn repossession(&self, number: u64) -> Option<Repossession>;
    /// Gives up to `count` free frames of a range back to the kernel.
    fn give(&mut self, range: Range<u64>, count: u64) -> u64;
    fn give_slice(&mut self, cpu: u64, position: u64) -> Result<u64, Failure>;
    /// Notes that a frame was taken.
    fn lose(&mut self, frame: u64);
    fn next_held(&self, from: u64) -> Option<u64>;
    /// Whether a frame is the environment's to use still, by the frame table.
    fn is_usable(&self, frame: u64) -> bool;
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Answered {
    /// Frames and slices that were given.
    pub given: u64,
    /// Entries about losses that were told.
    pub lost: u64,
    /// Whether something is still asked for, and not given.
    pub unanswered: bool,
}

pub(super) fn answer<V: Victims + ?Sized>(holdings: &mut impl Holdings, victims: &mut V, seen: &AtomicU64) -> Answered {
    let lost = tell_losses(holdings, victims, seen);
    let given = give(holdings, victims);
    let unanswered = holdings.request().is_some_and(|request| request.phase == phase::REQUESTED);
    Answered { given, lost, unanswered }
}

fn give<V: Victims + ?Sized>(holdings: &mut impl Holdings, victims: &mut V) -> u64 {
    let mut given = 0;
    let mut asked_for = None;
    // One request can follow another while this runs; each has its turn.
    while let Some(request) = holdings.request().filter(|request| request.phase == phase::REQUESTED) {
        let now = match request.kind {
            kind::SLICE => give_slice(holdings, victims, &request),
            _ => give_frames(holdings, victims, &request, asked_for == Some(request.serial)),
        };
        given += now;
        // Where nothing moves although the application was asked, there is nothing to give.
        if now == 0 && asked_for == Some(request.serial) {
            break;
        }
        asked_for = Some(request.serial);
    }
    given
}

fn give_slice<V: Victims + ?Sized>(holdings: &mut impl Holdings, victims: &mut V, request: &Request) -> u64 {
    let (cpu, position) = (request.first, request.count);
    if victims.gives_slice(cpu, position) { holdings.give_slice(cpu, position).unwrap_or(0) } else { 0 }
}

/// What is free comes first; once that is given, the application is asked.
fn give_frames<V: Victims + ?Sized>(
    holdings: &mut impl Holdings,
    victims: &mut V,
    request: &Request,
    ask: bool,
) -> u64 {
    let named = FrameRun { first: request.first, count: request.count };
    let (range, asked) = if request.first == ANY {
        (0..u64::MAX, Asked::Frames { count: request.left })
    } else {
        (named.first..named.first + named.count, Asked::Run(named))
    };
    if ask {
        victims.release(asked);
    }
    holdings.give(range, request.left)
}

/// Reads the repossession vector from where it was read last, and tells the application.
fn tell_losses<V: Victims + ?Sized>(holdings: &mut impl Holdings, victims: &mut V, seen: &AtomicU64) -> u64 {
    let mut told = 0;
    let mut next = seen.load(Ordering::Relaxed);
    while next != holdings.repossessed() {
        let entry = holdings.repossession(next);
        // The entry is the one meant if the kernel has not come round since; the one that it may be writing now is no entry.
        let behind = holdings.repossessed().wrapping_sub(next);
        match entry.filter(|_| behind < REPOSSESSIONS as u64) {
            Some(entry) => {
                note(holdings, &entry);
                victims.lost(&entry);
                next = next.wrapping_add(1);
                told += 1;
            }
            None => {
                next = holdings.repossessed();
                victims.fell_behind();
                told += tell_missing(holdings, victims);
            }
        }
    }
    seen.store(next, Ordering::Relaxed);
    told
}

/// A frame that is no longer the environment's must not come back under references to it.
fn note(holdings: &mut impl Holdings, entry: &Repossession) {
    if entry.kind != kind::FRAMES {
        return;
    }
    for frame in entry.first..entry.first.saturating_add(entry.count) {
        // With a binding an own frame is not lost, but one that another has lent is.
        if entry.reason == reason::FORCED || !holdings.is_usable(frame) {
            holdings.lose(frame);
        }
    }
}

/// Compares what is held with the frame table.
fn tell_missing<V: Victims + ?Sized>(holdings: &mut impl Holdings, victims: &mut V) -> u64 {
    let (mut from, mut told) = (0, 0);
    while let Some(frame) = holdings.next_held(from) {
        if !holdings.is_usable(frame) {
            let entry = Repossession { kind: kind::FRAMES, reason: reason::FORCED, first: frame, count: 1 };
            note(holdings, &entry);
            victims.lost(&entry);
            told += 1;
        }
        from = frame + 1;
    }
    told
}
