//! A ring of bytes, whose memory comes when it is used and goes when it is empty for good.

use crate::errno::{Errno, Result};
use crate::io::{Destination, Source};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// Bytes with which a ring begins, of those that it may hold.
const FIRST: usize = 4096;

/// A ring. Its memory is a power of two of bytes, at most what it may hold.
#[derive(Debug)]
pub(super) struct Ring {
    bytes: Box<[u8]>,
    start: usize,
    length: usize,
    capacity: usize,
}

impl Ring {
    pub(super) fn new(capacity: usize) -> Self {
        Self { bytes: Box::default(), start: 0, length: 0, capacity }
    }

    /// Bytes of memory.
    pub(super) const fn memory(&self) -> usize {
        self.bytes.len()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.length == 0
    }

    pub(super) const fn length(&self) -> usize {
        self.length
    }

    pub(super) const fn capacity(&self) -> usize {
        self.capacity
    }

    pub(super) const fn room(&self) -> usize {
        self.capacity - self.length
    }

    pub(super) fn take(&mut self, to: &mut dyn Destination) -> Result<usize> {
        let mut done = 0;
        while self.length != 0 && to.remaining() != 0 {
            let part = self.length.min(self.bytes.len() - self.start).min(to.remaining());
            match to.put(&self.bytes[self.start..self.start + part]) {
                Ok(count) => {
                    self.start = (self.start + count) & (self.bytes.len() - 1);
                    self.length -= count;
                    done += count;
                    if count < part {
                        break;
                    }
                }
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        if self.length == 0 {
            self.start = 0;
        }
        Ok(done)
    }

    /// Takes up to `length` bytes that lie in one piece and go to `to`, which says how many it took.
    #[inline]
    pub(super) fn take_piece(&mut self, length: usize, to: impl FnOnce(&[u8]) -> Result<usize>) -> Result<usize> {
        let part = length.min(self.length).min(self.bytes.len() - self.start);
        let count = to(&self.bytes[self.start..self.start + part])?;
        self.skip(count);
        Ok(count)
    }

    /// Puts `length` bytes in that come from `from`, which says how many it gave.
    ///
    /// # Errors
    /// ENOBUFS where there is no piece of memory for them.
    #[inline]
    pub(super) fn put_piece(&mut self, length: usize, from: impl FnOnce(&mut [u8]) -> Result<usize>) -> Result<usize> {
        let end = self.start + self.length;
        let at = if end < self.bytes.len() { end } else { end - self.bytes.len() };
        let free = if end < self.bytes.len() { at..self.bytes.len() } else { at..self.start };
        let piece = self.bytes.get_mut(free).and_then(|piece| piece.get_mut(..length)).ok_or(Errno::ENOBUFS)?;
        let count = from(piece)?;
        self.length += count;
        Ok(count)
    }

    /// Shows the first bytes, as many as fit; how many.
    pub(super) fn peek(&self, into: &mut [u8]) -> usize {
        let count = into.len().min(self.length);
        let first = count.min(self.bytes.len() - self.start);
        into[..first].copy_from_slice(&self.bytes[self.start..self.start + first]);
        into[first..count].copy_from_slice(&self.bytes[..count - first]);
        count
    }

    /// Drops the first bytes, of which there are so many.
    pub(super) fn skip(&mut self, count: usize) {
        self.length -= count;
        self.start = if self.length == 0 { 0 } else { (self.start + count) & (self.bytes.len() - 1) };
    }

    pub(super) fn put(&mut self, from: &mut dyn Source) -> Result<usize> {
        let wanted = from.remaining().min(self.room());
        if self.length + wanted > self.bytes.len() {
            self.grow(self.length + wanted)?;
        }
        let mut done = 0;
        while done < wanted {
            let at = (self.start + self.length) & (self.bytes.len() - 1);
            let part = (wanted - done).min(self.bytes.len() - at);
            match from.take(&mut self.bytes[at..at + part]) {
                Ok(count) => {
                    self.length += count;
                    done += count;
                    if count < part {
                        break;
                    }
                }
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    fn grow(&mut self, needed: usize) -> Result<()> {
        let size = needed.next_power_of_two().max(FIRST).min(self.capacity);
        if !crate::machine::has_room(size) {
            return Err(Errno::ENOMEM);
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(size).map_err(|_| Errno::ENOMEM)?;
        let first = self.length.min(self.bytes.len() - self.start);
        bytes.extend_from_slice(&self.bytes[self.start..self.start + first]);
        bytes.extend_from_slice(&self.bytes[..self.length - first]);
        bytes.resize(size, 0);
        self.bytes = bytes.into_boxed_slice();
        self.start = 0;
        Ok(())
    }

    /// May be less than before, but not than what is in it.
    pub(super) fn set_capacity(&mut self, capacity: usize) -> Result<()> {
        self.capacity = capacity;
        if self.bytes.len() > capacity {
            self.grow(self.length.max(1))?;
        }
        Ok(())
    }
}
