//! Where bytes go to and come from when a file is read and written: a program's memory, or a slice of the library OS's own.

use crate::errno::Result;
use crate::memory::Frame;

/// Takes what a file gives.
pub trait Destination {
    /// How many bytes it still takes.
    fn remaining(&self) -> usize;

    /// Takes bytes, as many as remain; how many.
    ///
    /// # Errors
    /// EFAULT where not one could be stored.
    fn put(&mut self, bytes: &[u8]) -> Result<usize>;

    /// Takes `length` bytes of a frame from `offset` on, as [`put`](Self::put) does.
    ///
    /// # Errors
    /// As for [`put`](Self::put).
    fn put_frame(&mut self, frame: &Frame, offset: usize, length: usize) -> Result<usize> {
        let mut buffer = [0; 512];
        let mut done = 0;
        while done < length && self.remaining() != 0 {
            let part = (length - done).min(buffer.len());
            frame.read(offset + done, &mut buffer[..part]);
            match self.put(&buffer[..part]) {
                Ok(taken) if taken == part => done += taken,
                Ok(taken) => return Ok(done + taken),
                Err(error) if done == 0 => return Err(error),
                Err(_) => return Ok(done),
            }
        }
        Ok(done)
    }
}

/// Gives what a file takes.
pub trait Source {
    /// How many bytes it still gives.
    fn remaining(&self) -> usize;

    /// Gives bytes, as many as remain and fit; how many.
    ///
    /// # Errors
    /// EFAULT where not one could be fetched.
    fn take(&mut self, into: &mut [u8]) -> Result<usize>;

    /// Gives `length` bytes to a frame from `offset` on, as [`take`](Self::take) does.
    ///
    /// # Errors
    /// As for [`take`](Self::take).
    fn take_frame(&mut self, frame: &Frame, offset: usize, length: usize) -> Result<usize> {
        let mut buffer = [0; 512];
        let mut done = 0;
        while done < length && self.remaining() != 0 {
            let part = (length - done).min(buffer.len());
            match self.take(&mut buffer[..part]) {
                Ok(given) => {
                    frame.write(offset + done, &buffer[..given]);
                    done += given;
                    if given < part {
                        break;
                    }
                }
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }
}

/// A slice that is filled.
#[derive(Debug)]
pub struct Filling<'b> {
    rest: &'b mut [u8],
}

impl<'b> Filling<'b> {
    /// Fills all of a slice, from its beginning.
    pub const fn new(slice: &'b mut [u8]) -> Self {
        Self { rest: slice }
    }
}

impl Destination for Filling<'_> {
    fn remaining(&self) -> usize {
        self.rest.len()
    }

    fn put(&mut self, bytes: &[u8]) -> Result<usize> {
        let count = bytes.len().min(self.rest.len());
        let (now, later) = core::mem::take(&mut self.rest).split_at_mut(count);
        now.copy_from_slice(&bytes[..count]);
        self.rest = later;
        Ok(count)
    }
}

impl Source for &[u8] {
    fn remaining(&self) -> usize {
        self.len()
    }

    fn take(&mut self, into: &mut [u8]) -> Result<usize> {
        let count = into.len().min(self.len());
        let (now, later) = self.split_at(count);
        into[..count].copy_from_slice(now);
        *self = later;
        Ok(count)
    }
}
