//! Choosing who runs, and making it so.

use super::Unix;
use crate::clock;
use crate::machine;
use crate::process::Thread;
use alloc::rc::Rc;
use core::sync::atomic::Ordering;

impl Unix {
    /// Who has the CPU.
    #[must_use]
    pub fn current(&self) -> Option<Rc<Thread>> {
        self.current.borrow().clone()
    }

    /// A slice has come to its end: whoever else can run is to have the next.
    pub fn preempt(&self) {
        self.preempted.set(true);
        self.attention.set(true);
    }

    /// A program has left ring 3 by a system call: makes it. Where there is more to do it settles who goes on; false then.
    pub fn system_call(&self, thread: &Rc<Thread>) -> bool {
        if crate::syscall::dispatch(self, thread) {
            return true;
        }
        self.settle();
        false
    }

    /// The same, where the entry code has had the handler called.
    #[cfg(target_os = "none")]
    pub(crate) fn after_call(&self, thread: &Rc<Thread>, made: crate::syscall::Made) {
        crate::syscall::after(self, thread, made);
        self.settle();
    }

    /// The current thread's space is the one in force; whoever may have changed that says so.
    pub fn activate(&self, thread: &Rc<Thread>) {
        machine::activate(thread, thread.space.borrow().borrow().root());
    }

    /// Gives the CPU to somebody.
    pub(super) fn switch_to(&self, thread: &Rc<Thread>) {
        let before = self.current.replace(Some(Rc::clone(thread)));
        if before.as_ref().is_some_and(|before| Rc::ptr_eq(before, thread)) {
            return;
        }
        let now = machine::ticks();
        let since = SINCE.swap(now, Ordering::Relaxed);
        if let Some(before) = &before {
            before.ticks.set(before.ticks.get() + now.saturating_sub(since));
            machine::save(&before.context);
        }
        self.activate(thread);
    }

    /// TSC ticks that the current thread has run since it was given the CPU.
    #[must_use]
    pub fn ticks_of(&self, thread: &Thread) -> u64 {
        let current = self.current.borrow().as_ref().is_some_and(|current| current.id() == thread.id());
        let running = machine::ticks().saturating_sub(SINCE.load(Ordering::Relaxed));
        thread.ticks.get() + if current { running } else { 0 }
    }

    /// Waits until somebody can run.
    pub(super) fn idle(&self) {
        self.outside.poll(self);
        self.timers.run(self, clock::monotonic());
        // A key may have come that wakes nobody, but sends a signal.
        self.serve_terminals();
        if self.ready.is_empty() {
            let before = machine::ticks();
            self.outside.sleep(self.timers.next());
            IDLE.fetch_add(machine::ticks().saturating_sub(before), Ordering::Relaxed);
            // Nobody had this time.
            SINCE.fetch_add(machine::ticks().saturating_sub(before), Ordering::Relaxed);
            self.outside.poll(self);
            self.timers.run(self, clock::monotonic());
        }
    }

    /// TSC ticks in which nobody could run.
    #[must_use]
    pub fn idle_ticks() -> u64 {
        IDLE.load(Ordering::Relaxed)
    }
}

/// TSC at which the current thread was given the CPU.
static SINCE: core::sync::atomic::AtomicU64 = core::sync::atomic::AtomicU64::new(0);
static IDLE: core::sync::atomic::AtomicU64 = core::sync::atomic::AtomicU64::new(0);
