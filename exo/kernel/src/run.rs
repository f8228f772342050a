//! Each CPU's run loop: whose slice it is, and what lies between slices.

use crate::kernel::{Guarded, Kernel};
use crate::loader::prepared::Prepared;
use crate::report::{self, End, Reason};
use crate::resident::Resident;
use core::convert::Infallible;
use core::sync::atomic::Ordering;
use exo_abi::counters::EXIT_REASONS;
use exo_abi::info::{MAX_ENVIRONMENTS, MAX_VCPUS};
use exo_core::scheduling::Wakeup;
use exo_core::{EnvironmentId, Outcome};
use hv::cpu::interrupts::{self, TIMER_VECTOR};
use hv::cpu::{self, CpuIndex, apic, local, tsc};
use hv::pool::KernelBox;
use hv::vmx::operation::Operation;

/// A CPU has room for every virtual CPU that there can be: nobody's is refused because others were quicker.
pub(crate) type Residents = heapless::Vec<KernelBox<Resident>, { MAX_ENVIRONMENTS * MAX_VCPUS }>;

/// Arms the deadline timer, where slices end by it; 0 disarms it.
pub(crate) fn arm(operation: &Operation<'_>, deadline: u64) {
    if operation.machine.deadline_timer {
        apic::set_deadline(deadline);
    }
}

/// Where a virtual CPU is among a CPU's.
pub(crate) fn position(residents: &Residents, id: EnvironmentId, vcpu: usize) -> Option<usize> {
    residents.iter().position(|resident| resident.state.id == id && resident.state.vcpu == vcpu)
}

impl Kernel {
    /// Runs this CPU's virtual CPUs for good.
    ///
    /// # Errors
    /// Never: the type says that it does not return.
    pub fn run<E>(&'static self, operation: &Operation<'static>) -> Result<Infallible, E> {
        let mut residents = Residents::new();
        if operation.machine.deadline_timer {
            apic::use_deadline_timer(TIMER_VECTOR);
        }
        local::of(operation.cpu).online.store(true, Ordering::SeqCst);
        // A stop that was sent before this CPU was online did not reach it.
        interrupts::serve_nmi();
        self.finish_if_nothing_to_wait_for();
        loop {
            self.attention(operation.cpu).store(false, Ordering::SeqCst);
            // Also where the port interrupts: a guest that never allows interrupts keeps them from this CPU.
            let looks_at_input = operation.cpu == CpuIndex::BOOT && self.input_wanted.load(Ordering::Relaxed);
            if looks_at_input {
                self.look_at_input(operation.cpu);
            }
            self.take_up(operation, &mut residents);
            self.let_go(operation.cpu, &mut residents);
            let slice = self.with(operation.cpu, |core, services| {
                core.expire_claims(services);
                let slice = core.next_slice(services, operation.cpu.as_usize());
                slice.ok_or_else(|| core.next_wakeup(operation.cpu.as_usize()))
            });
            match slice {
                Ok(slice) => self.run_slice(operation, &mut residents, &slice),
                Err(wakeup) => {
                    let poll = wakeup.poll || looks_at_input && !self.configuration.input_interrupts;
                    self.idle(operation, Wakeup { poll, ..wakeup });
                }
            }
        }
    }

    fn idle(&self, operation: &Operation<'_>, wakeup: Wakeup) {
        let poll = wakeup.poll.then(|| tsc().saturating_add(self.configuration.slice_ticks));
        let next = wakeup.at.into_iter().chain(poll).min();
        // Without the deadline timer nothing would end the sleep.
        if next.is_some() && !operation.machine.deadline_timer {
            core::hint::spin_loop();
            return;
        }
        arm(operation, next.unwrap_or(0));
        cpu::wait_for_interrupt();
    }

    /// Makes the virtual CPUs that were prepared for this CPU.
    fn take_up(&self, operation: &Operation<'static>, residents: &mut Residents) {
        while let Some(prepared) = self.take_prepared(operation.cpu) {
            let (id, vcpu) = (prepared.id, prepared.vcpu);
            let mut guarded = self.guarded.lock();
            let Guarded { core, spaces } = &mut *guarded;
            let space = spaces.get(id.place()).filter(|space| space.id == id && core.environments().is_live(id));
            let resident = space.and_then(|space| Resident::new(operation, &space.guest, prepared).ok());
            drop(guarded);
            if resident.is_none_or(|resident| residents.push(resident).is_err()) {
                self.with(operation.cpu, |core, services| {
                    // One that has begun to end meanwhile was not ended for this.
                    if core.environments().is_live(id) {
                        services.note_end(id, End::Killed(Reason::ReserveEmpty), 0);
                        core.end(services, id, Outcome::Killed);
                    }
                    core.vcpu_gone(services, id, vcpu);
                });
            }
        }
    }

    /// Lets go of the virtual CPUs of environments that have begun to end.
    fn let_go(&self, cpu: CpuIndex, residents: &mut Residents) {
        let mut index = 0;
        while let Some(resident) = residents.get(index) {
            let id = resident.state.id;
            if self.guarded.lock().core.environments().is_live(id) {
                index += 1;
                continue;
            }
            let Resident { vcpu, state } = KernelBox::into_inner(residents.swap_remove(index));
            let mut exits = [0; EXIT_REASONS];
            exits.copy_from_slice(&vcpu.counters()[..EXIT_REASONS]);
            drop(vcpu);
            self.with(cpu, |core, services| {
                services.keep_exits(id, &exits);
                let number = state.vcpu;
                drop(state);
                core.vcpu_gone(services, id, number);
            });
        }
    }

    /// A CPU takes no part: the environments that it should have run end before they begin, and nobody gets a virtual CPU there.
    pub fn without_cpu(&self, cpu: CpuIndex) {
        // Whoever finds out: the boot CPU, or the one that takes no part.
        let here = local::index();
        // First: others run already, and what they prepare for this CPU from now on nobody would ever take up.
        self.with(here, |core, _| core.without_cpu(cpu.as_u32()));
        while let Some(prepared) = self.take_prepared(cpu) {
            let (id, vcpu) = (prepared.id, prepared.vcpu);
            drop(prepared);
            self.with(here, |core, services| {
                services.note_end(id, End::Killed(Reason::NoCpu), 0);
                core.end(services, id, Outcome::Killed);
                core.vcpu_gone(services, id, vcpu);
            });
        }
    }

    /// A virtual CPU that was prepared for this CPU, if one is left.
    fn take_prepared(&self, cpu: CpuIndex) -> Option<KernelBox<Prepared>> {
        let mut prepared = self.prepared.lock();
        let index = prepared.iter().position(|prepared| prepared.cpu == cpu)?;
        Some(prepared.swap_remove(index))
    }

    /// Ends an environment for what one of its virtual CPUs has done.
    pub(crate) fn end(&self, operation: &Operation<'_>, state: &crate::resident::State, end: End) {
        let id = state.id;
        let outcome = match end {
            End::Exited(status) => Outcome::Exited { status },
            End::Killed(_) => Outcome::Killed,
        };
        self.with(operation.cpu, |core, services| {
            if core.environments().is_live(id) {
                services.note_end(id, end, state.rip);
                let name =
                    services.spaces.get(id.place()).map(|space| space.name.as_str()).filter(|name| !name.is_empty());
                if let Some(name) = name {
                    report::print_last(name, &end, &state.last, self.configuration.trace);
                }
                core.end(services, id, outcome);
            }
        });
    }
}
