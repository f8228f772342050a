//! One slice: the virtual CPU that has it, those to which it gives the rest of it, its end, grace and penalty.

use crate::event_page::Events;
use crate::exits::{self, Next};
use crate::kernel::{Guarded, Kernel};
use crate::report::{End, Reason};
use crate::resident::{Resident, State};
use crate::run::{Residents, arm, position};
use core::sync::atomic::Ordering;
use exo_abi::events;
use exo_core::EnvironmentId;
use exo_core::slices::Slice;
use hv::cpu::tsc;
use hv::vmx::exit::{Left, RawExit};
use hv::vmx::operation::{self, Operation};
use hv::vmx::vcpu::ActiveVcpu;

/// How a virtual CPU's part of a slice ended.
enum Over {
    /// The slice is over, or what is left of it is nobody's.
    Slice,
    /// The rest goes to another virtual CPU.
    To(EnvironmentId, usize),
    /// Its environment has ended.
    Environment(End),
}

/// When a slice ends, and what comes after.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deadline {
    /// The end of the slice, or of its grace.
    pub(crate) at: u64,
    /// The slice itself is over.
    pub(crate) grace: bool,
    /// The grace is over as well.
    overrun: bool,
}

impl Kernel {
    /// Runs one slice. Its time is its owner's, whoever has it in the end.
    pub(crate) fn run_slice(&'static self, operation: &Operation<'static>, residents: &mut Residents, slice: &Slice) {
        let begin = tsc();
        let mut deadline =
            Deadline { at: begin.saturating_add(self.configuration.slice_ticks), grace: false, overrun: false };
        let mut next = Some((slice.owner, slice.vcpu));
        while let Some((id, vcpu)) = next.take() {
            let Some(place) = position(residents, id, vcpu) else { break };
            let resident = &mut residents[place];
            match self.run_part(operation, resident, &mut deadline) {
                Over::Slice => {}
                Over::To(id, vcpu) if tsc() < deadline.at => next = Some((id, vcpu)),
                Over::To(..) => {}
                Over::Environment(end) => self.end(operation, &resident.state, end),
            }
        }
        arm(operation, 0);
        let spent = tsc().saturating_sub(begin);
        self.with(operation.cpu, |core, services| {
            core.account(slice.owner, spent);
            if let Some(page) = services.spaces.event_page(slice.owner.place(), slice.vcpu) {
                Events(page).spend(spent);
            }
            if deadline.overrun {
                core.penalise(operation.cpu.as_usize(), slice);
                if let Some(page) = services.spaces.event_page(slice.owner.place(), slice.vcpu) {
                    Events(page).penalise(tsc().saturating_sub(deadline.at));
                }
            }
        });
    }

    fn run_part(
        &'static self,
        operation: &Operation<'static>,
        resident: &mut Resident,
        deadline: &mut Deadline,
    ) -> Over {
        let Resident { vcpu, state } = resident;
        let mut active = vcpu.activate(operation);
        {
            let Guarded { core, spaces } = &mut *self.guarded.lock();
            if let Some(page) = spaces.event_page(state.id.place(), state.vcpu).map(Events) {
                state.counters.slices += 1;
                page.begin_slice(tsc(), deadline.at);
                state.post(&page, core.take_events(state.id, state.vcpu) | events::SLICE_BEGIN);
            }
        }
        active.set_deadline(deadline.at);
        arm(operation, deadline.at);
        let over = loop {
            let Some(next) = self.run_guest(operation, &mut active, state) else { break Over::Slice };
            match next {
                Next::Resume => {}
                // A kick or a stray tick; the deadline timer fires once, so it is armed again.
                Next::SliceOver if tsc() < deadline.at => arm(operation, deadline.at),
                Next::SliceOver => match self.grace(state, deadline) {
                    true => {
                        active.set_deadline(deadline.at);
                        arm(operation, deadline.at);
                    }
                    false => break Over::Slice,
                },
                Next::Yield => break Over::Slice,
                Next::YieldTo(id, vcpu) => break Over::To(id, vcpu),
                Next::Sleep => {
                    self.guarded.lock().core.halt(state.id, state.vcpu, deadline.at);
                    break Over::Slice;
                }
                Next::End(end) => break Over::Environment(end),
            }
        };
        state.rip = active.current.read(hv::vmx::fields::GUEST_RIP);
        over
    }

    /// Enters the guest until an exit that somebody must act on, and serves it. `None` where it may not run on.
    fn run_guest(
        &self,
        operation: &Operation<'static>,
        active: &mut ActiveVcpu<'_>,
        state: &mut State,
    ) -> Option<Next> {
        let cpu = operation.cpu.as_usize();
        let mut exit = RawExit::default();
        loop {
            state.offer_upcall(active);
            if self.shootdown.enter(cpu, active.space()) {
                operation::flush_all(operation);
            }
            // After `enter`: whoever wants this CPU out of its guest sets the word and then looks at what `enter` publishes, so one of
            // the two sees the other.
            if self.attention(operation.cpu).load(Ordering::SeqCst) {
                self.shootdown.leave(cpu);
                self.attention(operation.cpu).store(false, Ordering::SeqCst);
                if !self.look(state) {
                    return None;
                }
                continue;
            }
            let result = active.run(state.null_calls(), &mut exit);
            self.shootdown.leave(cpu);
            let left = match result {
                Ok(left) => left,
                Err(failure) => {
                    let rule = exits::broken_rule(active, operation);
                    return Some(Next::End(End::Killed(Reason::Refused(failure, rule))));
                }
            };
            state.note(active, left, &exit);
            let next = match left {
                Left::Call => exits::call(self, operation, active, state),
                Left::Exit => exits::handle(operation, active, state, &exit),
            };
            match next {
                Next::Resume => {}
                next => return Some(next),
            }
        }
    }

    /// Somebody wants attention: posts events; `false` where this virtual CPU must not run on.
    fn look(&self, state: &mut State) -> bool {
        let Guarded { core, spaces } = &mut *self.guarded.lock();
        if !core.environments().is_running(state.id) {
            return false;
        }
        if let Some(page) = spaces.event_page(state.id.place(), state.vcpu) {
            state.post(&Events(page), core.take_events(state.id, state.vcpu));
        }
        true
    }

    /// A slice's time has passed: whether its owner gets grace, once, because it wants to put its state in order.
    fn grace(&self, state: &mut State, deadline: &mut Deadline) -> bool {
        if deadline.grace {
            deadline.overrun = true;
            return false;
        }
        let guarded = self.guarded.lock();
        let Some(page) = guarded.spaces.event_page(state.id.place(), state.vcpu).map(Events) else { return false };
        if !page.wants_slice_end() || page.vector().is_none() || page.mask() & events::SLICE_END != 0 {
            return false;
        }
        state.post(&page, events::SLICE_END);
        deadline.grace = true;
        deadline.at = tsc().saturating_add(self.configuration.grace_ticks);
        true
    }
}
