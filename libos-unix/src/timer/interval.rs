//! A process's three timers: setitimer(2), alarm(2).

use super::{AlarmClock, Interval, TimerClock};
use crate::clock::monotonic;
use crate::process::Process;
use crate::schedule::{Expire, Timers};
use crate::signal::{Information, Signal};
use crate::unix::Unix;
use alloc::rc::{Rc, Weak};
use core::cell::OnceCell;

/// One of the three.
#[derive(Debug)]
struct IntervalTimer {
    me: Weak<IntervalTimer>,
    process: Weak<Process>,
    signal: Signal,
    runs_by: TimerClock,
    clock: AlarmClock,
}

impl IntervalTimer {
    fn new(all: &Rc<Timers>, process: &Rc<Process>, signal: Signal) -> Rc<Self> {
        let process = Rc::downgrade(process);
        let (runs_by, clock) = (IntervalTimers::clock(signal), AlarmClock::new(all));
        Rc::new_cyclic(|me| Self { me: Weak::clone(me), process, signal, runs_by, clock })
    }

    fn set(&self, interval: Interval) {
        let hears: Option<Weak<dyn Expire>> =
            if self.runs_by == TimerClock::Monotonic { Some(self.me.clone()) } else { None };
        self.clock.set(interval, hears);
    }
}

impl Expire for IntervalTimer {
    fn expire(&self, unix: &Unix, _deadline: u64, now: u64, _tag: u64) {
        let Some(process) = self.process.upgrade() else { return };
        self.clock.expire(now);
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
    pub fn get(&self, signal: Signal, now: u64) -> Interval {
        let place = Self::SIGNALS.iter().position(|&each| each == signal);
        let timer = place.and_then(|place| self.0[place].get());
        timer.map_or(Interval::default(), |timer| timer.clock.interval().forward(now).0)
    }

    /// A signal was taken, or would be seen from now on: its timer goes on.
    pub fn resume(&self, signal: Signal) {
        let timer = self.0[0].get().filter(|_| signal == Signal::ALARM);
        if let Some(timer) = timer.filter(|timer| timer.clock.interval().next.is_some()) {
            timer.clock.resume(monotonic(), timer.me.clone());
        }
    }

    /// What the timer of a signal runs by.
    #[must_use]
    pub fn clock(signal: Signal) -> TimerClock {
        if signal == Signal::ALARM { TimerClock::Monotonic } else { TimerClock::Processor }
    }

    /// Has it do something else.
    pub fn set(&self, unix: &Unix, process: &Rc<Process>, signal: Signal, interval: Interval) {
        if let Some(place) = Self::SIGNALS.iter().position(|&each| each == signal) {
            self.0[place].get_or_init(|| IntervalTimer::new(&unix.timers, process, signal)).set(interval);
        }
    }

    /// The process has run for `now`: those that go by that expire.
    pub(super) fn pass(&self, unix: &Unix, now: u64) {
        let by_processor =
            self.0.iter().filter_map(OnceCell::get).filter(|timer| timer.runs_by == TimerClock::Processor);
        for timer in by_processor {
            if let Some(next) = timer.clock.interval().next.filter(|&next| next <= now) {
                timer.expire(unix, next, now, 0);
            }
        }
    }

    /// All stop.
    pub fn stop(&self) {
        self.0.iter().filter_map(OnceCell::get).for_each(|timer| timer.set(Interval::default()));
    }
}
