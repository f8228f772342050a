//! A timer that is a file: timerfd_create(2).

use crate::errno::{Errno, Result};
use crate::file::{File, Kind, Ready, Status};
use crate::io::Destination;
use crate::schedule::{Expire, TimerHandle};
use crate::timer::Interval;
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
    pub clock: i32,
    interval: Cell<Interval>,
    handle: Cell<Option<TimerHandle>>,
    /// How often it has expired since somebody asked.
    count: Cell<u64>,
    queue: WaitQueue,
}

impl TimerFile {
    /// One that does not run.
    #[must_use]
    pub fn new(clock: i32) -> Rc<Self> {
        let (interval, handle, count) = (Cell::default(), Cell::new(None), Cell::new(0));
        Rc::new_cyclic(|me| Self { me: Weak::clone(me), clock, interval, handle, count, queue: WaitQueue::new() })
    }

    /// What it does.
    #[must_use]
    pub const fn get(&self) -> Interval {
        self.interval.get()
    }

    /// Has it do something else; what it has counted is forgotten.
    pub fn set(&self, unix: &Unix, interval: Interval) {
        self.count.set(0);
        self.run(unix, interval);
    }

    fn run(&self, unix: &Unix, interval: Interval) {
        if let Some(handle) = self.handle.take() {
            unix.timers.remove(handle);
        }
        self.interval.set(interval);
        if let Some(next) = interval.next {
            self.handle.set(Some(unix.timers.add(next, self.me.clone(), 0)));
        }
    }
}

impl Expire for TimerFile {
    fn expire(&self, unix: &Unix, deadline: u64, now: u64, _tag: u64) {
        self.handle.set(None);
        let (next, missed) = self.interval.get().after(deadline, now);
        self.count.set(self.count.get().saturating_add(1 + missed));
        self.run(unix, next);
        self.queue.wake_all();
    }
}

impl File for TimerFile {
    fn read(&self, _offset: u64, to: &mut dyn Destination) -> Result<usize> {
        if to.remaining() < 8 {
            return Err(Errno::EINVAL);
        }
        let count = self.count.get();
        if count == 0 {
            return Err(Errno::EAGAIN);
        }
        to.put(&count.to_le_bytes())?;
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
