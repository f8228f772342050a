//! A virtual CPU on its CPU, and what the kernel keeps beside it.

use crate::event_page::Events;
use crate::loader::prepared::Prepared;
use core::mem::offset_of;
use exo_abi::counters::{CountersPage, EXIT_REASONS};
use exo_core::EnvironmentId;
use hv::addr::{GuestPhysical, GuestVirtual};
use hv::cpu::tsc;
use hv::guest_space::GuestSpace;
use hv::page::SharedPage;
use hv::pool::KernelBox;
use hv::trace::{Entry, Trace};
use hv::vmx::active::ActiveVcpu;
use hv::vmx::exit::{Event, RawExit};
use hv::vmx::fields;
use hv::vmx::operation::Operation;
use hv::vmx::transfer::Name;
use hv::vmx::vcpu::{OutOfFrames, Vcpu};

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
    /// Its calls through gates are bounded, so none is made on the shortcut.
    pub(crate) limited: bool,
}

/// Where the words of [`CountersPage`] after the exits are.
pub(crate) mod counter {
    use super::{CountersPage, offset_of};

    pub(crate) const SLICES: usize = offset_of!(CountersPage, slices) / 8;
    pub(crate) const INJECTIONS: usize = offset_of!(CountersPage, injections) / 8;
    pub(crate) const INTERRUPT_WINDOWS: usize = offset_of!(CountersPage, interrupt_windows) / 8;
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
            faults,
            fault_delivery: false,
            last_resort: None,
            last: Trace::default(),
            rip: entry.rip,
            upcall: None,
            window_wanted: false,
            limited: false,
        };
        let name = Name { place: id.place(), vcpu, identity: id.to_argument() };
        let vcpu = Vcpu::new(operation, space, account, vpid, name, counters, &entry)?;
        KernelBox::new_in(account, Self { vcpu, state }).ok_or(OutOfFrames)
    }
}

impl State {
    /// Makes events pending; the guest is interrupted for them if it wants that.
    pub(crate) fn post(&mut self, page: &Events<'_>, events: u64) {
        if events != 0
            && let Some(vector) = page.post(events)
        {
            self.upcall = Some(vector);
        }
    }

    /// Whether an upcall waits until the guest takes interrupts.
    pub(crate) fn upcall_is_due(&self) -> bool {
        self.upcall.is_some()
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
            active.counters[counter::INTERRUPT_WINDOWS] += u64::from(self.window_wanted);
            active.want_interrupt_window(self.window_wanted);
        }
        active.hold(self.upcall.is_some() || self.limited);
    }

    /// Injects an event; an upcall that it displaces becomes pending again.
    pub(crate) fn inject(&mut self, active: &mut ActiveVcpu<'_>, event: Event) {
        active.counters[counter::INJECTIONS] += 1;
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
        active.counters[counter::INJECTIONS] += 1;
        true
    }

    /// Counts an exit and remembers it.
    #[inline]
    pub(crate) fn note(&mut self, active: &mut ActiveVcpu<'_>, exit: &RawExit) {
        let RawExit { reason, qualification, .. } = *exit;
        active.counters[usize::from(exit.basic_reason()).min(EXIT_REASONS - 1)] += 1;
        self.last.push(Entry { ticks: tsc(), reason, qualification, rip: active.current.read(fields::GUEST_RIP) });
    }
}
