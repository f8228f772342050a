//! A virtual CPU on its CPU, and what the kernel keeps beside it.

use crate::event_page::Events;
use crate::loader::prepared::Prepared;
use exo_abi::counters::{CountersPage, EXIT_REASONS};
use exo_core::EnvironmentId;
use hv::addr::{GuestPhysical, GuestVirtual};
use hv::cpu::tsc;
use hv::guest_space::GuestSpace;
use hv::page::{Page, SharedPage};
use hv::pool::KernelBox;
use hv::trace::{Entry, Trace};
use hv::vmx::exit::{Event, Left, RawExit, reason};
use hv::vmx::fields;
use hv::vmx::operation::Operation;
use hv::vmx::vcpu::{ActiveVcpu, OutOfFrames, Vcpu};

/// A virtual CPU on its CPU.
#[derive(Debug)]
pub(crate) struct Resident {
    pub(crate) vcpu: Vcpu,
    pub(crate) state: State,
}

/// What the kernel keeps beside a virtual CPU.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) id: EnvironmentId,
    pub(crate) vcpu: usize,
    pub(crate) counters: Page<CountersPage>,
    faults: SharedPage,
    /// Accesses to memory that the environment does not hold are its own business.
    fault_delivery: bool,
    /// Code and stack for a fault that cannot be delivered.
    last_resort: Option<(u64, u64)>,
    pub(crate) last: Trace,
    /// Where the guest was at its last exit.
    pub(crate) rip: u64,
    /// The vector of an upcall that is due.
    upcall: Option<u8>,
    window_wanted: bool,
}

impl Resident {
    /// Makes a virtual CPU that has been prepared.
    pub(crate) fn new(
        operation: &Operation<'_>,
        space: &GuestSpace,
        prepared: KernelBox<Prepared>,
    ) -> Result<KernelBox<Self>, OutOfFrames> {
        let Prepared { id, vcpu, account, vpid, counters, faults, entry, held, .. } = KernelBox::into_inner(prepared);
        // Under the lock, so nobody takes them between here and where they are wanted.
        drop(held);
        let state = State {
            id,
            vcpu,
            counters,
            faults,
            fault_delivery: false,
            last_resort: None,
            last: Trace::default(),
            rip: entry.rip,
            upcall: None,
            window_wanted: false,
        };
        let vcpu = Vcpu::new(operation, space, account, vpid, &entry)?;
        KernelBox::new_in(account, Self { vcpu, state }).ok_or(OutOfFrames)
    }
}

impl State {
    /// The counter of null calls, which never reach [`note`](Self::note).
    pub(crate) fn null_calls(&mut self) -> &mut u64 {
        &mut self.counters.exits[usize::from(reason::VMCALL)]
    }

    /// Makes events pending; the guest is interrupted for them if it wants that.
    pub(crate) fn post(&mut self, page: &Events<'_>, events: u64) {
        if events != 0
            && let Some(vector) = page.post(events)
        {
            self.upcall = Some(vector);
        }
    }

    /// Delivers a pending upcall if the guest would take an interrupt, else asks to be told when it would.
    pub(crate) fn offer_upcall(&mut self, active: &mut ActiveVcpu<'_>) {
        if let Some(vector) = self.upcall
            && active.interruptible()
        {
            self.upcall = None;
            self.inject(active, Event::interrupt(vector));
        }
        if self.window_wanted != self.upcall.is_some() {
            self.window_wanted = self.upcall.is_some();
            self.counters.interrupt_windows += u64::from(self.window_wanted);
            active.want_interrupt_window(self.window_wanted);
        }
    }

    /// Injects an event; an upcall that it displaces becomes pending again.
    pub(crate) fn inject(&mut self, active: &mut ActiveVcpu<'_>, event: Event) {
        self.counters.injections += 1;
        self.upcall = active.inject(event).or(self.upcall);
    }

    /// The environment's choice of what becomes of accesses to memory that it does not hold.
    pub(crate) fn set_fault_delivery(&mut self, active: &mut ActiveVcpu<'_>, on: bool) {
        self.fault_delivery = on;
        active.deliver_faults(&self.faults, on);
    }

    /// The environment's choice of where it goes on when such an access cannot be delivered.
    pub(crate) fn set_last_resort(&mut self, instruction: u64, stack: u64) {
        self.last_resort = (instruction != 0).then_some((instruction, stack));
    }

    /// Tells the environment of such an access; `false` where it has not asked for that or cannot take it.
    pub(crate) fn reflect_fault(&mut self, active: &mut ActiveVcpu<'_>, exit: &RawExit) -> bool {
        if !self.fault_delivery {
            return false;
        }
        match active.reflect_fault(exit, &self.faults) {
            Ok(displaced) => self.upcall = displaced.or(self.upcall),
            Err(_) => {
                let Some((instruction, stack)) = self.last_resort.take() else { return false };
                let linear = GuestVirtual::new(exit.guest_linear);
                let physical = GuestPhysical::new(exit.guest_physical);
                self.upcall = active.enter_last_resort(instruction, stack, linear, physical).or(self.upcall);
            }
        }
        self.counters.injections += 1;
        true
    }

    /// Counts an exit and remembers it.
    pub(crate) fn note(&mut self, active: &ActiveVcpu<'_>, left: Left, exit: &RawExit) {
        let (basic, reason, qualification) = match left {
            Left::Call => (reason::VMCALL, reason::VMCALL.into(), 0),
            Left::Exit => (exit.basic_reason(), exit.reason, exit.qualification),
        };
        self.counters.exits[usize::from(basic).min(EXIT_REASONS - 1)] += 1;
        self.last.push(Entry { ticks: tsc(), reason, qualification, rip: active.current.read(fields::GUEST_RIP) });
    }
}
