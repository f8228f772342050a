//! What is true after every call, as code: tests run it after each step, a booted kernel on request.

mod bindings;
mod gates;
mod ownership;
mod time;

use crate::machine::Machine;
use crate::state::Core;

/// One statement about the state. Its number never changes.
#[derive(Clone, Copy, Debug)]
pub struct Invariant {
    /// n in "In".
    pub number: u32,
    /// The statement.
    pub statement: &'static str,
    pub(crate) holds: fn(&Core<'_>, &dyn Machine) -> bool,
}

macro_rules! invariants {
    ($($number:literal $statement:literal $holds:path;)*) => {
        /// All of them.
        pub const INVARIANTS: &[Invariant] =
            &[$(Invariant { number: $number, statement: $statement, holds: $holds }),*];
    };
}

invariants! {
    1 "an owned or promised frame names a live environment" ownership::owners_live;
    2 "an environment's count of frames equals the frames that it owns" ownership::frames_counted;
    3 "an environment's count of promised frames equals the frames promised to it" ownership::promises_counted;
    4 "an environment's metadata reserve equals the kernel frames that name it" ownership::reserve_counted;
    5 "a frame is bound only under a slot whose capability dominates its guard and has the rights of the binding" bindings::justified;
    6 "the binders of a frame are exactly the environments whose EPT has an entry for it" bindings::reverse_map;
    7 "only owned frames are bound: free, promised and kernel frames are bound to nobody" bindings::only_owned;
    8 "the guarantees add up to what is given out, with the reserves of the living never to more than there is" ownership::guarantees_covered;
    9 "a guaranteed set is counted right and no larger than its environment's guarantee" ownership::guaranteed_sets;
    10 "a slice is a live environment's virtual CPU on that CPU, and each environment has as many as it counts" time::slices_owned;
    11 "an environment that does not live holds no capabilities, slices, claims or input" ownership::dead_hold_nothing;
    12 "a claim is known to both sides, and asks for no more than the victim can lose" ownership::claims_agree;
    13 "at most one live environment has the input" ownership::one_input;
    14 "an environment's count of virtual CPUs equals those that it has" time::vcpus_counted;
    15 "a live environment's parent lives, or is the kernel" ownership::parents_live;
    16 "no frame is quarantined between calls" ownership::nothing_quarantined;
    17 "the generation of a place is at least that of everybody who names it" ownership::generations_pass;
    18 "a gate slot holds a living gate that the capability it is under allows to call" gates::bindings_justified;
    19 "a virtual CPU that is gone on with without asking is of a running environment, and nothing waits for it" gates::ready_may_run;
}

/// Checks every invariant.
///
/// # Errors
/// The first that does not hold.
pub fn check(core: &Core<'_>, machine: &dyn Machine) -> Result<(), &'static Invariant> {
    INVARIANTS.iter().find(|invariant| !(invariant.holds)(core, machine)).map_or(Ok(()), Err)
}
