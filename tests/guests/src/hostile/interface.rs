//! Misuse of the exokernel's interface: names, capabilities, lists, environments, time and claims. Each violation has its pinned
//! error, or is the guest's own end; a witness beside keeps what it has.

mod bombs;
mod capabilities;
mod claims;
mod environments;
mod frames_of_others;
mod gate_ends;
mod gate_races;
mod gate_state;
mod gate_storm;
mod gates;
mod lists;
mod own_frames;
mod refused;
mod shown;
mod storms;
mod time;
mod waiting;

use super::{Case, EXITS, Outcome, VIOLATION, Verdict};

pub(super) fn cases() -> impl Iterator<Item = &'static Case> {
    [
        frames_of_others::CASES,
        own_frames::CASES,
        lists::CASES,
        capabilities::CASES,
        environments::CASES,
        time::CASES,
        waiting::CASES,
        shown::CASES,
        claims::CASES,
        gates::CASES,
        gate_ends::CASES,
        gate_races::CASES,
        gate_state::CASES,
        bombs::CASES,
        refused::CASES,
        storms::CASES,
        gate_storm::CASES,
    ]
    .into_iter()
    .flatten()
}
