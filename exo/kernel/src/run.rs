//! Each CPU's run loop: whose slice it is, the slice, and what ends it.

use crate::exits::{self, Next};
use crate::kernel::{Kernel, MAX_ENVIRONMENTS};
use crate::report::{End, Reason};
use crate::resident::Resident;
use core::convert::Infallible;
use core::sync::atomic::Ordering;
use exo_core::{EnvironmentId, Outcome};
use hv::cpu::interrupts::{self, TIMER_VECTOR};
use hv::cpu::{self, CpuIndex, apic, local, tsc};
use hv::paging::Flushed;
use hv::pool::KernelBox;
use hv::vmx::operation::{self, Operation};

type Residents = heapless::Vec<KernelBox<Resident>, MAX_ENVIRONMENTS>;

/// Arms the deadline timer, where slices end by it; 0 disarms it.
fn arm(operation: &Operation<'_>, deadline: u64) {
    if operation.machine.deadline_timer {
        apic::set_deadline(deadline);
    }
}

impl Kernel {
    /// Runs this CPU's environments for good.
    ///
    /// # Errors
    /// Never: the type says that it does not return.
    pub fn run<E>(&'static self, operation: &Operation<'static>) -> Result<Infallible, E> {
        let mut residents = self.take_up(operation);
        if operation.machine.deadline_timer {
            apic::use_deadline_timer(TIMER_VECTOR);
        }
        local::of(operation.cpu).online.store(true, Ordering::SeqCst);
        // A stop that was sent before this CPU was online did not reach it.
        interrupts::serve_nmi();
        self.finish_if_nothing_to_wait_for();
        loop {
            let now = tsc();
            let asleep =
                |id| residents.iter().any(|resident| resident.state.id == id && resident.state.asleep_until > now);
            let slice = self.core.lock().next_slice(operation.cpu.as_usize(), asleep);
            let position =
                slice.and_then(|slice| residents.iter().position(|resident| resident.state.id == slice.owner));
            let Some(position) = position else {
                let awakenings = residents.iter().map(|resident| resident.state.asleep_until);
                arm(operation, awakenings.min().unwrap_or(0));
                cpu::wait_for_interrupt();
                continue;
            };
            if let Some(end) = self.run_slice(operation, &mut residents[position]) {
                let resident = residents.swap_remove(position);
                self.end(operation, KernelBox::into_inner(resident), &end);
            }
        }
    }

    /// Makes vCPUs of the environments that were prepared for this CPU.
    fn take_up(&self, operation: &Operation<'static>) -> Residents {
        let mut residents = Residents::new();
        while let Some(prepared) = self.take_prepared(operation.cpu) {
            let prepared = KernelBox::into_inner(prepared);
            let (id, background, name) = (prepared.id, prepared.background, prepared.name.clone());
            let resident = Resident::new(operation, prepared).ok().and_then(KernelBox::new);
            let kept = resident.is_some_and(|resident| residents.push(resident).is_ok());
            if !kept {
                log::error!(
                    "end name={name} id={id} outcome=killed reason=\"no kernel memory for a vCPU\" rip=0x0 exits=0"
                );
                let _ = self.release(operation, id, Outcome::Killed);
                self.ended(background, false);
            }
        }
        residents
    }

    fn run_slice(&'static self, operation: &Operation<'static>, resident: &mut Resident) -> Option<End> {
        let Resident { vcpu, .. } = resident;
        let mut active = vcpu.activate(operation);
        let state = &mut resident.state;
        let vector = self.core.lock().environments().get(state.id).map_or(0, |environment| environment.upcall_vector());
        state.begin_slice(vector);
        let deadline = tsc().saturating_add(self.configuration.slice_ticks);
        active.set_deadline(deadline);
        arm(operation, deadline);
        let end = loop {
            state.offer_upcall(&mut active);
            if self.shootdown.enter(operation.cpu.as_usize()) {
                operation::flush_all(operation);
            }
            let result = active.run(state.null_calls());
            self.shootdown.leave(operation.cpu.as_usize());
            let exit = match result {
                Ok(exit) => exit,
                Err(failure) => {
                    break Some(End::Killed(Reason::Refused(failure, exits::broken_rule(&active, operation))));
                }
            };
            state.note(&active, &exit);
            match exits::handle(self, operation, &mut active, state, &exit) {
                Next::Resume => {}
                // A kick or a stray tick; the deadline timer fires once, so it is armed again.
                Next::SliceOver if tsc() < deadline => arm(operation, deadline),
                Next::SliceOver | Next::Yield => break None,
                // Without the deadline timer nothing would end the sleep.
                Next::Sleep if operation.machine.deadline_timer => {
                    state.asleep_until = deadline;
                    break None;
                }
                Next::Sleep => break None,
                Next::End(end) => break Some(end),
            }
        };
        arm(operation, 0);
        state.rip = active.current.read(hv::vmx::fields::GUEST_RIP);
        end
    }

    /// Takes an ended environment apart: first everybody forgets its memory, then it is free.
    fn end(&self, operation: &Operation<'static>, resident: Resident, end: &End) {
        let Resident { vcpu, state } = resident;
        state.report(end, self.configuration.trace);
        drop(vcpu);
        let outcome = match *end {
            End::Exited(status) => Outcome::Exited { status },
            End::Killed(_) => Outcome::Killed,
        };
        let flushed = self.release(operation, state.id, outcome);
        let background = state.background;
        state.dismantle(&flushed);
        self.ended(background, matches!(end, End::Exited(0)));
    }

    /// Ends an environment's record and frees its frames once no CPU holds a translation to them.
    fn release(&self, operation: &Operation<'static>, id: EnvironmentId, outcome: Outcome) -> Flushed {
        let release = self.core.lock().end(id, outcome);
        let flushed = self.shootdown.flush(operation.cpu.as_usize(), |cpu| {
            if let Some(cpu) = u32::try_from(cpu).ok().and_then(CpuIndex::new) {
                apic::kick(cpu);
            }
        });
        operation::flush_all(operation);
        if let Some(release) = release {
            self.core.lock().finish_release(release);
        }
        flushed
    }
}
