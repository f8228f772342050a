//! What every timer is made of: when it expires, and the wish to hear of it.

use super::Interval;
use crate::schedule::{Expire, TimerHandle, Timers};
use alloc::rc::{Rc, Weak};
use core::cell::Cell;

/// An interval, and its place among all that is to happen.
#[derive(Debug)]
pub struct AlarmClock {
    all: Rc<Timers>,
    interval: Cell<Interval>,
    /// `None` while it rests.
    handle: Cell<Option<TimerHandle>>,
}

impl AlarmClock {
    /// One that does not run.
    #[must_use]
    pub fn new(all: &Rc<Timers>) -> Self {
        Self { all: Rc::clone(all), interval: Cell::default(), handle: Cell::new(None) }
    }

    /// What it does, as it was when it went to rest.
    #[must_use]
    pub const fn interval(&self) -> Interval {
        self.interval.get()
    }

    /// Does something else; `who` hears of it in time, or else it rests.
    pub fn set(&self, interval: Interval, who: Option<Weak<dyn Expire>>) {
        if let Some(handle) = self.handle.take() {
            self.all.remove(handle);
        }
        self.interval.set(interval);
        if let (Some(next), Some(who)) = (interval.next, who) {
            self.handle.set(Some(self.all.add(next, who, 0)));
        }
    }

    /// Expires, and rests; how often it has by `now`.
    pub fn expire(&self, now: u64) -> u64 {
        let (interval, times) = self.interval.get().forward(now);
        self.set(interval, None);
        times
    }

    /// Rests no longer; how often it would have expired meanwhile.
    pub fn resume(&self, now: u64, who: Weak<dyn Expire>) -> u64 {
        if self.handle.get().is_some() {
            return 0;
        }
        let (interval, times) = self.interval.get().forward(now);
        self.set(interval, Some(who));
        times
    }
}

impl Drop for AlarmClock {
    fn drop(&mut self) {
        self.set(Interval::default(), None);
    }
}
