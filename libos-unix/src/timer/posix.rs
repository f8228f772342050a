//! Timers that a process makes for itself: timer_create(2).

use super::{Interval, TimerClock};
use crate::errno::{Errno, Result};
use crate::process::{Process, Thread};
use crate::schedule::{Expire, TimerHandle};
use crate::signal::{Information, Signal};
use crate::unix::Unix;
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};

/// Timers of one process.
pub const MOST: usize = 1024;

/// Who is told when it expires, and what.
#[derive(Clone, Debug)]
pub struct Notify {
    /// The signal; `None` where nobody is told.
    pub signal: Option<Signal>,
    /// What comes with it.
    pub value: u64,
    /// One thread; else the process.
    pub thread: Option<Weak<Thread>>,
}

/// A timer.
#[derive(Debug)]
pub struct PosixTimer {
    me: Weak<PosixTimer>,
    id: u32,
    process: Weak<Process>,
    notify: Notify,
    /// The clock's number, as the program said.
    pub clock: i32,
    /// What it runs by.
    pub runs_by: TimerClock,
    interval: Cell<Interval>,
    handle: Cell<Option<TimerHandle>>,
    /// How often it has expired since the signal that was sent last.
    overrun: Cell<u64>,
}

impl PosixTimer {
    /// What it does, by its clock.
    #[must_use]
    pub const fn get(&self) -> Interval {
        self.interval.get()
    }

    /// How often it has expired while its last signal waited.
    #[must_use]
    pub fn overrun(&self) -> u64 {
        self.overrun.get().min(i32::MAX as u64)
    }

    /// Has it do something else.
    pub fn set(&self, unix: &Unix, interval: Interval) {
        if let Some(handle) = self.handle.take() {
            unix.timers.remove(handle);
        }
        self.interval.set(interval);
        if let (Some(next), TimerClock::Monotonic) = (interval.next, self.runs_by) {
            self.handle.set(Some(unix.timers.add(next, self.me.clone(), 0)));
        }
    }

    fn tell(&self, unix: &Unix, missed: u64) {
        let (Some(process), Some(signal)) = (self.process.upgrade(), self.notify.signal) else { return };
        let thread = match &self.notify.thread {
            None => None,
            Some(thread) => match thread.upgrade() {
                Some(thread) => Some(thread),
                None => return,
            },
        };
        let pending = thread.as_ref().map_or(&process.pending, |thread| &thread.pending);
        let overrun = self.overrun.get().saturating_add(1 + missed).min(i32::MAX as u64);
        if pending.borrow_mut().set_overrun(self.id, overrun as u32) {
            self.overrun.set(overrun);
            return;
        }
        self.overrun.set(missed);
        let information = Information::timer(signal, self.id, missed.min(i32::MAX as u64) as u32, self.notify.value);
        match thread {
            Some(thread) => unix.send_to_thread(&thread, information),
            None => unix.send(&process, information),
        };
    }
}

impl Expire for PosixTimer {
    fn expire(&self, unix: &Unix, deadline: u64, now: u64, _tag: u64) {
        self.handle.set(None);
        let (next, missed) = self.interval.get().after(deadline, now);
        self.set(unix, next);
        self.tell(unix, missed);
    }
}

/// Those of a process.
#[derive(Debug, Default)]
pub struct PosixTimers {
    table: RefCell<BTreeMap<u32, Rc<PosixTimer>>>,
    next: Cell<u32>,
}

impl PosixTimers {
    /// Makes one, which does not run yet; its number.
    ///
    /// # Errors
    /// EAGAIN where there are too many.
    pub fn make(
        &self,
        process: &Rc<Process>,
        clock: i32,
        runs_by: TimerClock,
        notify: impl FnOnce(u32) -> Notify,
    ) -> Result<u32> {
        let mut table = self.table.borrow_mut();
        if table.len() >= MOST {
            return Err(Errno::EAGAIN);
        }
        let mut id = self.next.get();
        while table.contains_key(&id) {
            id = (id + 1) & i32::MAX as u32;
        }
        self.next.set((id + 1) & i32::MAX as u32);
        let (interval, handle, overrun) = (Cell::default(), Cell::new(None), Cell::new(0));
        let process = Rc::downgrade(process);
        let notify = notify(id);
        let timer = Rc::new_cyclic(|me| PosixTimer {
            me: Weak::clone(me),
            id,
            process,
            notify,
            clock,
            runs_by,
            interval,
            handle,
            overrun,
        });
        table.insert(id, timer);
        Ok(id)
    }

    /// One of them.
    ///
    /// # Errors
    /// EINVAL.
    pub fn get(&self, id: u32) -> Result<Rc<PosixTimer>> {
        self.table.borrow().get(&id).cloned().ok_or(Errno::EINVAL)
    }

    /// Removes one.
    ///
    /// # Errors
    /// EINVAL.
    pub fn remove(&self, unix: &Unix, id: u32) -> Result<()> {
        let timer = self.table.borrow_mut().remove(&id).ok_or(Errno::EINVAL)?;
        timer.set(unix, Interval::default());
        Ok(())
    }

    /// The process has run for `now`: those that go by that expire.
    pub(super) fn pass(&self, unix: &Unix, now: u64) {
        if self.table.borrow().is_empty() {
            return;
        }
        let due = |timer: &&Rc<PosixTimer>| {
            timer.runs_by == TimerClock::Processor && timer.get().next.is_some_and(|next| next <= now)
        };
        let due: alloc::vec::Vec<_> = self.table.borrow().values().filter(due).cloned().collect();
        for timer in due {
            timer.expire(unix, timer.get().next.unwrap_or(now), now, 0);
        }
    }

    /// All go.
    pub fn clear(&self, unix: &Unix) {
        for timer in self.table.take().into_values() {
            timer.set(unix, Interval::default());
        }
    }
}
