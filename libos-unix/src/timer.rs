//! Timers of processes that send signals: setitimer(2) and alarm(2), timer_create(2); and the limit of processor time.
//!
//! A timer that has expired rests until somebody has taken note (its signal was taken, its file read), and only then counts how often
//! it would have expired. So what a short period costs is paid by him who asked for it, and one that nobody listens to costs nothing.

mod alarm_clock;
mod interval;
mod posix;
mod processor;
#[cfg(test)]
mod tests;

pub use alarm_clock::AlarmClock;
pub use interval::IntervalTimers;
pub use posix::{MOST as MOST_TIMERS, Notify, PosixTimer, PosixTimers};

/// When a timer expires next, and how often then.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Interval {
    /// Nanoseconds of its clock; `None` where it does not run.
    pub next: Option<u64>,
    /// Nanoseconds; 0 is once.
    pub period: u64,
}

impl Interval {
    /// What is left of it, now that it is `now`; and how often it has expired by then.
    #[must_use]
    pub fn forward(self, now: u64) -> (Self, u64) {
        let Some(next) = self.next.filter(|&next| next <= now) else { return (self, 0) };
        let Some(missed) = (now - next).checked_div(self.period) else { return (Self::default(), 1) };
        let next = next.saturating_add((missed + 1).saturating_mul(self.period));
        (Self { next: Some(next), period: self.period }, missed + 1)
    }

    /// Nanoseconds until it expires; 0 where it does not.
    #[must_use]
    pub fn left(self, now: u64) -> u64 {
        self.next.map_or(0, |next| next.saturating_sub(now).max(1))
    }
}

/// What a timer runs by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimerClock {
    /// Time as it passes.
    Monotonic,
    /// The processor time of the process. Looked at when a slice ends.
    Processor,
}
