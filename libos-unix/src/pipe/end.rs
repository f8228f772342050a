//! An open end of a pipe.

use super::Pipe;
use crate::errno::{Errno, Result};
use crate::file::{Description, File, Kind, OpenFlags, Ready, Status};
use crate::io::{Destination, Source};
use crate::memory::UserMemory;
use crate::wait::WaitQueue;
use alloc::rc::Rc;
use core::any::Any;

/// FIONREAD.
const COUNT_BYTES: u32 = 0x541b;

/// An end, or both.
#[derive(Debug)]
pub struct PipeEnd {
    pipe: Rc<Pipe>,
    reads: bool,
    writes: bool,
    status: Status,
}

impl PipeEnd {
    /// An end of a pipe; `status` is that of the FIFO that it was opened through.
    #[must_use]
    pub fn new(pipe: &Rc<Pipe>, reads: bool, writes: bool, status: Status) -> Self {
        pipe.attach(reads, writes);
        Self { pipe: Rc::clone(pipe), reads, writes, status }
    }

    /// Descriptions of both ends of a new pipe: for reading, for writing.
    #[must_use]
    pub fn pair(number: u64, user: u32, group: u32, flags: OpenFlags) -> [Rc<Description>; 2] {
        let pipe = Pipe::new();
        let now = crate::clock::realtime();
        let status = Status {
            kind: Kind::Fifo,
            device: 12,
            inode: number,
            permissions: 0o600,
            links: 1,
            user,
            group,
            block_size: 4096,
            accessed: now,
            modified: now,
            changed: now,
            created: now,
            ..Status::default()
        };
        let reader = Rc::new(Self::new(&pipe, true, false, status));
        let writer = Rc::new(Self::new(&pipe, false, true, status));
        [Description::new(reader, flags), Description::new(writer, flags | OpenFlags::WRONLY)]
    }

    /// The pipe.
    #[must_use]
    pub const fn pipe(&self) -> &Rc<Pipe> {
        &self.pipe
    }
}

impl File for PipeEnd {
    fn read(&self, _offset: u64, to: &mut dyn Destination) -> Result<usize> {
        self.pipe.read(to)
    }

    fn write(&self, _offset: u64, from: &mut dyn Source) -> Result<usize> {
        self.pipe.write(from)
    }

    fn ready(&self) -> Ready {
        self.pipe.ready(self.reads, self.writes)
    }

    fn holds(&self) -> usize {
        self.pipe.holds()
    }

    fn queue(&self) -> Option<&WaitQueue> {
        Some(self.pipe.queue())
    }

    fn status(&self) -> Status {
        self.status
    }

    fn control(&self, request: u32, argument: u64, memory: &mut dyn UserMemory) -> Result<u64> {
        if request != COUNT_BYTES {
            return Err(Errno::ENOTTY);
        }
        memory.write(argument, &(self.pipe.length() as u32))?;
        Ok(0)
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}

impl Drop for PipeEnd {
    fn drop(&mut self) {
        self.pipe.detach(self.reads, self.writes);
    }
}
