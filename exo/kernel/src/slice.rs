//! One slice: the virtual CPU that has it, those to which it gives the rest of it, its end, grace and penalty.

mod part;

use crate::calls;
use crate::event_page::Events;
use crate::exits::{self, Next};
use crate::kernel::{Guarded, Kernel};
use crate::report::{End, Reason};
use crate::resident::{Resident, State, counter};
use crate::run::{Residents, arm, position};
use core::sync::atomic::Ordering;
use exo_abi::events;
use exo_core::slices::Slice;
use hv::cpu::tsc;
use hv::vmx::active::ActiveVcpu;
use hv::vmx::exit::{Left, RawExit};
use hv::vmx::operation::{self, Operation};
use part::{Deadline, How, Over};

impl Kernel {
    /// Runs one slice. Its time is its owner's, whoever has it in the end.
    pub(crate) fn run_slice(&'static self, operation: &Operation<'static>, residents: &mut Residents, slice: &Slice) {
        let begin = tsc();
        let at = begin.saturating_add(self.configuration.slice_ticks);
        let mut deadline = Deadline { at, call: u64::MAX, grace: false, overrun: false };
        let mut next = Some((slice.runs, How::Begins));
        while let Some(((id, vcpu), how)) = next.take() {
            let place = match &how {
                How::Arrived(arrived, _) => residents.iter().position(|resident| resident.vcpu.is(arrived)),
                _ => position(residents, id, vcpu),
            };
            let Some(place) = place else { break };
            let resident = &mut residents[place];
            let own = (resident.state.id, resident.state.vcpu) == (slice.owner, slice.vcpu);
            match self.run_part(operation, resident, &mut deadline, how, own) {
                Over::Slice => {}
                // It is on the CPU already, so it has to be gone on with whatever the time is.
                Over::To(id, vcpu, how @ How::Arrived(..)) => next = Some(((id, vcpu), how)),
                Over::To(id, vcpu, how) if tsc() < deadline.at => next = Some(((id, vcpu), how)),
                Over::To(..) => {}
                Over::Call => {
                    let (id, vcpu) = (resident.state.id, resident.state.vcpu);
                    let runs = self.with(operation.cpu, |core, services| {
                        let (id, vcpu) = core.root(id, vcpu);
                        core.who_runs(services, id, vcpu)
                    });
                    next = runs.map(|runs| (runs, How::Called));
                }
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

    /// Runs a virtual CPU until the slice, or its part of it, is over. `own` says that the slice is its own.
    fn run_part(
        &'static self,
        operation: &Operation<'static>,
        resident: &mut Resident,
        deadline: &mut Deadline,
        how: How,
        own: bool,
    ) -> Over {
        let Resident { vcpu, state } = resident;
        let begins = matches!(how, How::Begins);
        let (mut active, mut exited) = match how {
            How::Arrived(arrived, left) => (vcpu.adopt(operation, arrived), Some(left)),
            How::Begins | How::Called => (vcpu.activate(operation), None),
        };
        if exited.is_none() {
            self.begin_part(&mut active, state, deadline, begins);
            arm(operation, deadline.next());
        }
        active.set_deadline(deadline.next());
        let over = loop {
            let next = match exited.take() {
                Some(left) => Some(self.serve(operation, &mut active, state, left)),
                None => self.run_guest(operation, &mut active, state),
            };
            match next {
                None => break Over::Slice,
                Some(Next::Resume) => {}
                // A kick or a stray tick; the deadline timer fires once, so it is armed again.
                Some(Next::SliceOver) if tsc() < deadline.next() => arm(operation, deadline.next()),
                Some(Next::SliceOver) if tsc() < deadline.at => break Over::Call,
                Some(Next::SliceOver) => match own && self.grace(state, deadline) {
                    true => {
                        active.set_deadline(deadline.next());
                        arm(operation, deadline.next());
                    }
                    false => break Over::Slice,
                },
                Some(Next::Yield) => break Over::Slice,
                Some(Next::YieldTo(id, vcpu)) => break Over::To(id, vcpu, How::Begins),
                Some(Next::TransferTo(id, vcpu)) => break Over::To(id, vcpu, How::Called),
                Some(Next::Moved(arrived, exit)) => break Over::To(state.id, state.vcpu, How::Arrived(arrived, exit)),
                Some(Next::Sleep) => {
                    self.guarded.lock().core.halt(state.id, state.vcpu, deadline.at);
                    break Over::Slice;
                }
                Some(Next::End(end)) => break Over::Environment(end),
            }
        };
        if !matches!(over, Over::To(_, _, How::Arrived(..))) {
            state.rip = active.current.read(hv::vmx::fields::GUEST_RIP);
        }
        over
    }

    /// What a virtual CPU finds when it comes to its part of a slice.
    fn begin_part(&self, active: &mut ActiveVcpu<'_>, state: &mut State, deadline: &mut Deadline, begins: bool) {
        let Guarded { core, spaces } = &mut *self.guarded.lock();
        if let Some(mail) = core.take_mail(state.id, state.vcpu) {
            calls::put(active.registers, &mail);
        }
        deadline.call = core.call_deadline(state.id, state.vcpu);
        let Some(page) = spaces.event_page(state.id.place(), state.vcpu).map(Events) else { return };
        let mut events = core.take_events(state.id, state.vcpu);
        if begins {
            active.counters[counter::SLICES] += 1;
            page.begin_slice(tsc(), deadline.at);
            events |= events::SLICE_BEGIN;
        }
        state.post(&page, events);
    }

    /// Enters the guest until an exit that somebody must act on, and serves it. `None` where it may not run on.
    fn run_guest(
        &self,
        operation: &Operation<'static>,
        active: &mut ActiveVcpu<'_>,
        state: &mut State,
    ) -> Option<Next> {
        let cpu = operation.cpu.as_usize();
        let attention = self.attention(operation.cpu);
        loop {
            if attention.load(Ordering::SeqCst) {
                attention.store(false, Ordering::SeqCst);
                if !self.look(state) {
                    return None;
                }
            }
            state.offer_upcall(active);
            if self.shootdown.enter(cpu, active.space()) {
                operation::flush_all(operation);
            }
            // Again after `enter`: whoever wants this CPU out of its guest sets the word and then looks at what `enter` publishes, so one
            // of the two sees the other.
            if attention.load(Ordering::SeqCst) {
                self.shootdown.leave(cpu);
                continue;
            }
            let result = active.run();
            self.shootdown.leave(cpu);
            let left = match result {
                Ok((left, None)) => left,
                Ok((left, Some(arrived))) => return Some(Next::Moved(arrived, left)),
                Err(failure) => {
                    let rule = exits::broken_rule(active, operation);
                    return Some(Next::End(End::Killed(Reason::Refused(failure, rule))));
                }
            };
            match self.serve(operation, active, state, left) {
                Next::Resume => {}
                next => return Some(next),
            }
        }
    }

    /// Notes an exit and serves it.
    #[inline]
    fn serve(
        &self,
        operation: &Operation<'static>,
        active: &mut ActiveVcpu<'_>,
        state: &mut State,
        left: Left,
    ) -> Next {
        match left {
            Left::Call => {
                state.note(active, &RawExit::CALL);
                calls::call(self, operation, active, state)
            }
            Left::Exit => {
                let exit = active.exit();
                state.note(active, &exit);
                exits::handle(self, operation, active, state, &exit)
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
