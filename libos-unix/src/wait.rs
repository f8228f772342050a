//! Waiting: queues of those who want to hear that something has changed.
//!
//! Nothing here blocks. A system call that cannot go on enters the queues of what it waits for and is made again, from its
//! beginning, once one of them wakes its thread; who wakes says nothing of what there is, so who is woken looks.

use crate::file::Ready;
use alloc::rc::Weak;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;

/// Hears of a change.
pub trait Wake: fmt::Debug {
    /// What one has waited for may be there. `visit` is what was said on entering the queue; who has since stopped waiting under that
    /// number does nothing; `what` it may be ready for now. Called while files are in the middle of their work: it must not call back into them.
    fn wake(&self, visit: u64, what: Ready);

    /// Whether an entry under that number is of no use any more.
    fn is_over(&self, visit: u64) -> bool;
}

/// Those who wait for the same thing. The queue keeps nobody: who has gone waits no more.
#[derive(Debug, Default)]
pub struct WaitQueue {
    entries: RefCell<Vec<Entry>>,
    /// Entries at which those that are over are looked for.
    limit: Cell<usize>,
}

#[derive(Clone, Debug)]
struct Entry {
    who: Weak<dyn Wake>,
    visit: u64,
}

impl Entry {
    fn is_over(&self) -> bool {
        self.who.upgrade().is_none_or(|who| who.is_over(self.visit))
    }

    fn wake(&self, what: Ready) {
        if let Some(who) = self.who.upgrade() {
            who.wake(self.visit, what);
        }
    }
}

impl WaitQueue {
    /// An empty one.
    #[must_use]
    pub const fn new() -> Self {
        Self { entries: RefCell::new(Vec::new()), limit: Cell::new(8) }
    }

    /// Adds somebody until he is woken, or is over.
    pub fn enter(&self, who: Weak<dyn Wake>, visit: u64) {
        let mut entries = self.entries.borrow_mut();
        if entries.len() >= self.limit.get() {
            entries.retain(|entry| !entry.is_over());
            self.limit.set((entries.len() * 2).max(8));
        }
        entries.push(Entry { who, visit });
    }

    /// Wakes everybody, once.
    pub fn wake_all(&self) {
        self.wake_for(Ready::all());
    }

    /// Wakes everybody, once, and says what for.
    pub fn wake_for(&self, what: Ready) {
        if self.entries.borrow().is_empty() {
            return;
        }
        // Who is woken may enter again at once.
        let mut woken = self.entries.take();
        for entry in woken.drain(..) {
            entry.wake(what);
        }
        // The memory serves the next.
        let mut entries = self.entries.borrow_mut();
        if entries.is_empty() {
            *entries = woken;
        }
    }

    /// Wakes the first `count` that still wait; how many.
    pub fn wake(&self, count: usize) -> usize {
        let mut woken = 0;
        while woken < count {
            let mut entries = self.entries.borrow_mut();
            let Some(position) = entries.iter().position(|entry| !entry.is_over()) else {
                entries.clear();
                break;
            };
            let entry = entries.remove(position);
            entries.drain(..position);
            drop(entries);
            entry.wake(Ready::all());
            woken += 1;
        }
        woken
    }

    /// Whether nobody waits.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.borrow().iter().all(Entry::is_over)
    }
}
