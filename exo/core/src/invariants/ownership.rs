//! Invariants of who owns what.

use crate::capability::Slot;
use crate::claims::Wanted;
use crate::environment::{EnvironmentId, is_live};
use crate::frames::owner;
use crate::machine::Machine;
use crate::slices::slice_owner;
use crate::state::Core;
use exo_abi::info::{EnvironmentRecord, FrameRecord, MAX_ENVIRONMENTS, environment_state, frame_flags, frame_state};

/// Whether each environment counts right those frames that are its and as wanted. The table is gone through once, whoever there is.
fn counts_agree(
    core: &Core<'_>,
    wanted: impl Fn(&FrameRecord) -> bool,
    counted: impl Fn(EnvironmentId, &EnvironmentRecord) -> Option<u64>,
) -> bool {
    let mut counts = [0_u64; MAX_ENVIRONMENTS];
    for (_, record) in core.frames.iter().filter(|(_, record)| wanted(record)) {
        let its = owner(record).filter(|&id| core.environments.get(id).is_some());
        if let Some(count) = its.and_then(|id| counts.get_mut(id.place())) {
            *count += 1;
        }
    }
    let mut environments = core.environments.iter();
    environments.all(|(id, record)| counted(id, record).is_none_or(|number| counts.get(id.place()) == Some(&number)))
}

pub(super) fn owners_live(core: &Core<'_>, _: &dyn Machine) -> bool {
    core.frames.iter().all(|(_, record)| match record.state {
        // What a dying environment owns is freed with its last virtual CPU.
        frame_state::OWNED | frame_state::PROMISED => owner(record).is_some_and(|id| {
            core.environments.get(id).is_some_and(|record| is_live(record) || record.state == environment_state::DYING)
        }),
        _ => true,
    })
}

pub(super) fn frames_counted(core: &Core<'_>, _: &dyn Machine) -> bool {
    counts_agree(core, |frame| frame.state == frame_state::OWNED, |_, record| Some(record.frames))
}

pub(super) fn promises_counted(core: &Core<'_>, _: &dyn Machine) -> bool {
    counts_agree(core, |frame| frame.state == frame_state::PROMISED, |_, record| Some(record.promised))
}

pub(super) fn reserve_counted(core: &Core<'_>, _: &dyn Machine) -> bool {
    counts_agree(core, |frame| frame.state == frame_state::KERNEL, |_, record| Some(record.reserve))
}

pub(super) fn guarantees_covered(core: &Core<'_>, _: &dyn Machine) -> bool {
    let given: u64 = core.environments.iter().map(|(_, record)| record.guarantee).sum();
    // The reserve of the dying is free soon, and whoever paid for it has its guarantee back.
    let reserves: u64 =
        core.environments.iter().filter(|(_, record)| is_live(record)).map(|(_, record)| record.reserve).sum();
    given == core.system.frames_guaranteed && given + reserves <= core.system.frames_guaranteeable
}

pub(super) fn guaranteed_sets(core: &Core<'_>, _: &dyn Machine) -> bool {
    let in_set = |frame: &FrameRecord| frame.flags & frame_flags::GUARANTEED != 0 && frame.state == frame_state::OWNED;
    // The set of a dying environment is of no use to anybody.
    let set = |id: EnvironmentId, record: &EnvironmentRecord| is_live(record).then(|| core.guaranteed_set(id));
    let small = |(id, record)| set(id, record).is_none_or(|set| set <= record.guarantee);
    counts_agree(core, in_set, set) && core.environments.iter().all(small)
}

pub(super) fn dead_hold_nothing(core: &Core<'_>, _: &dyn Machine) -> bool {
    core.environments.iter().filter(|(_, record)| !is_live(record)).all(|(id, _)| {
        let nothing = core.environments.private(id).is_none_or(|private| {
            let empty = private.slots.iter().all(|(_, slot)| slot == Slot::Empty);
            empty && private.request.is_none() && private.claims_from.is_none() && !private.input
        });
        let mut slices = core.slices.vectors().iter().flat_map(|vector| &vector.slices);
        nothing && slices.all(|record| slice_owner(record) != Some(id))
    })
}

pub(super) fn claims_agree(core: &Core<'_>, _: &dyn Machine) -> bool {
    let mut claims = 0;
    let agree = core.environments.iter().all(|(id, record)| {
        let Some(private) = core.environments.private(id) else { return true };
        let from = private.claims_from.is_none_or(|victim| {
            core.environments
                .private(victim)
                .and_then(|private| private.request)
                .is_some_and(|claim| claim.claimant == id)
        });
        let Some(claim) = private.request else { return from };
        claims += 1;
        let known = core.environments.private(claim.claimant).is_some_and(|private| private.claims_from == Some(id));
        let possible = match claim.wanted {
            Wanted::Slice { .. } => claim.left == 1,
            // A victim may free other frames than those that are asked for; then less can be taken.
            _ => claim.left != 0 && record.state != environment_state::EMPTY,
        };
        from && known && possible
    });
    agree && claims == core.claims
}

pub(super) fn one_input(core: &Core<'_>, _: &dyn Machine) -> bool {
    let has_input = |record: &EnvironmentRecord, input: bool| is_live(record) && input;
    let with_input = core
        .environments
        .iter()
        .filter(|(id, record)| core.environments.private(*id).is_some_and(|private| has_input(record, private.input)));
    with_input.count() <= 1
}

pub(super) fn parents_live(core: &Core<'_>, _: &dyn Machine) -> bool {
    core.environments.iter().filter(|(_, record)| is_live(record)).all(|(_, record)| {
        let parent = EnvironmentId { index: record.parent_index, generation: record.parent_generation };
        parent.generation == 0 || core.environments.is_live(parent)
    })
}

pub(super) fn nothing_quarantined(core: &Core<'_>, _: &dyn Machine) -> bool {
    core.frames.iter().all(|(_, record)| record.state != frame_state::QUARANTINED)
}

pub(super) fn generations_pass(core: &Core<'_>, _: &dyn Machine) -> bool {
    let passed = |id: EnvironmentId| {
        core.environments.record_at(id.place()).is_some_and(|record| record.generation >= id.generation)
    };
    let frames = core.frames.iter().filter_map(|(_, record)| owner(record)).all(passed);
    let slots = core.environments.iter().filter_map(|(id, _)| core.environments.private(id)).all(|private| {
        private.slots.iter().all(|(_, slot)| if let Slot::Open(from) = slot { passed(from) } else { true })
    });
    frames && slots
}
