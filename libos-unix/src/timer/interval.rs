//! A process's three timers: setitimer(2), alarm(2).

use super::{Interval, TimerClock};
use crate::process::Process;
use crate::schedule::{Expire, TimerHandle};
use crate::signal::{Information, Signal};
use crate::unix::Unix;
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, OnceCell};

/// One of the three.
#[derive(Debug)]
struct IntervalTimer {
    me: Weak<IntervalTimer>,
    process: Weak<Process>,
    signal: Signal,
    clock: TimerClock,
    interval: Cell<Interval>,
    handle: Cell<Option<TimerHandle>>,
}

impl IntervalTimer {
    fn new(process: &Rc<Process>, signal: Signal) -> Rc<Self> {
        let process = Rc::downgrade(process);
        let clock = IntervalTimers::clock(signal);
        let (interval, handle) = (Cell::default(), Cell::new(None));
        Rc::new_cyclic(|me| Self { me: Weak::clone(me), process, signal, clock, interval, handle })
    }

    fn set(&self, unix: &Unix, interval: Interval) {
        if let Some(handle) = self.handle.take() {
            unix.timers.remove(handle);
        }
        self.interval.set(interval);
        if let (Some(next), TimerClock::Monotonic) = (interval.next, self.clock) {
            self.handle.set(Some(unix.timers.add(next, self.me.clone(), 0)));
        }
    }
}

impl Expire for IntervalTimer {
    fn expire(&self, unix: &Unix, deadline: u64, now: u64, _tag: u64) {
        let Some(process) = self.process.upgrade() else { return };
        self.handle.set(None);
        self.set(unix, self.interval.get().after(deadline, now).0);
        unix.send(&process, Information::kernel(self.signal));
    }
}

/// A process's three, as far as they were ever asked for.
#[derive(Debug, Default)]
pub struct IntervalTimers([OnceCell<Rc<IntervalTimer>>; 3]);

impl IntervalTimers {
    const SIGNALS: [Signal; 3] = [Signal::ALARM, Signal::VIRTUAL_ALARM, Signal::PROFILE];

    /// What the timer of a signal does, by its own clock.
    #[must_use]
    pub fn get(&self, signal: Signal) -> Interval {
        let place = Self::SIGNALS.iter().position(|&each| each == signal);
        let timer = place.and_then(|place| self.0[place].get());
        timer.map_or(Interval::default(), |timer| timer.interval.get())
    }

    /// What the timer of a signal runs by.
    #[must_use]
    pub fn clock(signal: Signal) -> TimerClock {
        if signal == Signal::ALARM { TimerClock::Monotonic } else { TimerClock::Processor }
    }

    /// Has it do something else.
    pub fn set(&self, unix: &Unix, process: &Rc<Process>, signal: Signal, interval: Interval) {
        if let Some(place) = Self::SIGNALS.iter().position(|&each| each == signal) {
            self.0[place].get_or_init(|| IntervalTimer::new(process, signal)).set(unix, interval);
        }
    }

    /// The process has run for `now`: those that go by that expire.
    pub(super) fn pass(&self, unix: &Unix, now: u64) {
        let by_processor = self.0.iter().filter_map(OnceCell::get).filter(|timer| timer.clock == TimerClock::Processor);
        for timer in by_processor {
            if let Some(next) = timer.interval.get().next.filter(|&next| next <= now) {
                timer.expire(unix, next, now, 0);
            }
        }
    }

    /// All stop.
    pub fn stop(&self, unix: &Unix) {
        self.0.iter().filter_map(OnceCell::get).for_each(|timer| timer.set(unix, Interval::default()));
    }
}
