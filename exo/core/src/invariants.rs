//! What is true after every step, as code: tests run it after each call, a booted kernel on request.

use crate::environment::State;
use crate::frames::{FrameCounts, FrameState};
use crate::slices::SliceVector;
use crate::state::Core;

/// One statement about the state. Its number never changes.
#[derive(Clone, Copy, Debug)]
pub struct Invariant {
    /// n in "In".
    pub number: u32,
    /// The statement.
    pub statement: &'static str,
    holds: fn(&Core<'_>) -> bool,
}

/// All of them.
pub const INVARIANTS: &[Invariant] = &[
    Invariant { number: 1, statement: "the cached counts equal the frames in each state", holds: counts_match },
    Invariant { number: 2, statement: "only running environments own frames", holds: owners_run },
    Invariant {
        number: 3,
        statement: "a quarantined frame names an ended environment whose record is kept",
        holds: quarantine_is_named,
    },
    Invariant { number: 4, statement: "an environment's frame count equals the frames it owns", holds: held_matches },
    Invariant {
        number: 5,
        statement: "a slice is a running environment's on that environment's CPU",
        holds: slices_name_the_living,
    },
    Invariant { number: 6, statement: "a running environment has exactly its slices", holds: slices_are_whole },
    Invariant { number: 7, statement: "at most one running environment has the input", holds: one_has_input },
    Invariant {
        number: 8,
        statement: "an upcall vector is a running environment's, and no exception's",
        holds: upcalls_are_interrupts,
    },
];

/// Checks every invariant.
///
/// # Errors
/// The first that does not hold.
pub fn check(core: &Core<'_>) -> Result<(), &'static Invariant> {
    INVARIANTS.iter().find(|invariant| !(invariant.holds)(core)).map_or(Ok(()), Err)
}

fn counts_match(core: &Core<'_>) -> bool {
    let mut counts = FrameCounts::default();
    core.frames.states().for_each(|state| *counts.of(state) += 1);
    counts == core.frames.counts()
}

fn owners_run(core: &Core<'_>) -> bool {
    core.frames.states().all(|state| match state {
        FrameState::Owned(owner) => core.environments.is_running(owner),
        _ => true,
    })
}

fn quarantine_is_named(core: &Core<'_>) -> bool {
    core.frames.states().all(|state| match state {
        FrameState::Quarantined(owner) => {
            core.environments.get(owner).is_some_and(|environment| matches!(environment.state(), State::Ended(_)))
        }
        _ => true,
    })
}

fn held_matches(core: &Core<'_>) -> bool {
    let frames = |id| core.frames.runs(id).map(|run| run.count).sum::<u64>();
    core.environments.iter().all(|(id, environment)| environment.frames_held() == frames(id))
}

fn slices_name_the_living(core: &Core<'_>) -> bool {
    let on = |cpu: u32, vector: &SliceVector| {
        vector.owners().iter().flatten().all(|&owner| {
            core.environments.get(owner).is_some_and(|environment| environment.is_running() && environment.cpu() == cpu)
        })
    };
    (0..).zip(&core.slices).all(|(cpu, vector)| on(cpu, vector))
}

fn slices_are_whole(core: &Core<'_>) -> bool {
    core.environments.iter().filter(|(_, environment)| environment.is_running()).all(|(id, environment)| {
        let held: usize = core.slices.iter().map(|vector| vector.held(id)).sum();
        u32::try_from(held) == Ok(environment.slices())
    })
}

fn one_has_input(core: &Core<'_>) -> bool {
    let with_input =
        |environment: &crate::environment::Environment| environment.is_running() && environment.has_input();
    core.environments.iter().filter(|(_, environment)| with_input(environment)).count() <= 1
}

fn upcalls_are_interrupts(core: &Core<'_>) -> bool {
    core.environments.iter().all(|(_, environment)| {
        let vector = environment.upcall_vector();
        vector == 0 || (vector >= 32 && environment.is_running())
    })
}
