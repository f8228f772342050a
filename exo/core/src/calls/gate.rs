//! The calls on gates. Calls and replies that need no look at the state are made before these are reached, on a shortcut that does the
//! same.

use super::{At, Context, Effect, Handled, done};
use crate::gates::{Mail, VcpuName};
use exo_abi::capability::{GATE_SLOTS, rights};
use exo_abi::error::Error;

impl Context<'_, '_> {
    fn me(&self) -> VcpuName {
        (self.caller, self.vcpu)
    }

    /// A virtual CPU of an environment.
    fn vcpu_of(&self, id: crate::environment::EnvironmentId, vcpu: u64) -> Result<VcpuName, super::Failure> {
        let vcpu = usize::try_from(vcpu).map_err(|_| Error::NoSuchVcpu)?;
        self.core.environments.vcpu(id, vcpu).map(|_| (id, vcpu)).ok_or(Error::NoSuchVcpu.into())
    }

    fn is_gate(&self, (id, vcpu): VcpuName) -> bool {
        self.core.environments.vcpu(id, vcpu).is_some_and(|vcpu| vcpu.gate.is_some())
    }

    pub(super) fn gate_open(&mut self, vcpu: u64) -> Handled {
        let capability = self.credential_with(rights::MODIFY)?;
        let (id, vcpu) = self.vcpu_of(self.caller, vcpu)?;
        let Some(state) = self.core.environments.vcpu_mut(id, vcpu).filter(|state| state.gate.is_none()) else {
            return Err(Error::GateTaken.into());
        };
        state.gate = Some(capability.name);
        done(0)
    }

    pub(super) fn gate_close(&mut self, vcpu: u64) -> Handled {
        let name @ (id, vcpu) = self.vcpu_of(self.caller, vcpu)?;
        let Some(state) = self.core.environments.vcpu_mut(id, vcpu).filter(|state| state.gate.is_some()) else {
            return Err(Error::NoSuchGate.into());
        };
        state.gate = None;
        let cpu = state.cpu;
        let ended = self.core.end_bindings_of_gates(self.machine, |gate| gate == name);
        self.core.refuse(name);
        self.machine.kick(cpu, id.place());
        done(ended)
    }

    pub(super) fn gate_bind(&mut self, environment: u64, vcpu: u64, to: u64) -> Handled {
        self.credential_with(rights::CALL)?;
        let id = self.environment(environment)?;
        let gate = self.vcpu_of(id, vcpu)?;
        if !self.is_gate(gate) {
            return Err(Error::NoSuchGate.into());
        }
        if !self.core.may_call(self.caller, self.credential, gate) {
            return Err(Error::Underprivileged.into());
        }
        if to >= GATE_SLOTS as u64 {
            return Err(Error::BadSlot.at(to));
        }
        if self.core.gate_in(self.caller, to).is_some() {
            return Err(Error::SlotTaken.at(to));
        }
        self.core.set_gate(self.caller, to, gate, self.credential);
        done(0)
    }

    pub(super) fn gate_unbind(&mut self, slot: u64) -> Handled {
        self.core.gate_in(self.caller, slot).ok_or(Error::NoSuchGate.at(slot))?;
        self.core.clear_gate(self.caller, slot);
        // Another virtual CPU of the caller's may be on the way through the slot: whoever ends the gate finds nothing here any more that
        // would make him wait for it.
        self.machine.expel(self.caller.place());
        done(0)
    }

    /// The gate in the slot that stands where other calls have their credential.
    fn bound_gate(&self) -> Result<VcpuName, super::Failure> {
        let gate = self.core.gate_in(self.caller, self.credential.into());
        let gate = gate.ok_or(Error::NoSuchGate.at(self.credential.into()))?;
        if self.core.environments.is_running(gate.0) { Ok(gate) } else { Err(Error::GateStopped.into()) }
    }

    fn is_here(&self, (id, vcpu): VcpuName) -> bool {
        let cpu = |(id, vcpu)| self.core.environments.vcpu(id, vcpu).map(|vcpu| vcpu.cpu);
        cpu(self.me()) == cpu((id, vcpu))
    }

    pub(super) fn gate_call(&mut self) -> Handled {
        let gate = self.bound_gate()?;
        if !self.is_here(gate) {
            return Err(Error::GateElsewhere.into());
        }
        if !self.core.waits(gate) {
            return Err(Error::GateBusy.into());
        }
        self.core.link(self.me(), gate, self.machine.now(), self.machine.message());
        Ok((0, Effect::TransferTo { environment: gate.0, vcpu: gate.1 }))
    }

    pub(super) fn gate_reply(&mut self) -> Handled {
        let me = self.me();
        let message = Mail { word: 0, message: Some(self.machine.message()) };
        let replied_to = self.core.unlink(me, message);
        if !self.is_gate(me) {
            if replied_to.is_none() {
                return Err(Error::NoSuchGate.into());
            }
            self.core.refuse(me);
        }
        // What lies there for it waits until the caller has had its answer.
        if let Some((id, vcpu)) = replied_to.filter(|&(id, _)| self.core.environments.is_running(id)) {
            self.core.wait_for_call(me);
            return Ok((0, Effect::TransferTo { environment: id, vcpu }));
        }
        match self.core.wait_to_be_called(me) {
            true => Ok((0, Effect::YieldSlice)),
            false => Ok((0, Effect::TransferTo { environment: me.0, vcpu: me.1 })),
        }
    }

    pub(super) fn gate_send(&mut self) -> Handled {
        let gate = self.bound_gate()?;
        let mail = Mail { word: self.caller.to_argument(), message: Some(self.machine.message()) };
        if !self.core.queue(gate, mail) {
            return Err(Error::GateBusy.into());
        }
        if self.is_here(gate)
            && let Some((environment, vcpu)) = self.core.who_runs(self.machine, gate.0, gate.1)
        {
            return Ok((0, Effect::YieldTo { environment, vcpu }));
        }
        if let Some(state) = self.core.environments.vcpu(gate.0, gate.1) {
            self.machine.kick(state.cpu, gate.0.place());
        }
        done(0)
    }

    pub(super) fn gate_release(&mut self, vcpu: u64) -> Handled {
        let gate = self.vcpu_of(self.caller, vcpu)?;
        // Links are their own CPU's.
        if !self.is_here(gate) {
            return Err(Error::GateElsewhere.into());
        }
        let refused = Mail { word: Error::CallRefused.number(), message: None };
        self.core.unlink(gate, refused).ok_or(Error::NotServing)?;
        done(0)
    }

    pub(super) fn set_call_limit(&mut self, ticks: u64) -> Handled {
        let me = self.me();
        self.core.mailbox(me).limit = ticks;
        Ok((0, Effect::CallLimit { limited: ticks != 0 }))
    }
}
