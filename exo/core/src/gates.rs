//! Gates, and the chains of calls through them.
//!
//! A gate is a virtual CPU that waits to be called. Whoever calls it waits in turn, so calls make chains: the *root* has slices of its own or
//! was given one, each other is called by the one before, and the *tip* runs. A chain is one unit for the scheduler. Its links are words
//! that each CPU changes on the way, without the lock on the state, for the virtual CPUs that are its own ([`GateWords`]); nothing here
//! touches the links of another CPU's, but when that CPU has let go of them.

use crate::environment::EnvironmentId;
use crate::machine::Machine;
use crate::state::Core;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_abi::capability::{GATE_SLOTS, rights};
use exo_abi::error::Error;
use exo_abi::events;
use exo_abi::info::{MAX_ENVIRONMENTS, MAX_VCPUS};

/// In [`GateWords::callers`]: waits to be called.
pub const WAITING: u64 = u64::MAX;
/// Numbers of virtual CPUs, and 0, which is nobody's.
pub const NUMBERS: usize = MAX_ENVIRONMENTS * MAX_VCPUS + 1;

/// What the shortcut for calls and replies reads and writes without a lock. Virtual CPU `v` of place `p` has the number
/// `p * MAX_VCPUS + v + 1`, as a place and as a value; 0 is nobody.
#[derive(Clone, Copy, Debug)]
pub struct GateWords<'a> {
    /// 1 where its CPU may go on with this virtual CPU without asking here; 0 where something is to be done first.
    pub ready: &'a [AtomicU64],
    /// Who has called it, [`WAITING`], or 0: it runs by itself. Changed on its own CPU only.
    pub callers: &'a [AtomicU64],
    /// For whose reply it waits. Changed on its own CPU only.
    pub callees: &'a [AtomicU64],
    /// By place and gate slot: the gate in bits 15:0, the slot of the capability that justifies it in bits 23:16.
    pub slots: &'a [[AtomicU64; GATE_SLOTS]],
}

/// The 14 general registers but rax and rsp, in the order rcx rdx rbx rbp rsi rdi r8 to r15.
pub type Message = [u64; 14];

/// What a virtual CPU finds in its registers when it goes on after a call or a reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mail {
    /// For rax: the sender, or a status.
    pub word: u64,
    /// The message; `None` leaves the registers but rdx, which is 0.
    pub message: Option<Message>,
}

/// The mail of one virtual CPU.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mailbox {
    /// To be put into its registers before it goes on.
    pub(crate) arriving: Option<Mail>,
    /// Sent one way: arrives when it waits and has a slice.
    pub(crate) queued: Option<Mail>,
    /// TSC at which the call that it waits for ends.
    pub(crate) deadline: u64,
    /// Ticks that each of its calls may take, 0 for any number.
    pub(crate) limit: u64,
}

impl Mailbox {
    /// That of nobody: to fill storage with.
    pub const EMPTY: Self = Self { arriving: None, queued: None, deadline: u64::MAX, limit: 0 };
}

/// A virtual CPU by its environment and number.
pub type VcpuName = (EnvironmentId, usize);

const fn index((id, vcpu): VcpuName) -> usize {
    id.index as usize % MAX_ENVIRONMENTS * MAX_VCPUS + vcpu % MAX_VCPUS + 1
}

/// As a value of the words.
const fn number(name: VcpuName) -> u64 {
    index(name) as u64
}

const fn status(error: Error) -> Mail {
    Mail { word: error.number(), message: None }
}

impl Core<'_> {
    /// Whom a value of the words names.
    fn named(&self, number: u64) -> Option<VcpuName> {
        let index = usize::try_from(number).ok()?.checked_sub(1)?;
        Some((self.environments.at(index / MAX_VCPUS)?, index % MAX_VCPUS))
    }

    // Relaxed, here and in `set_caller` and `set_callee`: only the virtual CPU's own CPU uses the word.
    fn caller_word(&self, name: VcpuName) -> u64 {
        self.gates.callers[index(name)].load(Ordering::Relaxed)
    }

    fn set_caller(&self, name: VcpuName, value: u64) {
        self.gates.callers[index(name)].store(value, Ordering::Relaxed);
    }

    fn callee(&self, name: VcpuName) -> Option<VcpuName> {
        self.named(self.gates.callees[index(name)].load(Ordering::Relaxed))
    }

    fn set_callee(&self, name: VcpuName, value: u64) {
        self.gates.callees[index(name)].store(value, Ordering::Relaxed);
    }

    fn caller(&self, name: VcpuName) -> Option<VcpuName> {
        Some(self.caller_word(name)).filter(|&word| word != WAITING).and_then(|word| self.named(word))
    }

    pub(crate) fn mailbox(&mut self, name: VcpuName) -> &mut Mailbox {
        &mut self.mail[index(name)]
    }

    /// Whether a gate waits to be called. Only on its own CPU.
    pub(crate) fn waits(&self, name: VcpuName) -> bool {
        self.caller_word(name) == WAITING
    }

    /// Publishes whether a virtual CPU may be gone on with without asking here.
    pub(crate) fn publish_ready(&self, name @ (id, vcpu): VcpuName) {
        let mail = &self.mail[index(name)];
        let plain = mail.arriving.is_none() && mail.deadline == u64::MAX;
        let running = plain && self.environments.is_running(id) && !self.has_events(id, vcpu);
        let ready = running && self.environments.vcpu(id, vcpu).is_some();
        // Release: whoever goes on with it sees what made it ready.
        self.gates.ready[index(name)].store(ready.into(), Ordering::Release);
    }

    /// The same where something is to be done first: an event, say.
    pub(crate) fn publish_unready(&self, name: VcpuName) {
        self.gates.ready[index(name)].store(0, Ordering::Release);
    }

    /// The same for all of an environment.
    pub(crate) fn publish_all_ready(&self, id: EnvironmentId) {
        (0..MAX_VCPUS).for_each(|vcpu| self.publish_ready((id, vcpu)));
    }

    /// What a virtual CPU finds in its registers when it goes on; it is the glue's from here on.
    pub fn take_mail(&mut self, id: EnvironmentId, vcpu: usize) -> Option<Mail> {
        let mail = self.mailbox((id, vcpu)).arriving.take();
        if mail.is_some() {
            self.publish_ready((id, vcpu));
        }
        mail
    }

    pub(crate) fn deliver(&mut self, name: VcpuName, mail: Mail) {
        self.mailbox(name).arriving = Some(mail);
        self.publish_ready(name);
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

    /// Lays a message there for a gate, on whichever CPU; `false` where one lies there.
    pub(crate) fn queue(&mut self, name: VcpuName, mail: Mail) -> bool {
        let queued = &mut self.mailbox(name).queued;
        let free = queued.is_none();
        *queued = queued.or(Some(mail));
        free
    }

    /// A virtual CPU is no gate any more: when it waits, it finds out.
    pub(crate) fn refuse(&mut self, name: VcpuName) {
        self.mailbox(name).queued = Some(status(Error::NoSuchGate));
    }

    /// Who runs where a virtual CPU of this CPU is given time: the tip of the chain that it is the root of. `None` where that cannot run,
    /// or the virtual CPU is no root. Calls whose time is over are broken off.
    pub fn who_runs(&mut self, machine: &mut dyn Machine, id: EnvironmentId, vcpu: usize) -> Option<VcpuName> {
        if !self.environments.is_running(id) {
            return None;
        }
        let mut tip = (id, vcpu);
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
