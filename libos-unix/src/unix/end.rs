//! The end of threads and processes.

use super::Unix;
use crate::process::{Process, ProcessState, Thread, WaitStatus};
use crate::signal::{ActionFlags, Disposition, Information, Signal};
use alloc::rc::Rc;
use alloc::vec::Vec;

impl Unix {
    /// A thread ends. With its last thread a process ends; its status is then `status`, unless it has one.
    pub fn end_thread(&self, thread: &Rc<Thread>, status: WaitStatus) {
        if thread.is_dead() {
            return;
        }
        self.let_go(thread);
        let last = {
            let mut threads = thread.process.threads.borrow_mut();
            threads.retain(|each| each.id() != thread.id());
            threads.is_empty()
        };
        self.threads.borrow_mut().remove(&thread.id());
        if last {
            thread.process.name.set(thread.name.get());
            self.end(&thread.process, status);
        }
        self.attend();
    }

    /// All threads of a process end, and the process.
    pub fn end_process(&self, process: &Rc<Process>, status: WaitStatus) {
        let threads: Vec<Rc<Thread>> = process.threads.borrow().clone();
        for thread in &threads {
            self.end_thread(thread, status);
        }
    }

    /// All threads but one end: what exec does.
    pub fn end_others(&self, thread: &Rc<Thread>) {
        let threads: Vec<Rc<Thread>> = thread.process.threads.borrow().clone();
        for other in threads.iter().filter(|other| other.id() != thread.id()) {
            self.end_thread(other, WaitStatus::Exited(0));
        }
    }

    /// The thread that has executed is the only one, and its number is the process's.
    pub fn take_leader_id(&self, thread: &Rc<Thread>) {
        let old = thread.id();
        let id = thread.process.id;
        if old != id {
            let mut threads = self.threads.borrow_mut();
            if let Some(me) = threads.remove(&old) {
                me.set_id(id);
                threads.insert(id, me);
            }
        }
    }

    /// What a thread leaves behind for others.
    fn let_go(&self, thread: &Rc<Thread>) {
        crate::futex::leave_robust_list(self, thread);
        self.leave_space(thread);
        let now = self.ticks_of(thread);
        let process = &thread.process;
        let mut times = process.times.get();
        times.user += crate::clock::nanoseconds(now.saturating_sub(thread.system_ticks.get()));
        times.system += crate::clock::nanoseconds(thread.system_ticks.get());
        process.times.set(times);
        if let Some(timer) = thread.timer.take() {
            self.timers.remove(timer);
        }
        thread.end();
        // It may be the current one for a while yet, and nobody waits for that: pipes close now.
        drop(thread.files.replace(Rc::default()));
        self.sockets.collect();
    }

    /// A thread leaves its space, for another or for good: whoever waits for that is told.
    pub fn leave_space(&self, thread: &Rc<Thread>) {
        let word = thread.clear_child_id.take();
        // Where nobody else has the space there is nobody to read it.
        if word != 0 && Rc::strong_count(&thread.space.borrow()) > 1 {
            let space = thread.space();
            let _ = space.borrow_mut().copy_in(word, &0_u32.to_le_bytes());
            self.futexes.wake_at(&space, word, 1);
        }
        let parent = core::mem::take(&mut *thread.vfork_parent.borrow_mut());
        if let Some(parent) = parent.upgrade() {
            parent.unblock();
        }
    }

    fn end(&self, process: &Rc<Process>, status: WaitStatus) {
        process.status.set(status);
        process.set_state(ProcessState::Ended);
        process.news.set(None);
        drop(process.image.take());
        process.interval_timers.stop();
        process.timers.clear();
        drop(process.holds.take());
        if process.session.get() == process.id {
            self.give_terminal_up(process);
        }
        self.hang_up(process);
        self.give_away_children(process);
        if self.main.get() == Some(process.id) {
            self.outcome.set(Some(status));
        }
        let parent = process.parent.borrow().upgrade();
        match parent {
            Some(parent) if parent.id != self.init.id => self.report(process, &parent, status),
            _ => self.forget_process(process),
        }
    }

    /// Children go to the nearest ancestor that takes orphans in.
    fn give_away_children(&self, process: &Rc<Process>) {
        let children: Vec<Rc<Process>> = process.children.take().into_values().collect();
        let heir = self.heir_of(process);
        for child in children {
            *child.parent.borrow_mut() = Rc::downgrade(&heir);
            if let Some(signal) = Signal::new(child.parent_death_signal.get()) {
                self.send(&child, Information::sent(signal, 0, process.id, self.user_of(process)));
            }
            if child.state() != ProcessState::Ended {
                heir.children.borrow_mut().insert(child.id, child);
            } else if heir.id == self.init.id {
                self.forget_process(&child);
            } else {
                heir.children.borrow_mut().insert(child.id, Rc::clone(&child));
                child.exit_signal.set(Signal::CHILD.number().into());
                self.report(&child, &heir, child.status.get());
            }
        }
    }

    fn heir_of(&self, process: &Process) -> Rc<Process> {
        let mut heir = process.parent.borrow().upgrade();
        while let Some(candidate) = heir {
            if candidate.is_subreaper.get() && candidate.state() != ProcessState::Ended {
                return candidate;
            }
            heir = candidate.parent.borrow().upgrade();
        }
        Rc::clone(&self.init)
    }

    /// Tells a parent that a child has ended.
    fn report(&self, process: &Rc<Process>, parent: &Rc<Process>, status: WaitStatus) {
        let signal = Signal::new(process.exit_signal.get());
        let forgets = signal == Some(Signal::CHILD) && {
            let actions = parent.actions.borrow();
            let actions = actions.borrow();
            let action = actions.get(Signal::CHILD);
            action.disposition == Disposition::Ignore || action.flags.contains(ActionFlags::NOCLDWAIT)
        };
        if let Some(signal) = signal {
            let (code, number) = status.child_code();
            let information = Information::child(code, process.id, self.user_of(process), number);
            self.send(parent, Information { signal, ..information });
        }
        if forgets {
            self.forget_process(process);
        }
        parent.waiting.wake_all();
    }

    /// A process that has ended leaves nothing to wait for.
    pub(super) fn forget_process(&self, process: &Rc<Process>) {
        if let Some(parent) = process.parent.borrow().upgrade() {
            parent.children.borrow_mut().remove(&process.id);
        }
        self.processes.borrow_mut().remove(&process.id);
    }
}
