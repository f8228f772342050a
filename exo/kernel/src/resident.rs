//! An environment on its CPU: its vCPU, and what the kernel keeps beside it.

use crate::loader::Prepared;
use crate::report::{self, End};
use exo_abi::boot_page::MAX_NAME;
use exo_abi::counters::{CountersPage, EXIT_REASONS};
use exo_core::EnvironmentId;
use hv::cpu::tsc;
use hv::guest_space::GuestSpace;
use hv::page::{Page, SharedPage};
use hv::paging::Flushed;
use hv::trace::Trace;
use hv::vmx::exit::{Event, RawExit, reason};
use hv::vmx::fields;
use hv::vmx::operation::Operation;
use hv::vmx::vcpu::{ActiveVcpu, OutOfFrames, Vcpu};

/// An environment on its CPU.
#[derive(Debug)]
pub(crate) struct Resident {
    pub(crate) vcpu: Vcpu,
    pub(crate) state: State,
}

/// What the kernel keeps of an environment beside its vCPU.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) id: EnvironmentId,
    pub(crate) background: bool,
    name: heapless::String<MAX_NAME>,
    space: GuestSpace,
    counters: Page<CountersPage>,
    faults: SharedPage,
    /// Accesses to memory that the environment does not hold are its own business.
    fault_delivery: bool,
    last: Trace,
    /// Where the guest was at its last exit.
    pub(crate) rip: u64,
    /// Until when the environment sleeps, having halted: a TSC value that has passed for one that is awake.
    pub(crate) asleep_until: u64,
    /// The vector of the slice upcall, 0 for none.
    upcall: u8,
    upcall_pending: bool,
    window_wanted: bool,
}

impl Resident {
    /// Makes a vCPU for an environment that is ready to begin.
    pub(crate) fn new(operation: &Operation<'_>, prepared: Prepared) -> Result<Self, OutOfFrames> {
        let Prepared { id, background, name, space, counters, faults, vpid, entry, .. } = prepared;
        let vcpu = Vcpu::new(operation, &space, vpid, &entry)?;
        let state = State {
            id,
            background,
            name,
            space,
            counters,
            faults,
            fault_delivery: false,
            last: Trace::default(),
            rip: entry.rip,
            asleep_until: 0,
            upcall: 0,
            upcall_pending: false,
            window_wanted: false,
        };
        Ok(Self { vcpu, state })
    }
}

impl State {
    /// The counter of null calls, which never reach [`note`](Self::note).
    pub(crate) fn null_calls(&mut self) -> &mut u64 {
        &mut self.counters.exits[usize::from(reason::VMCALL)]
    }

    /// A slice begins; an upcall on `vector` is due unless it is 0.
    pub(crate) fn begin_slice(&mut self, vector: u8) {
        self.counters.slices += 1;
        self.upcall = vector;
        self.upcall_pending = vector != 0;
    }

    /// The environment's choice of upcall vector takes effect at once.
    pub(crate) fn set_upcall(&mut self, vector: u8) {
        self.upcall = vector;
        self.upcall_pending &= vector != 0;
    }

    /// Delivers a pending upcall if the guest would take an interrupt, else asks to be told when it would.
    pub(crate) fn offer_upcall(&mut self, active: &mut ActiveVcpu<'_>) {
        let deliver = self.upcall_pending && active.interruptible();
        if deliver {
            self.inject(active, Event::interrupt(self.upcall));
            self.upcall_pending = false;
        }
        if self.window_wanted != self.upcall_pending {
            self.window_wanted = self.upcall_pending;
            self.counters.interrupt_windows += u64::from(self.window_wanted);
            active.want_interrupt_window(self.window_wanted);
        }
    }

    /// Injects an event; an upcall that it displaces becomes pending again.
    pub(crate) fn inject(&mut self, active: &mut ActiveVcpu<'_>, event: Event) {
        self.counters.injections += 1;
        if active.inject(event).is_some() {
            self.upcall_pending = self.upcall != 0;
        }
    }

    /// The environment's choice of what becomes of accesses to memory that it does not hold.
    pub(crate) fn set_fault_delivery(&mut self, active: &mut ActiveVcpu<'_>, on: bool) {
        self.fault_delivery = on;
        active.deliver_faults(&self.faults, on);
    }

    /// Tells the environment of such an access; `false` where it has not asked for that or cannot take it.
    pub(crate) fn reflect_fault(&mut self, active: &mut ActiveVcpu<'_>, exit: &RawExit) -> bool {
        if !self.fault_delivery {
            return false;
        }
        let Ok(displaced) = active.reflect_fault(exit, &self.faults) else { return false };
        self.counters.injections += 1;
        self.upcall_pending |= displaced.is_some() && self.upcall != 0;
        true
    }

    /// Counts an exit and remembers it.
    pub(crate) fn note(&mut self, active: &ActiveVcpu<'_>, exit: &RawExit) {
        let basic = usize::from(exit.basic_reason()).min(EXIT_REASONS - 1);
        self.counters.exits[basic] += 1;
        self.last.push(tsc(), exit, active.current.read(fields::GUEST_RIP));
    }

    pub(crate) fn report(&self, end: &End, trace: bool) {
        report::print(&self.name, self.id, end, self.rip, &self.counters, &self.last, trace);
    }

    /// Gives the kernel's frames back. The vCPU is gone, so no CPU enters the space after the flush.
    pub(crate) fn dismantle(self, flushed: &Flushed) {
        self.space.dismantle(flushed);
    }
}
