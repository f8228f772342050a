//! Invariants of what is bound where: the EPTs against the records.

use crate::bindings::bit;
use crate::environment::EnvironmentId;
use crate::machine::{Binding, Machine};
use crate::state::Core;
use exo_abi::boot_page::FrameRun;
use exo_abi::info::{FrameRecord, MAX_ENVIRONMENTS, environment_state, frame_state};

/// Whether `all` is true of every binding of every environment.
fn every(
    core: &Core<'_>,
    machine: &dyn Machine,
    mut all: impl FnMut(EnvironmentId, &FrameRecord, Binding) -> bool,
) -> bool {
    (0..MAX_ENVIRONMENTS).filter_map(|place| core.environments.at(place)).all(|id| {
        let mut from = 0;
        while let Some((run, binding)) = machine.next_binding(id.place(), from) {
            from = run.first + run.count;
            if !frames(run).all(|frame| core.frames.get(frame).is_some_and(|record| all(id, record, binding))) {
                return false;
            }
        }
        true
    })
}

fn frames(run: FrameRun) -> core::ops::Range<u64> {
    run.first..run.first + run.count
}

pub(super) fn justified(core: &Core<'_>, machine: &dyn Machine) -> bool {
    every(core, machine, |id, record, binding| {
        // A dying environment has no capabilities any more, runs no more, and loses its bindings with its last virtual CPU.
        let dying = core.environments.get(id).is_some_and(|record| record.state == environment_state::DYING);
        let slots = core.environments.private(id).map(|private| &private.slots);
        let capability = slots.and_then(|slots| slots.get(binding.slot.into()));
        dying || capability.is_some_and(|capability| capability.allows(&record.guard, binding.rights))
    })
}

pub(super) fn reverse_map(core: &Core<'_>, machine: &dyn Machine) -> bool {
    let mut entries = 0_u64;
    let known = every(core, machine, |id, record, _| {
        entries += 1;
        record.binders & bit(id.place()) != 0
    });
    let binders: u64 = core.frames.iter().map(|(_, record)| u64::from(record.binders.count_ones())).sum();
    known && entries == binders
}

pub(super) fn only_owned(core: &Core<'_>, _: &dyn Machine) -> bool {
    core.frames.iter().all(|(_, record)| record.binders == 0 || record.state == frame_state::OWNED)
}
