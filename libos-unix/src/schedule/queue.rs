//! Threads that can run, in the order in which they became able to.

use crate::process::Thread;
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use core::cell::RefCell;

/// The queue. Threads put themselves in when they are woken.
#[derive(Debug, Default)]
pub struct RunQueue {
    threads: RefCell<VecDeque<Rc<Thread>>>,
}

impl RunQueue {
    /// Puts a thread behind all others, unless it is in.
    pub fn push(&self, thread: Rc<Thread>) {
        if !thread.queued.replace(true) {
            self.threads.borrow_mut().push_back(thread);
        }
    }

    /// Takes the first that can run. Others leave the queue: what makes them able to run puts them back.
    pub fn pop(&self) -> Option<Rc<Thread>> {
        loop {
            let thread = self.threads.borrow_mut().pop_front()?;
            thread.queued.set(false);
            if thread.can_run() {
                return Some(thread);
            }
        }
    }

    /// Whether somebody waits for the CPU.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.threads.borrow().is_empty()
    }

    /// How many wait.
    #[must_use]
    pub fn len(&self) -> usize {
        self.threads.borrow().len()
    }
}
