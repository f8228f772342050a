//! Timers that a process makes for itself: timer_create(2).

use super::{AlarmClock, Interval, TimerClock};
use crate::clock::monotonic;
use crate::errno::{Errno, Result};
use crate::process::{Process, Thread};
use crate::schedule::Expire;
use crate::signal::{Information, Signal, code};
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
    pub clock_id: i32,
    /// What it runs by.
    pub runs_by: TimerClock,
    clock: AlarmClock,
    /// How often it has expired since the signal that was sent last.
    overrun: Cell<u64>,
}

impl PosixTimer {
    /// What it does, by its clock.
    #[must_use]
    pub fn get(&self, now: u64) -> Interval {
        self.clock.interval().forward(now).0
    }

    /// How often it has expired while its last signal waited.
    #[must_use]
    pub fn overrun(&self) -> u64 {
        self.overrun.get().min(i32::MAX as u64)
    }

    /// Has it do something else.
    pub fn set(&self, interval: Interval) {
        self.clock.set(interval, self.hears());
    }

    /// Who is told of time as it passes.
    fn hears(&self) -> Option<Weak<dyn Expire>> {
        if self.runs_by == TimerClock::Monotonic && self.notify.signal.is_some() { Some(self.me.clone()) } else { None }
    }

    /// Its signal was taken, or would be seen from now on: it goes on. How often it has expired meanwhile.
    fn resume(&self) -> u64 {
        self.hears().map_or(0, |hears| self.clock.resume(monotonic(), hears))
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
        let sent = match thread {
            Some(thread) => unix.send_to_thread(&thread, information),
            None => unix.send(&process, information),
        };
        if !sent {
            process.timers.is_stalled.set(true);
        }
    }
}

impl Expire for PosixTimer {
    fn expire(&self, unix: &Unix, _deadline: u64, now: u64, _tag: u64) {
        let times = self.clock.expire(now);
        self.tell(unix, times.saturating_sub(1));
    }
}

/// Those of a process.
#[derive(Debug, Default)]
pub struct PosixTimers {
    table: RefCell<BTreeMap<u32, Rc<PosixTimer>>>,
    next: Cell<u32>,
    /// One rests whose signal had no room.
    is_stalled: Cell<bool>,
}

impl PosixTimers {
    /// Makes one, which does not run yet; its number.
    ///
    /// # Errors
    /// EAGAIN where there are too many.
    pub fn make(
        &self,
        unix: &Unix,
        process: &Rc<Process>,
        clock_id: i32,
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
        let (clock, overrun) = (AlarmClock::new(&unix.timers), Cell::new(0));
        let process = Rc::downgrade(process);
        let notify = notify(id);
        let timer = Rc::new_cyclic(|me| PosixTimer {
            me: Weak::clone(me),
            id,
            process,
            notify,
            clock_id,
            runs_by,
            clock,
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
    pub fn remove(&self, id: u32) -> Result<()> {
        self.table.borrow_mut().remove(&id).map(drop).ok_or(Errno::EINVAL)
    }

    /// A signal is about to be handled: if it is a timer's, that goes on, and says how often it has expired by now.
    pub fn taken(&self, information: &mut Information) {
        if self.is_stalled.take() {
            self.resume_each(|_| true);
        }
        if information.code != code::TIMER {
            return;
        }
        let id = information.fields[0] as u32;
        let timer = self.table.borrow().get(&id).cloned();
        if let Some(timer) = timer.filter(|timer| timer.clock.interval().next.is_some()) {
            timer.overrun.set(timer.overrun().saturating_add(timer.resume()));
            *information = Information::timer(information.signal, id, timer.overrun() as u32, information.fields[1]);
        }
    }

    /// A signal would be seen from now on: its timers go on.
    pub fn resume(&self, signal: Signal) {
        self.resume_each(|timer| timer.notify.signal == Some(signal));
    }

    fn resume_each(&self, which: impl Fn(&PosixTimer) -> bool) {
        let table = self.table.borrow();
        for timer in table.values().filter(|timer| which(timer) && timer.clock.interval().next.is_some()) {
            timer.resume();
        }
    }

    /// The process has run for `now`: those that go by that expire.
    pub(super) fn pass(&self, unix: &Unix, now: u64) {
        if self.table.borrow().is_empty() {
            return;
        }
        let due = |timer: &&Rc<PosixTimer>| {
            timer.runs_by == TimerClock::Processor && timer.clock.interval().next.is_some_and(|next| next <= now)
        };
        let due: alloc::vec::Vec<_> = self.table.borrow().values().filter(due).cloned().collect();
        for timer in due {
            timer.expire(unix, now, now, 0);
        }
    }

    /// All go.
    pub fn clear(&self) {
        self.table.take();
    }
}
