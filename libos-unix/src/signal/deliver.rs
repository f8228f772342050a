//! What becomes of signals that wait when their thread is about to go on in ring 3.

use super::frame::push_frame;
use super::{Action, ActionFlags, DefaultAction, Disposition, Information, Signal, SignalSet};
use crate::machine::Registers;
use crate::process::{Process, Thread, WaitStatus};
use crate::syscall::Restart;
use crate::unix::Unix;
use alloc::rc::Rc;

/// Takes every signal that a thread does not block, until it runs a handler with nothing more to take, stops or ends.
pub fn deliver(unix: &Unix, thread: &Rc<Thread>) {
    while thread.can_run() && unix.has_signal(thread) {
        let wanted = !thread.mask.get();
        let Some(information) = thread.take_signal(wanted) else { break };
        let signal = information.signal;
        let action = *thread.process.actions.borrow().borrow().get(signal);
        match action.disposition {
            Disposition::Ignore => {}
            Disposition::Default => by_default(unix, thread, signal),
            Disposition::Handler(address) => {
                let mut registers = thread.context.registers();
                if thread.in_call.get() {
                    leave_call(thread, &mut registers, &action);
                }
                enter_handler(unix, thread, &mut registers, &information, &action, address);
                thread.context.set_registers(&registers);
            }
        }
    }
    if !thread.in_call.get()
        && let Some(mask) = thread.saved_mask.take()
    {
        thread.mask.set(mask);
        unix.attend_if_signalled(thread);
    }
}

impl Thread {
    /// Takes one that waits for it or for its process, of those wanted. The timer that sent it goes on.
    pub fn take_signal(&self, wanted: SignalSet) -> Option<Information> {
        let own = self.pending.borrow_mut().take(wanted);
        let mut information = own.or_else(|| self.process.pending.borrow_mut().take(wanted))?;
        self.process.timers.taken(&mut information);
        self.process.interval_timers.resume(information.signal);
        Some(information)
    }
}

fn by_default(unix: &Unix, thread: &Rc<Thread>, signal: Signal) {
    let process: &Rc<Process> = &thread.process;
    match signal.default_action() {
        DefaultAction::Ignore | DefaultAction::Continue => {}
        DefaultAction::Stop => {
            // Nobody could have it go on.
            if signal == Signal::STOP || !unix.is_orphaned(process.group.get()) {
                unix.stop(process, signal);
            }
        }
        DefaultAction::End => unix.end_process(process, WaitStatus::Killed(signal, false)),
        DefaultAction::Dump => unix.end_process(process, WaitStatus::Killed(signal, dumps(process))),
    }
}

/// There are no core files; what wait(2) says of them follows the limit, as on Linux.
fn dumps(process: &Process) -> bool {
    process.limits.get().soft(crate::process::Resource::Core) != 0 && process.dumpable.get()
}

/// Makes the registers of a thread those with which a handler begins.
pub fn enter_handler(
    unix: &Unix,
    thread: &Rc<Thread>,
    registers: &mut Registers,
    information: &Information,
    action: &Action,
    handler: u64,
) {
    let signal = information.signal;
    if action.flags.contains(ActionFlags::RESETHAND) {
        thread
            .process
            .actions
            .borrow()
            .borrow_mut()
            .set(signal, Action { disposition: Disposition::Default, ..*action });
    }
    let before = thread.saved_mask.take().unwrap_or(thread.mask.get());
    if push_frame(thread, registers, information, action, handler, before).is_err() {
        // Its stack cannot hold the frame.
        let actions = thread.process.actions.borrow().clone();
        if signal == Signal::SEGMENT {
            actions.borrow_mut().set(Signal::SEGMENT, Action::default());
        }
        unix.force(thread, Information::kernel(Signal::SEGMENT));
        return;
    }
    let mut mask = thread.mask.get() | action.mask;
    if !action.flags.contains(ActionFlags::NODEFER) {
        mask = mask.with(signal);
    }
    thread.mask.set(mask);
}

/// A handler runs in the middle of a call that waits: it is over, or made again afterwards.
fn leave_call(thread: &Thread, registers: &mut Registers, action: &Action) {
    /// Bytes of the instruction SYSCALL.
    const SYSCALL: u64 = 2;
    let again = thread.restart.get() == Restart::IfAsked && action.flags.contains(ActionFlags::RESTART);
    if again {
        registers.rip -= SYSCALL;
    } else {
        registers.rax = crate::errno::Errno::EINTR.as_result();
    }
    thread.in_call.set(false);
    thread.progress.set(crate::process::Progress::default());
}
