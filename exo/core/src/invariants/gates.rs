//! Invariants of gates. Links between callers and callees are not among them: another CPU changes its own while this one looks. The tests
//! compare them with a model after every step.

use crate::machine::Machine;
use crate::state::Core;
use core::sync::atomic::Ordering;
use exo_abi::info::{MAX_ENVIRONMENTS, MAX_VCPUS};

pub(super) fn bindings_justified(core: &Core<'_>, _: &dyn Machine) -> bool {
    (0..MAX_ENVIRONMENTS).zip(core.gates.slots).all(|(place, slots)| {
        slots.iter().all(|word| {
            let word = word.load(Ordering::Relaxed); // only this lock's holders write it
            let justified = || {
                let id = core.environments.at(place).filter(|&id| core.environments.is_live(id))?;
                let gate = core.named(word & 0xffff).filter(|&(callee, _)| core.environments.is_live(callee))?;
                Some(core.may_call(id, word.to_le_bytes()[2], gate))
            };
            word == 0 || justified() == Some(true)
        })
    })
}

pub(super) fn ready_may_run(core: &Core<'_>, _: &dyn Machine) -> bool {
    (0..MAX_ENVIRONMENTS * MAX_VCPUS).all(|index| {
        let ready = core.gates.ready[index + 1].load(Ordering::Relaxed) != 0; // as above
        let may_run = || {
            let id = core.environments.at(index / MAX_VCPUS)?;
            let vcpu = index % MAX_VCPUS;
            core.environments.vcpu(id, vcpu)?;
            Some(core.environments.is_running(id) && !core.has_events(id, vcpu) && !core.has_mail((id, vcpu)))
        };
        !ready || may_run() == Some(true)
    })
}
