//! Timers of processes that send signals: setitimer(2) and alarm(2), timer_create(2); and the limit of processor time.

mod interval;
mod posix;
mod processor;

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
    /// What is left of it once it has expired at `deadline`, and it is `now`; and how often it has expired again meanwhile.
    #[must_use]
    pub const fn after(self, deadline: u64, now: u64) -> (Self, u64) {
        let Some(missed) = now.saturating_sub(deadline).checked_div(self.period) else {
            return (Self { next: None, period: 0 }, 0);
        };
        let next = deadline.saturating_add((missed + 1).saturating_mul(self.period));
        (Self { next: Some(next), period: self.period }, missed)
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
