//! Pipes and FIFOs (pipe(7)): a ring of bytes with readers at one end and writers at the other.

mod end;
mod ring;
#[cfg(test)]
mod tests;

pub use end::PipeEnd;

use crate::errno::{Errno, Result};
use crate::file::Ready;
use crate::io::{Destination, Source};
use crate::memory::AddressSpace;
use crate::wait::WaitQueue;
use alloc::rc::Rc;
use core::cell::{Cell, RefCell};
use ring::Ring;

/// Bytes that a pipe holds unless somebody asks for more.
const CAPACITY: usize = 65_536;
/// The most that one can ask for (Linux: fs.pipe-max-size).
pub const MOST_CAPACITY: usize = 1 << 20;
/// Writes up to this many bytes are all or nothing (PIPE_BUF).
const ATOMIC: usize = 4096;

/// A pipe.
#[derive(Debug)]
pub struct Pipe {
    ring: RefCell<Ring>,
    readers: Cell<u32>,
    writers: Cell<u32>,
    /// Ends that were ever opened for reading and writing, for those who open a FIFO and wait for the other end.
    opened: [Cell<u64>; 2],
    queue: WaitQueue,
}

impl Default for Pipe {
    fn default() -> Self {
        let ring = RefCell::new(Ring::new(CAPACITY));
        let opened = [Cell::new(0), Cell::new(0)];
        Self { ring, readers: Cell::new(0), writers: Cell::new(0), opened, queue: WaitQueue::new() }
    }
}

impl Pipe {
    /// A new one.
    #[must_use]
    pub fn new() -> Rc<Self> {
        Rc::default()
    }

    /// Whoever waits for anything about it.
    pub const fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    /// Ends that are open for reading and for writing.
    #[must_use]
    pub const fn ends(&self) -> (u32, u32) {
        (self.readers.get(), self.writers.get())
    }

    /// How often it was opened for reading and for writing.
    #[must_use]
    pub const fn opened(&self) -> [u64; 2] {
        [self.opened[0].get(), self.opened[1].get()]
    }

    pub(self) fn attach(&self, reads: bool, writes: bool) {
        for (attached, count, opened) in
            [(reads, &self.readers, &self.opened[0]), (writes, &self.writers, &self.opened[1])]
        {
            if attached {
                count.set(count.get() + 1);
                opened.set(opened.get() + 1);
            }
        }
        self.queue.wake_all();
    }

    pub(self) fn detach(&self, reads: bool, writes: bool) {
        for (attached, count) in [(reads, &self.readers), (writes, &self.writers)] {
            if attached {
                count.set(count.get() - 1);
            }
        }
        self.queue.wake_all();
    }

    /// Takes bytes out.
    ///
    /// # Errors
    /// EAGAIN where there are none and somebody could write.
    pub fn read(&self, to: &mut dyn Destination) -> Result<usize> {
        if to.remaining() == 0 {
            return Ok(0);
        }
        let mut ring = self.ring.borrow_mut();
        if ring.is_empty() {
            return if self.writers.get() == 0 { Ok(0) } else { Err(Errno::EAGAIN) };
        }
        let count = ring.take(to)?;
        drop(ring);
        self.queue.wake_for(Ready::OUT | Ready::WRNORM);
        Ok(count)
    }

    /// [`read`](Self::read) into a program's memory, as far as the bytes lie in one piece.
    ///
    /// # Errors
    /// EAGAIN as there; EFAULT.
    #[inline]
    pub fn read_to_program(&self, space: &mut AddressSpace, address: u64, length: usize) -> Result<usize> {
        let mut ring = self.ring.borrow_mut();
        if ring.is_empty() {
            return if self.writers.get() == 0 { Ok(0) } else { Err(Errno::EAGAIN) };
        }
        let count = ring.take_piece(length, |bytes| space.copy_in(address, bytes))?;
        drop(ring);
        self.queue.wake_for(Ready::OUT | Ready::WRNORM);
        Ok(count)
    }

    /// [`write`](Self::write) out of a program's memory, where there is room in one piece for all of it.
    ///
    /// # Errors
    /// EPIPE, EAGAIN as there; EFAULT where it cannot be read; ENOBUFS where the room is in pieces, or the ring has yet to grow.
    #[inline]
    pub fn write_from_program(&self, space: &mut AddressSpace, address: u64, length: usize) -> Result<usize> {
        if self.readers.get() == 0 {
            return Err(Errno::EPIPE);
        }
        let mut ring = self.ring.borrow_mut();
        if ring.room() < length {
            return Err(Errno::EAGAIN);
        }
        let count = ring.put_piece(length, |bytes| space.copy_out(address, bytes))?;
        drop(ring);
        self.queue.wake_for(Ready::IN | Ready::RDNORM);
        Ok(count)
    }

