//! Gates, and the chains of calls through them.
//!
//! A gate is a virtual CPU that waits to be called. Whoever calls it waits in turn, so calls make chains: the *root* has slices of its own or
//! was given one, each other is called by the one before, and the *tip* runs. A chain is one unit for the scheduler. Its links are words
//! that each CPU changes on the way, without the lock on the state, for the virtual CPUs that are its own ([`GateWords`]); nothing here
//! touches the links of another CPU's, but when that CPU has let go of them.

mod bindings;
mod chain;

use crate::environment::EnvironmentId;
use crate::state::Core;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_abi::capability::GATE_SLOTS;
use exo_abi::error::Error;
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
    pub(crate) fn named(&self, number: u64) -> Option<VcpuName> {
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

    /// Whether nobody has called it, nor it anybody, and it does not wait for that.
    fn is_alone(&self, name: VcpuName) -> bool {
        self.caller_word(name) | self.gates.callees[index(name)].load(Ordering::Relaxed) == 0
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

    /// Whether something is to go into a virtual CPU's registers before it goes on.
    pub(crate) fn has_mail(&self, name: VcpuName) -> bool {
        self.mail[index(name)].arriving.is_some()
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
}
