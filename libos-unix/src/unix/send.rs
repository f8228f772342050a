//! Sending signals.

use super::Unix;
use crate::event::SignalFile;
use crate::machine::Registers;
use crate::process::{Process, ProcessState, Thread, WaitStatus};
use crate::signal::{self, Disposition, Information, Signal, SignalSet};
use crate::syscall::Restart;
use alloc::rc::Rc;

impl Unix {
    /// Whether a signal waits that a thread does not block.
    #[inline]
    #[must_use]
    pub fn has_signal(&self, thread: &Thread) -> bool {
        let pending = thread.pending.borrow().set() | thread.process.pending.borrow().set();
        !(pending & !thread.mask.get()).is_empty()
    }

    /// Whether a signal ends the waiting of a thread in a call.
    pub(crate) fn is_interrupted(&self, thread: &Thread) -> bool {
        let killed = thread.process.pending.borrow().set().contains(Signal::KILL);
        killed || (thread.restart.get() != Restart::Uninterruptible && self.has_signal(thread))
    }

    /// Has everything looked at before a thread goes on, if there is a signal for it.
    pub fn attend_if_signalled(&self, thread: &Thread) {
        if self.has_signal(thread) {
            self.attend();
        }
    }

    /// Processor time of a process's threads, also those that have ended.
    #[must_use]
    pub fn time_of(&self, process: &Process) -> u64 {
        let ended = process.times.get();
        let running: u64 = process.threads.borrow().iter().map(|thread| self.ticks_of(thread)).sum();
        ended.user + ended.system + crate::clock::nanoseconds(running)
    }

    /// Sends a signal to a process: any thread that does not block it takes it. False where its queue was full.
    pub fn send(&self, process: &Rc<Process>, information: Information) -> bool {
        if !self.prepare(process, information.signal) {
            return true;
        }
        let signal = information.signal;
        let taker = {
            let threads = process.threads.borrow();
            let takes = |thread: &&Rc<Thread>| !thread.mask.get().contains(signal) && !thread.is_dead();
            threads.iter().find(takes).cloned()
        };
        if self.is_lost(process, signal, taker.is_some()) {
            return true;
        }
        let added = process.add_pending(information);
        if let Some(thread) = taker {
            self.interrupt(&thread);
        }
        self.notice_signal();
        added
    }

    /// Sends a signal to one thread.
    pub fn send_to_thread(&self, thread: &Rc<Thread>, information: Information) -> bool {
        let signal = information.signal;
        if !self.prepare(&thread.process, signal) {
            return true;
        }
        let takes = !thread.mask.get().contains(signal);
        if self.is_lost(&thread.process, signal, takes) {
            return true;
        }
        let added = thread.pending.borrow_mut().add(information);
        if takes {
            self.interrupt(thread);
        }
        self.notice_signal();
        added
    }

    /// A file that shows signals to whoever reads it.
    pub fn add_signal_file(&self, file: &Rc<SignalFile>) {
        let mut files = self.signal_files.borrow_mut();
        files.retain(|file| file.strong_count() != 0);
        files.push(Rc::downgrade(file));
    }

    fn notice_signal(&self) {
        let files = self.signal_files.borrow();
        files.iter().filter_map(alloc::rc::Weak::upgrade).for_each(|file| file.notice());
    }

    /// A signal that an instruction of the thread has caused: blocking and ignoring it do not help.
    pub fn force(&self, thread: &Rc<Thread>, information: Information) {
        let signal = information.signal;
        let actions = thread.process.actions.borrow().clone();
        let mut action = *actions.borrow().get(signal);
        let blocked = thread.mask.get().contains(signal);
        if blocked || action.disposition == Disposition::Ignore {
            action.disposition = Disposition::Default;
            actions.borrow_mut().set(signal, action);
            thread.mask.set(thread.mask.get().without(signal));
        }
        thread.pending.borrow_mut().add(information);
        self.attend();
    }

    /// The same for the thread that has the CPU, with these registers, where nothing else is to be done first: they become those of its
    /// handler. False where it has none, or something is.
    pub fn force_at_once(&self, thread: &Rc<Thread>, registers: &mut Registers, information: &Information) -> bool {
        let signal = information.signal;
        let action = *thread.process.actions.borrow().borrow().get(signal);
        match action.disposition {
            Disposition::Handler(address) if !thread.mask.get().contains(signal) && self.goes_on(thread) => {
                signal::enter_handler(self, thread, registers, information, &action, address);
                true
            }
            _ => false,
        }
    }

    /// A thread looks at its signals, whatever it waits for.
    fn interrupt(&self, thread: &Rc<Thread>) {
        self.attend();
        thread.unblock();
    }

    /// Nobody will ever see it: it is ignored, and not blocked by somebody who may yet change his mind.
    fn is_lost(&self, process: &Process, signal: Signal, takes: bool) -> bool {
        takes && signal != Signal::KILL && process.actions.borrow().borrow().ignores(signal)
    }

    /// What a signal does before anybody takes it: going on ends stopping, and stopping going on. False where nobody is left to take it.
    fn prepare(&self, process: &Rc<Process>, signal: Signal) -> bool {
        if process.state() == ProcessState::Ended {
            return false;
        }
        if signal == Signal::CONTINUE {
            self.forget(process, SignalSet::STOPS);
            self.resume(process, true);
        } else if SignalSet::STOPS.contains(signal) {
            self.forget(process, SignalSet::of(Signal::CONTINUE));
        } else if signal == Signal::KILL {
            self.resume(process, false);
        }
        // Number 1 has nobody to take anything.
        !process.threads.borrow().is_empty()
    }

    fn forget(&self, process: &Process, signals: SignalSet) {
        process.pending.borrow_mut().discard(signals);
        for thread in process.threads.borrow().iter() {
            thread.pending.borrow_mut().discard(signals);
        }
    }

    /// A stopped process goes on; its parent is told where `tell`.
    fn resume(&self, process: &Rc<Process>, tell: bool) {
        if process.state() != ProcessState::Stopped {
            return;
        }
        process.set_state(ProcessState::Running);
        process.threads.borrow().iter().for_each(|thread| thread.enqueue());
        self.attend();
        if tell {
            self.tell_parent(process, WaitStatus::Continued);
        }
    }

    /// A process stops.
    pub(crate) fn stop(&self, process: &Rc<Process>, signal: Signal) {
        process.set_state(ProcessState::Stopped);
        self.attend();
        self.tell_parent(process, WaitStatus::Stopped(signal));
    }

    /// A child has stopped or goes on.
    fn tell_parent(&self, process: &Rc<Process>, status: WaitStatus) {
        process.news.set(Some(status));
        let Some(parent) = process.parent.borrow().upgrade() else { return };
        let silent = {
            let actions = parent.actions.borrow();
            let actions = actions.borrow();
            actions.get(Signal::CHILD).flags.contains(crate::signal::ActionFlags::NOCLDSTOP)
        };
        if !silent {
            let (code, number) = status.child_code();
            self.send(&parent, Information::child(code, process.id, self.user_of(process), number));
        }
        parent.waiting.wake_all();
    }

    /// The real user of a process.
    #[must_use]
    pub fn user_of(&self, process: &Process) -> u32 {
        process.user.get()
    }
}
