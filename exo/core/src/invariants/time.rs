//! Invariants of slices and virtual CPUs.

use crate::machine::Machine;
use crate::slices::slice_owner;
use crate::state::Core;
use exo_abi::info::{SliceRecord, slice_state};

pub(super) fn slices_owned(core: &Core<'_>, _: &dyn Machine) -> bool {
    let owned = |cpu: u32, record: &SliceRecord| match (record.state, slice_owner(record)) {
        (slice_state::FREE, None) => true,
        (slice_state::PROMISED, Some(id)) => core.environments.is_live(id),
        (slice_state::OWNED, Some(id)) => {
            let there = core.environments.vcpu(id, record.vcpu.into()).is_some_and(|vcpu| vcpu.cpu == cpu);
            core.environments.is_live(id) && there
        }
        _ => false,
    };
    let vectors = core.slices.vectors();
    let all = (0..).zip(vectors).all(|(cpu, vector)| vector.slices.iter().all(|record| owned(cpu, record)));
    all && core.environments.iter().all(|(id, record)| {
        let slices = vectors.iter().flat_map(|vector| &vector.slices);
        let held = slices.filter(|slice| slice.state == slice_state::OWNED && slice_owner(slice) == Some(id)).count();
        u32::try_from(held) == Ok(record.slices)
    })
}

pub(super) fn vcpus_counted(core: &Core<'_>, _: &dyn Machine) -> bool {
    core.environments.iter().all(|(id, record)| {
        let vcpus = core.environments.private(id).map_or(0, |private| private.vcpus.iter().flatten().count());
        u32::try_from(vcpus) == Ok(record.vcpus)
    })
}
