//! A counter that one waits for: eventfd(2).

use crate::errno::{Errno, Result};
use crate::file::{File, Kind, Ready, Status};
use crate::io::{Destination, Source};
use crate::wait::WaitQueue;
use core::any::Any;
use core::cell::Cell;

/// The counter never reaches this.
const LIMIT: u64 = u64::MAX;

/// A counter.
#[derive(Debug)]
pub struct EventCount {
    count: Cell<u64>,
    /// Reading takes one, not all.
    semaphore: bool,
    queue: WaitQueue,
}

impl EventCount {
    /// A counter with a first value.
    #[must_use]
    pub const fn new(count: u64, semaphore: bool) -> Self {
        Self { count: Cell::new(count), semaphore, queue: WaitQueue::new() }
    }
}

impl File for EventCount {
    fn read(&self, _offset: u64, to: &mut dyn Destination) -> Result<usize> {
        if to.remaining() < 8 {
            return Err(Errno::EINVAL);
        }
        let count = self.count.get();
        if count == 0 {
            return Err(Errno::EAGAIN);
        }
        let taken = if self.semaphore { 1 } else { count };
        to.put(&taken.to_le_bytes())?;
        self.count.set(count - taken);
        self.queue.wake_for(Ready::OUT | Ready::WRNORM);
        Ok(8)
    }

    fn write(&self, _offset: u64, from: &mut dyn Source) -> Result<usize> {
        if from.remaining() < 8 {
            return Err(Errno::EINVAL);
        }
        let mut bytes = [0; 8];
        from.take(&mut bytes)?;
        let added = u64::from_le_bytes(bytes);
        if added == LIMIT {
            return Err(Errno::EINVAL);
        }
        let sum = self.count.get().checked_add(added).filter(|&sum| sum < LIMIT).ok_or(Errno::EAGAIN)?;
        self.count.set(sum);
        self.queue.wake_for(Ready::IN | Ready::RDNORM);
        Ok(8)
    }

    fn ready(&self) -> Ready {
        let count = self.count.get();
        let mut ready = Ready::empty();
        ready.set(Ready::IN | Ready::RDNORM, count != 0);
        ready.set(Ready::OUT | Ready::WRNORM, count < LIMIT - 1);
        ready
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
