//! Raising events. The bits wait in an atomic word until the virtual CPU's own CPU puts them into its event page.

use crate::environment::{EnvironmentId, Waiting};
use crate::machine::Machine;
use crate::state::Core;
use core::sync::atomic::Ordering;
use exo_abi::events;

impl Core<'_> {
    /// Raises events of a virtual CPU, which no longer waits.
    pub(crate) fn raise(&mut self, machine: &mut dyn Machine, id: EnvironmentId, vcpu: usize, events: u64) {
        let Some(state) = self.environments.vcpu_mut(id, vcpu) else { return };
        state.waiting = Waiting::No;
        let cpu = state.cpu;
        if let Some(word) = self.event_word(id, vcpu) {
            // Release: what the events are about comes before them.
            word.fetch_or(events, Ordering::Release);
        }
        self.publish_unready((id, vcpu));
        machine.kick(cpu, id.place());
    }

    /// Input has come that [`Machine::console_read`] will give: whoever has the input is told, once until it has read all of it.
    pub fn input_came(&mut self, machine: &mut dyn Machine) {
        let has_input = |id: &EnvironmentId| {
            self.environments.is_live(*id) && self.environments.private(*id).is_some_and(|private| private.input)
        };
        let Some(id) = self.environments.iter().map(|(id, _)| id).find(has_input) else { return };
        if let Some(private) = self.environments.private_mut(id)
            && !core::mem::replace(&mut private.told_of_input, true)
        {
            self.raise_environment(machine, id, events::INPUT);
        }
    }

    /// Raises events of an environment: its lowest virtual CPU takes them.
    pub(crate) fn raise_environment(&mut self, machine: &mut dyn Machine, id: EnvironmentId, events: u64) {
        let vcpus = self.environments.private(id).map(|private| &private.vcpus);
        if let Some(vcpu) = vcpus.and_then(|vcpus| vcpus.iter().position(Option::is_some)) {
            self.raise(machine, id, vcpu, events);
        }
    }
}
