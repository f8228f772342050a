//! A timer that is a file: timerfd_create(2).

use crate::clock::monotonic;
use crate::errno::{Errno, Result};
use crate::file::{File, Kind, Ready, Status};
use crate::io::Destination;
use crate::schedule::{Expire, Timers};
use crate::timer::{AlarmClock, Interval};
use crate::unix::Unix;
use crate::wait::WaitQueue;
use alloc::rc::{Rc, Weak};
use core::any::Any;
use core::cell::Cell;

/// A timer.
#[derive(Debug)]
pub struct TimerFile {
    me: Weak<TimerFile>,
    /// The clock's number, as the program said.
    pub clock_id: i32,
    clock: AlarmClock,
    /// How often it has expired since somebody asked.
    count: Cell<u64>,
    queue: WaitQueue,
}

impl TimerFile {
    /// One that does not run.
    #[must_use]
    pub fn new(all: &Rc<Timers>, clock_id: i32) -> Rc<Self> {
        let (clock, count) = (AlarmClock::new(all), Cell::new(0));
        Rc::new_cyclic(|me| Self { me: Weak::clone(me), clock_id, clock, count, queue: WaitQueue::new() })
    }

    /// What it does.
    #[must_use]
    pub fn get(&self, now: u64) -> Interval {
        self.clock.interval().forward(now).0
    }

    /// Has it do something else; what it has counted is forgotten.
    pub fn set(&self, interval: Interval) {
        self.count.set(0);
        self.clock.set(interval, Some(self.me.clone()));
    }
}

impl Expire for TimerFile {
    fn expire(&self, _unix: &Unix, _deadline: u64, now: u64, _tag: u64) {
        self.count.set(self.count.get().saturating_add(self.clock.expire(now)));
        self.queue.wake_all();
    }
}

impl File for TimerFile {
    fn read(&self, _offset: u64, to: &mut dyn Destination) -> Result<usize> {
        if to.remaining() < 8 {
            return Err(Errno::EINVAL);
        }
        if self.count.get() == 0 {
            return Err(Errno::EAGAIN);
        }
        let meanwhile = self.clock.resume(monotonic(), self.me.clone());
        self.count.set(self.count.get().saturating_add(meanwhile));
        to.put(&self.count.get().to_le_bytes())?;
        self.count.set(0);
        Ok(8)
    }

    fn ready(&self) -> Ready {
        if self.count.get() == 0 { Ready::empty() } else { Ready::IN | Ready::RDNORM }
    }

    fn queue(&self) -> Option<&WaitQueue> {
        Some(&self.queue)
    }

    fn status(&self) -> Status {
        Status { kind: Kind::Anonymous, permissions: 0o600, links: 1, ..Status::default() }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
