//! Chains: who serves whom, who runs, and what becomes of a call that does not end by a reply.

use super::{Mail, Mailbox, Message, VcpuName, WAITING, index, number, status};
use crate::environment::EnvironmentId;
use crate::machine::Machine;
use crate::state::Core;
use exo_abi::error::Error;
use exo_abi::events;

impl Core<'_> {
    /// Whether a gate waits to be called. Only on its own CPU.
    pub(crate) fn waits(&self, name: VcpuName) -> bool {
        self.caller_word(name) == WAITING
    }

    /// Makes `callee`, which waits, serve `caller`. Both are on this CPU.
    pub(crate) fn link(&mut self, caller: VcpuName, callee: VcpuName, now: u64, message: Message) {
        self.set_callee(caller, number(callee));
        self.set_caller(callee, number(caller));
        let own = self.mailbox(caller);
        own.deadline = if own.limit == 0 { u64::MAX } else { now.saturating_add(own.limit) };
        self.publish_ready(caller);
        self.deliver(callee, Mail { word: caller.0.to_argument(), message: Some(message) });
    }

    /// Ends the call that `callee` serves, if it serves one: its caller goes on with this. Says who that is.
    pub(crate) fn unlink(&mut self, callee: VcpuName, mail: Mail) -> Option<VcpuName> {
        let caller = self.caller(callee)?;
        self.set_caller(callee, 0);
        self.set_callee(caller, 0);
        self.mailbox(caller).deadline = u64::MAX;
        self.deliver(caller, mail);
        Some(caller)
    }

    /// A call is broken off: its caller goes on with this status, its callee by itself.
    fn break_call(&mut self, machine: &mut dyn Machine, callee: VcpuName, error: Error) {
        if self.unlink(callee, status(error)).is_some() {
            self.raise_environment(machine, callee.0, events::CALLER_GONE);
        }
    }

    /// A virtual CPU waits from now on.
    pub(crate) fn wait_for_call(&self, name: VcpuName) {
        self.set_caller(name, WAITING);
    }

    /// A virtual CPU waits from now on, unless a message lies there already: then that arrives, and it does not.
    pub(crate) fn wait_to_be_called(&mut self, name: VcpuName) -> bool {
        self.wait_for_call(name);
        !self.take_queued(name)
    }

    /// Whether a message for a virtual CPU that waits has arrived; it runs by itself then.
    fn take_queued(&mut self, name: VcpuName) -> bool {
        let Some(mail) = self.mailbox(name).queued.take() else { return false };
        self.set_caller(name, 0);
        self.deliver(name, mail);
        true
    }

    /// Who runs where a virtual CPU of this CPU is given time: the tip of the chain that it is the root of. `None` where that cannot run,
    /// or the virtual CPU is no root. Calls whose time is over are broken off.
    pub fn who_runs(&mut self, machine: &mut dyn Machine, id: EnvironmentId, vcpu: usize) -> Option<VcpuName> {
        let mut tip = (id, vcpu);
        // Most have to do with nobody.
        if self.is_alone(tip) {
            return self.is_awake(machine, id, vcpu).then_some(tip);
        }
        if !self.environments.is_running(id) {
            return None;
        }
        match self.caller_word(tip) {
            0 => {}
            WAITING if self.take_queued(tip) => {}
            _ => return None,
        }
        while let Some(callee) = self.callee(tip) {
            if self.mailbox(tip).deadline <= machine.now() {
                self.break_call(machine, callee, Error::CallExpired);
                break;
            }
            tip = callee;
        }
        self.is_awake(machine, tip.0, tip.1).then_some(tip)
    }

    /// The root of the chain that a virtual CPU of this CPU is in.
    #[must_use]
    pub fn root(&self, id: EnvironmentId, vcpu: usize) -> VcpuName {
        let mut root = (id, vcpu);
        while let Some(caller) = self.caller(root) {
            root = caller;
        }
        root
    }

    /// TSC at which the first of the calls that a virtual CPU of this CPU serves, directly or not, is broken off.
    #[must_use]
    pub fn call_deadline(&self, id: EnvironmentId, vcpu: usize) -> u64 {
        let (mut at, mut deadline) = ((id, vcpu), u64::MAX);
        while let Some(caller) = self.caller(at) {
            deadline = deadline.min(self.mail[index(caller)].deadline);
            at = caller;
        }
        deadline
    }

    /// The tip of the chain below a virtual CPU of this CPU.
    pub(crate) fn tip(&self, id: EnvironmentId, vcpu: usize) -> VcpuName {
        let mut tip = (id, vcpu);
        while let Some(callee) = self.callee(tip) {
            tip = callee;
        }
        tip
    }

    /// A CPU has let go of a virtual CPU: it leaves its chain, and everybody's gate slots.
    pub(crate) fn leave_chain(&mut self, machine: &mut dyn Machine, name: VcpuName) {
        self.unlink(name, status(Error::CalleeEnded));
        if let Some(callee) = self.callee(name) {
            self.break_call(machine, callee, Error::CalleeEnded);
        }
        self.set_caller(name, 0);
        self.set_callee(name, 0);
        *self.mailbox(name) = Mailbox::EMPTY;
        self.publish_ready(name);
    }
}
