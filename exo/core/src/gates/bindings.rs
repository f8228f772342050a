//! Gate slots: which gates an environment has bound, and why it may call them.

use super::{VcpuName, number};
use crate::environment::EnvironmentId;
use crate::machine::Machine;
use crate::state::Core;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_abi::capability::{GATE_SLOTS, rights};
use exo_abi::info::MAX_ENVIRONMENTS;

impl Core<'_> {
    /// The gate that an environment has bound in a slot.
    pub(crate) fn gate_in(&self, id: EnvironmentId, slot: u64) -> Option<VcpuName> {
        let word = self.gate_slot(id, slot)?.load(Ordering::Acquire);
        self.named(word & 0xffff)
    }

    fn gate_slot(&self, id: EnvironmentId, slot: u64) -> Option<&AtomicU64> {
        self.gates.slots.get(id.place())?.get(usize::try_from(slot).ok()?)
    }

    pub(crate) fn set_gate(&self, id: EnvironmentId, slot: u64, gate: VcpuName, credential: u8) {
        if let Some(word) = self.gate_slot(id, slot) {
            // Release: the gate's words are in order before it can be called.
            word.store(number(gate) | u64::from(credential) << 16, Ordering::Release);
        }
    }

    pub(crate) fn clear_gate(&self, id: EnvironmentId, slot: u64) {
        if let Some(word) = self.gate_slot(id, slot) {
            word.store(0, Ordering::Relaxed); // whoever must not use it any more is made to leave its guest afterwards
        }
    }

    /// Empties the gate slots of an environment that `keep` does not keep; says how many. None of them is called through when this returns.
    fn retain_gates(
        &self,
        machine: &mut dyn Machine,
        id: EnvironmentId,
        keep: impl Fn(&Self, VcpuName, u8) -> bool,
    ) -> u64 {
        let mut ended = 0;
        for slot in 0..GATE_SLOTS as u64 {
            let Some(word) = self.gate_slot(id, slot).map(|word| word.load(Ordering::Acquire)) else { continue };
            let credential = word.to_le_bytes()[2];
            if word != 0 && !self.named(word & 0xffff).is_some_and(|gate| keep(self, gate, credential)) {
                self.clear_gate(id, slot);
                ended += 1;
            }
        }
        if ended != 0 {
            machine.expel(id.place());
        }
        ended
    }

    /// Whether a capability of an environment's allows it to call a gate.
    pub(crate) fn may_call(&self, id: EnvironmentId, credential: u8, (callee, vcpu): VcpuName) -> bool {
        let capability = self.environments.private(id).and_then(|private| private.slots.get(credential.into()));
        let guard = self.environments.vcpu(callee, vcpu).and_then(|vcpu| vcpu.gate);
        capability.zip(guard).is_some_and(|(capability, guard)| capability.allows(&guard, rights::CALL))
    }

    /// Ends an environment's bindings of gates that its capabilities no longer justify.
    pub(crate) fn end_unjustified_gates(&self, machine: &mut dyn Machine, id: EnvironmentId) -> u64 {
        self.retain_gates(machine, id, |core, gate, credential| core.may_call(id, credential, gate))
    }

    /// Ends everybody's bindings of the gates that `gone` names.
    pub(crate) fn end_bindings_of_gates(&self, machine: &mut dyn Machine, gone: impl Fn(VcpuName) -> bool) -> u64 {
        let places = (0..MAX_ENVIRONMENTS).filter_map(|place| self.environments.at(place));
        places.map(|id| self.retain_gates(machine, id, |_, gate, _| !gone(gate))).sum()
    }
}
