//! Between a program's leaving ring 3 and somebody's coming back to it: signals, calls that are made again, the next thread.

use super::Unix;
use crate::clock;
use crate::machine;
use crate::process::Thread;
use crate::{signal, syscall};
use alloc::rc::Rc;

impl Unix {
    /// Returns when the current thread is one that goes on in ring 3, with nothing left to do for it before.
    pub fn settle(&self) {
        if self.current.borrow().as_ref().is_some_and(|thread| self.goes_on(thread)) {
            return;
        }
        loop {
            if self.outcome.get().is_some() {
                return;
            }
            if self.timers.next().is_some_and(|next| next <= clock::monotonic()) {
                self.timers.run(self, clock::monotonic());
            }
            self.serve_terminals();
            if machine::take_emergency() {
                self.relieve();
            }
            // What is asked for from here on is asked of the next time round: timers may come faster than that takes.
            self.attention.set(false);
            let Some(thread) = self.choose() else {
                self.idle();
                continue;
            };
            self.switch_to(&thread);
            if self.is_settled(&thread) && !self.attention.get() {
                return;
            }
        }
    }

    /// Whether the thread that has the CPU simply goes on: nobody wants attention, and nothing waits for it.
    #[inline]
    pub(super) fn goes_on(&self, thread: &Thread) -> bool {
        let is_free = thread.can_run() && !thread.in_call.get() && thread.saved_mask.get().is_none();
        is_free && !self.attention.get() && !self.has_signal(thread)
    }

    /// Who runs next: the current thread, as long as it can and its time is not over.
    fn choose(&self) -> Option<Rc<Thread>> {
        let current = self.current().filter(|current| current.can_run());
        let preempted = self.preempted.take();
        if preempted {
            self.outside.poll(self);
            machine::refill_reserve();
            if let Some(current) = &current {
                self.count_processor_time(&current.process);
            }
        }
        match current {
            Some(current) if !preempted || self.ready.is_empty() => Some(current),
            Some(current) => {
                current.enqueue();
                self.ready.pop()
            }
            None => self.ready.pop(),
        }
    }

    /// Whether a thread goes on in ring 3 now; signals and the call that it is in may be in the way.
    fn is_settled(&self, thread: &Rc<Thread>) -> bool {
        if thread.in_call.get() && !syscall::again(self, thread) && !self.is_interrupted(thread) {
            return false;
        }
        if self.has_signal(thread) || thread.saved_mask.get().is_some() {
            signal::deliver(self, thread);
        }
        thread.can_run() && !thread.in_call.get()
    }
}
