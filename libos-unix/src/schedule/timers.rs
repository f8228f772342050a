//! Times at which something is to happen.

use crate::unix::Unix;
use alloc::collections::BTreeMap;
use alloc::rc::Weak;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};
use core::fmt;

/// Hears that its time has come.
pub trait Expire: fmt::Debug {
    /// It is `now`, and it asked for `deadline`, both in nanoseconds of the monotonic clock. `tag` is what it asked with.
    fn expire(&self, unix: &Unix, deadline: u64, now: u64, tag: u64);
}

/// What one asked for, to take it back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct TimerHandle {
    deadline: u64,
    number: u64,
}

/// Who wants to hear, and the tag that he asked with.
type Wish = (Weak<dyn Expire>, u64);

/// All that is to happen.
#[derive(Debug, Default)]
pub struct Timers {
    entries: RefCell<BTreeMap<TimerHandle, Wish>>,
    next: Cell<u64>,
}

impl Timers {
    /// Has somebody hear of a time, while he is there.
    pub fn add(&self, deadline: u64, who: Weak<dyn Expire>, tag: u64) -> TimerHandle {
        let number = self.next.replace(self.next.get() + 1);
        let handle = TimerHandle { deadline, number };
        self.entries.borrow_mut().insert(handle, (who, tag));
        handle
    }

    /// Takes a wish back; whether it was still there.
    pub fn remove(&self, handle: TimerHandle) -> bool {
        self.entries.borrow_mut().remove(&handle).is_some()
    }

    /// The time at which something is to happen next.
    #[must_use]
    pub fn next(&self) -> Option<u64> {
        self.entries.borrow().first_key_value().map(|(handle, _)| handle.deadline)
    }

    /// Lets everything happen whose time has come.
    pub fn run(&self, unix: &Unix, now: u64) {
        let mut due = Vec::new();
        {
            let mut entries = self.entries.borrow_mut();
            while let Some(first) = entries.first_entry().filter(|first| first.key().deadline <= now) {
                let (handle, (who, tag)) = first.remove_entry();
                due.push((handle.deadline, who, tag));
            }
        }
        if !due.is_empty() {
            unix.attend();
        }
        for (deadline, who, tag) in due {
            if let Some(who) = who.upgrade() {
                who.expire(unix, deadline, now, tag);
            }
        }
    }
}