    /// Shows the first bytes, which stay; how many.
    ///
    /// # Errors
    /// EAGAIN where there are none and somebody could write.
    pub fn peek(&self, into: &mut [u8]) -> Result<usize> {
        let ring = self.ring.borrow();
        match ring.peek(into) {
            0 if !into.is_empty() && self.writers.get() != 0 => Err(Errno::EAGAIN),
            count => Ok(count),
        }
    }

    /// Drops the first bytes, which somebody has [seen](Self::peek).
    pub fn skip(&self, count: usize) {
        self.ring.borrow_mut().skip(count);
        self.queue.wake_for(Ready::OUT | Ready::WRNORM);
    }

    /// Bytes for which there is room.
    ///
    /// # Errors
    /// EPIPE where nobody reads; EAGAIN where there is none.
    pub fn room(&self) -> Result<usize> {
        match self.ring.borrow().room() {
            _ if self.readers.get() == 0 => Err(Errno::EPIPE),
            0 => Err(Errno::EAGAIN),
            room => Ok(room),
        }
    }

    /// Puts bytes in: all of up to 4096, or as many as there is room for.
    ///
    /// # Errors
    /// EPIPE where nobody reads; EAGAIN where there is no room.
    pub fn write(&self, from: &mut dyn Source) -> Result<usize> {
        let wanted = from.remaining();
        if wanted == 0 {
            return Ok(0);
        }
        if self.readers.get() == 0 {
            return Err(Errno::EPIPE);
        }
        let mut ring = self.ring.borrow_mut();
        let room = ring.room();
        if room == 0 || (wanted <= ATOMIC && room < wanted) {
            return Err(Errno::EAGAIN);
        }
        let count = ring.put(from)?;
        drop(ring);
        self.queue.wake_for(Ready::IN | Ready::RDNORM);
        Ok(count)
    }

    /// Puts all of some bytes in, for which there is [room](Self::room).
    ///
    /// # Errors
    /// ENOMEM.
    pub fn write_all(&self, mut bytes: &[u8]) -> Result<()> {
        let outcome = self.ring.borrow_mut().put(&mut bytes);
        self.queue.wake_for(Ready::IN | Ready::RDNORM);
        outcome.map(drop)
    }

    /// What one end is ready for.
    #[must_use]
    pub fn ready(&self, reads: bool, writes: bool) -> Ready {
        let ring = self.ring.borrow();
        let mut ready = Ready::empty();
        if reads {
            ready.set(Ready::IN | Ready::RDNORM, !ring.is_empty());
            ready.set(Ready::HUP, self.writers.get() == 0 && self.opened[1].get() != 0);
        }
        if writes {
            ready.set(Ready::OUT | Ready::WRNORM, ring.room() >= ATOMIC);
            ready.set(Ready::ERR, self.readers.get() == 0);
        }
        ready
    }

    /// Bytes that can be read now.
    #[must_use]
    pub fn length(&self) -> usize {
        self.ring.borrow().length()
    }

    /// Bytes of memory that it has for what is in it.
    #[must_use]
    pub fn holds(&self) -> usize {
        self.ring.try_borrow().map_or(0, |ring| ring.memory())
    }

    /// Bytes that it holds at most.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.ring.borrow().capacity()
    }

    /// Has it hold so many bytes, rounded up to a power of two of pages.
    ///
    /// # Errors
    /// EINVAL; EBUSY where more is in it; EPERM beyond the largest.
    pub fn set_capacity(&self, bytes: usize) -> Result<usize> {
        if bytes > i32::MAX as usize {
            return Err(Errno::EINVAL);
        }
        let bytes = bytes.max(ATOMIC).next_power_of_two();
        if bytes > MOST_CAPACITY {
            return Err(Errno::EPERM);
        }
        let mut ring = self.ring.borrow_mut();
        if bytes < ring.length() {
            return Err(Errno::EBUSY);
        }
        ring.set_capacity(bytes)?;
        drop(ring);
        self.queue.wake_all();
        Ok(bytes)
    }
}
