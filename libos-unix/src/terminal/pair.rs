//! Pseudo terminals (pty(7)): a terminal whose other side is a file too, the master.

use super::control::request;
use super::{Line, Terminal};
use crate::errno::{Errno, Result};
use crate::file::{File, Kind, OpenFlags, Ready, Status};
use crate::fs;
use crate::io::{Destination, Source};
use crate::memory::UserMemory;
use crate::wait::WaitQueue;
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use core::any::Any;
use core::cell::{Cell, RefCell};

/// The major number of slaves.
pub const SLAVES: u32 = 136;
/// The group that terminals belong to.
const GROUP: u32 = 5;
/// Bytes that wait for whoever reads the master.
const MOST_OUTPUT: usize = 65_536;

/// Between both sides: what the slave has written.
#[derive(Debug, Default)]
struct Wire {
    bytes: RefCell<VecDeque<u8>>,
    /// Nobody has the slave open any more.
    left: Cell<bool>,
    queue: WaitQueue,
}

impl Line for Wire {
    fn write(&self, bytes: &[u8]) -> usize {
        let count = bytes.len().min(self.room());
        self.bytes.borrow_mut().extend(&bytes[..count]);
        self.queue.wake_for(Ready::IN | Ready::RDNORM);
        count
    }

    fn room(&self) -> usize {
        MOST_OUTPUT - self.bytes.borrow().len()
    }

    fn taken(&self) {
        self.queue.wake_for(Ready::OUT | Ready::WRNORM);
    }

    fn held(&self, held: bool) {
        self.left.set(!held);
        self.queue.wake_all();
    }
}

/// The master side of a pair.
#[derive(Debug)]
pub struct Master {
    number: u32,
    wire: Rc<Wire>,
    terminal: Rc<Terminal>,
    /// The slave cannot be opened yet.
    locked: Cell<bool>,
    status: Status,
}

impl Master {
    /// A new pair; `status` is that of the file that was opened for it, and `user` who did.
    #[must_use]
    pub fn new(number: u32, status: Status, user: u32) -> Rc<Self> {
        let wire = Rc::new(Wire::default());
        let now = crate::clock::realtime();
        let slave = Status {
            device: fs::number(0, 24),
            inode: u64::from(number) + 3,
            represents: fs::number(SLAVES, number),
            permissions: 0o620,
            links: 1,
            user,
            group: GROUP,
            block_size: 1024,
            accessed: now,
            modified: now,
            changed: now,
            created: now,
            ..Status::default()
        };
        let line: Rc<dyn Line> = wire.clone();
        let terminal = Terminal::new(line, slave);
        Rc::new(Self { number, wire, terminal, locked: Cell::new(true), status })
    }

    /// The slave.
    ///
    /// # Errors
    /// EIO while it is locked.
    pub fn slave(&self) -> Result<Rc<Terminal>> {
        if self.locked.get() { Err(Errno::EIO) } else { Ok(Rc::clone(&self.terminal)) }
    }

    /// The slave, for those who only look at it.
    #[must_use]
    pub const fn terminal(&self) -> &Rc<Terminal> {
        &self.terminal
    }

    /// Its number among all.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }
}

impl File for Master {
    fn read(&self, _offset: u64, to: &mut dyn Destination) -> Result<usize> {
        if to.remaining() == 0 {
            return Ok(0);
        }
        let mut bytes = self.wire.bytes.borrow_mut();
        if bytes.is_empty() {
            return Err(if self.wire.left.get() { Errno::EIO } else { Errno::EAGAIN });
        }
        let (first, _) = bytes.as_slices();
        let part = first.len().min(to.remaining());
        let count = to.put(&first[..part])?;
        bytes.drain(..count);
        drop(bytes);
        self.terminal.line_has_room();
        Ok(count)
    }

    fn write(&self, _offset: u64, from: &mut dyn Source) -> Result<usize> {
        let mut buffer = [0; 256];
        let room = self.terminal.input_room().min(buffer.len());
        if room == 0 && from.remaining() != 0 {
            return Err(Errno::EAGAIN);
        }
        let length = from.remaining().min(room);
        let count = from.take(&mut buffer[..length])?;
        self.terminal.receive(&buffer[..count]);
        Ok(count)
    }

    fn ready(&self) -> Ready {
        let mut ready = Ready::empty();
        let left = self.wire.left.get();
        ready.set(Ready::IN | Ready::RDNORM, left || !self.wire.bytes.borrow().is_empty());
        ready.set(Ready::OUT | Ready::WRNORM, self.terminal.input_room() != 0);
        ready.set(Ready::HUP, left);
        ready
    }

    fn queue(&self) -> Option<&WaitQueue> {
        Some(&self.wire.queue)
    }

    fn status(&self) -> Status {
        Status { kind: Kind::CharacterDevice, ..self.status }
    }

    fn control(&self, number: u32, argument: u64, memory: &mut dyn UserMemory) -> Result<u64> {
        match number {
            request::TIOCGPTN => memory.write(argument, &self.number)?,
            request::TIOCSPTLCK => self.locked.set(memory.read::<u32>(argument)? != 0),
            request::TIOCGPTLCK => memory.write(argument, &u32::from(self.locked.get()))?,
            request::FIONREAD => memory.write(argument, &(self.wire.bytes.borrow().len() as u32))?,
            // The master may ask whom it serves.
            request::TIOCGPGRP => memory.write(argument, &self.terminal.foreground.get())?,
            request::TIOCGSID => memory.write(argument, &self.terminal.session.get())?,
            _ => return self.terminal.control_line(number, argument, memory),
        }
        Ok(0)
    }

    fn closed(&self, _flags: OpenFlags) {
        self.terminal.hang_up();
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
