//! Timers that send signals: setitimer(2), alarm(2).
//!
//! ITIMER_VIRTUAL and ITIMER_PROF run by the clock, as ITIMER_REAL does: see CAVEATS.

use crate::process::Process;
use crate::schedule::{Expire, TimerHandle};
use crate::signal::{Information, Signal};
use crate::unix::Unix;
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, OnceCell};

/// When a timer expires next, and how often then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Nanoseconds of the monotonic clock; `None` where it does not run.
    pub next: Option<u64>,
    /// Nanoseconds; 0 is once.
    pub period: u64,
}

/// One of a process's three timers.
#[derive(Debug)]
pub struct IntervalTimer {
    me: Weak<IntervalTimer>,
    process: Weak<Process>,
    signal: Signal,
    interval: Cell<Interval>,
    handle: Cell<Option<TimerHandle>>,
}

impl IntervalTimer {
    /// One that does not run.
    #[must_use]
    pub fn new(process: &Rc<Process>, signal: Signal) -> Rc<Self> {
        let process = Rc::downgrade(process);
        let (interval, handle) = (Cell::default(), Cell::new(None));
        Rc::new_cyclic(|me| Self { me: Weak::clone(me), process, signal, interval, handle })
    }

    /// What it does.
    #[must_use]
    pub const fn get(&self) -> Interval {
        self.interval.get()
    }

    /// Has it do something else.
    pub fn set(&self, unix: &Unix, interval: Interval) {
        if let Some(handle) = self.handle.take() {
            unix.timers.remove(handle);
        }
        self.interval.set(interval);
        if let Some(next) = interval.next {
            self.handle.set(Some(unix.timers.add(next, self.me.clone(), 0)));
        }
    }
}

impl Expire for IntervalTimer {
    fn expire(&self, unix: &Unix, deadline: u64, now: u64, _tag: u64) {
        let Some(process) = self.process.upgrade() else { return };
        self.handle.set(None);
        let period = self.interval.get().period;
        let next = (period != 0).then(|| {
            let missed = now.saturating_sub(deadline) / period;
            deadline.saturating_add((missed + 1).saturating_mul(period))
        });
        self.set(unix, Interval { next, period });
        unix.send(&process, Information::kernel(self.signal));
    }
}

/// A process's three, as far as they were ever asked for.
#[derive(Debug, Default)]
pub struct IntervalTimers([OnceCell<Rc<IntervalTimer>>; 3]);

impl IntervalTimers {
    const SIGNALS: [Signal; 3] = [Signal::ALARM, Signal::VIRTUAL_ALARM, Signal::PROFILE];

    /// What the timer of a signal does.
    #[must_use]
    pub fn get(&self, signal: Signal) -> Interval {
        let place = Self::SIGNALS.iter().position(|&each| each == signal);
        let timer = place.and_then(|place| self.0[place].get());
        timer.map_or(Interval::default(), |timer| timer.get())
    }

    /// Has it do something else.
    pub fn set(&self, unix: &Unix, process: &Rc<Process>, signal: Signal, interval: Interval) {
        if let Some(place) = Self::SIGNALS.iter().position(|&each| each == signal) {
            self.0[place].get_or_init(|| IntervalTimer::new(process, signal)).set(unix, interval);
        }
    }

    /// All stop.
    pub fn stop(&self, unix: &Unix) {
        self.0.iter().filter_map(OnceCell::get).for_each(|timer| timer.set(unix, Interval::default()));
    }
}
