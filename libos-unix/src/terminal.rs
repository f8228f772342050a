//! Terminals (termios(3), tty_ioctl(4)): the line discipline between a line of bytes and programs that read and write it.

mod control;
mod discipline;
mod input;
mod output;
mod pair;
mod settings;
#[cfg(test)]
mod tests;

pub use control::request;
pub use pair::{Master, SLAVES};
pub use settings::{InputFlags, LocalFlags, OutputFlags, Settings};

use crate::errno::{Errno, Result};
use crate::file::{File, Kind, OpenFlags, Ready, Status};
use crate::fs::MetadataChange;
use crate::io::{Destination, Source};
use crate::memory::UserMemory;
use crate::signal::Signal;
use crate::wait::WaitQueue;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};
use core::fmt;
use input::Input;

/// The other side of a terminal: a screen, or whoever has the master of a pseudo terminal.
pub trait Line: fmt::Debug {
    /// Takes bytes; how many, fewer where there is no room now.
    fn write(&self, bytes: &[u8]) -> usize;

    /// Bytes for which there is room.
    fn room(&self) -> usize {
        usize::MAX
    }

    /// A program has read what had come.
    fn taken(&self) {}

    /// Somebody has the terminal open, or nobody any more.
    fn held(&self, _held: bool) {}
}

/// What a terminal wants done that it cannot do itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// A signal for a process group.
    Signal(u32, Signal),
    /// The line is gone, which the leader of its session hears.
    HungUp(u32),
}

/// Size in characters and pixels: struct winsize.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct WindowSize {
    /// Lines.
    pub rows: u16,
    /// Characters of a line.
    pub columns: u16,
    /// Width and height in pixels, where somebody knows.
    pub pixels: [u16; 2],
}

/// A terminal.
#[derive(Debug)]
pub struct Terminal {
    line: Rc<dyn Line>,
    status: Cell<Status>,
    settings: Cell<Settings>,
    size: Cell<WindowSize>,
    input: RefCell<Input>,
    column: Cell<usize>,
    stopped: Cell<bool>,
    /// Descriptions of it that are open.
    users: Cell<u32>,
    hung_up: Cell<bool>,
    requests: RefCell<Vec<Request>>,
    queue: WaitQueue,
    /// The session whose controlling terminal it is; 0 is none.
    pub session: Cell<u32>,
    /// The process group in its foreground; 0 is none.
    pub foreground: Cell<u32>,
}

impl Terminal {
    /// A terminal at a line, with Linux's settings.
    #[must_use]
    pub fn new(line: Rc<dyn Line>, status: Status) -> Rc<Self> {
        Rc::new(Self {
            line,
            status: Cell::new(Status { kind: Kind::CharacterDevice, ..status }),
            settings: Cell::default(),
            size: Cell::default(),
            input: RefCell::default(),
            column: Cell::new(0),
            stopped: Cell::new(false),
            users: Cell::new(0),
            hung_up: Cell::new(false),
            requests: RefCell::default(),
            queue: WaitQueue::new(),
            session: Cell::new(0),
            foreground: Cell::new(0),
        })
    }

    /// Its settings.
    #[must_use]
    pub const fn settings(&self) -> Settings {
        self.settings.get()
    }

    /// Its size.
    #[must_use]
    pub const fn size(&self) -> WindowSize {
        self.size.get()
    }

    /// Its size changes; the foreground hears of it.
    pub fn resize(&self, size: WindowSize) {
        if self.size.replace(size) != size {
            self.ask(Signal::WINDOW);
        }
    }

    fn ask(&self, signal: Signal) {
        let group = self.foreground.get();
        if group != 0 {
            self.requests.borrow_mut().push(Request::Signal(group, signal));
        }
    }

    /// What it wants done.
    #[must_use]
    pub fn take_requests(&self) -> Vec<Request> {
        self.requests.take()
    }

    /// The line is gone: reading ends, writing fails, the foreground hears of it.
    pub fn hang_up(&self) {
        if !self.hung_up.replace(true) {
            self.ask(Signal::HANGUP);
            self.ask(Signal::CONTINUE);
            self.requests.borrow_mut().push(Request::HungUp(self.session.get()));
            self.queue.wake_all();
        }
    }

    /// Whether the line is gone.
    #[must_use]
    pub const fn is_hung_up(&self) -> bool {
        self.hung_up.get()
    }

    /// The line takes more bytes than before.
    pub(super) fn line_has_room(&self) {
        self.queue.wake_for(Ready::OUT | Ready::WRNORM);
    }

    /// Who may do what with it changes.
    pub fn change_status(&self, change: &MetadataChange) {
        let mut status = self.status.get();
        status.permissions = change.permissions.unwrap_or(status.permissions);
        status.user = change.user.unwrap_or(status.user);
        status.group = change.group.unwrap_or(status.group);
        status.accessed = change.accessed.unwrap_or(status.accessed);
        status.modified = change.modified.unwrap_or(status.modified);
        self.status.set(status);
    }

    /// How long a read waits for a first byte, in nanoseconds, where the settings limit that.
    #[must_use]
    pub fn read_limit(&self) -> Option<u64> {
        const TENTH: u64 = 100_000_000;
        let settings = self.settings.get();
        let limited = !settings.local.contains(LocalFlags::CANONICAL) && settings.minimum() == 0;
        (limited && settings.time() != 0).then(|| u64::from(settings.time()) * TENTH)
    }

    /// Whether what waits can be read: a line, or as many bytes as the settings ask for.
    fn is_readable(&self) -> bool {
        let settings = self.settings.get();
        let input = self.input.borrow();
        if settings.local.contains(LocalFlags::CANONICAL) {
            return input.has_line();
        }
        let enough = if settings.time() == 0 { usize::from(settings.minimum()).max(1) } else { 1 };
        input.count() >= enough
    }
}

impl File for Terminal {
    fn read(&self, _offset: u64, to: &mut dyn Destination) -> Result<usize> {
        if to.remaining() == 0 {
            return Ok(0);
        }
        let settings = self.settings.get();
        let mut input = self.input.borrow_mut();
        let canonical = settings.local.contains(LocalFlags::CANONICAL);
        if canonical && input.has_line() {
            let count = input.take_line(to)?;
            drop(input);
            self.line.taken();
            return Ok(count);
        }
        let minimum = usize::from(settings.minimum());
        let enough = if settings.time() == 0 { minimum.min(to.remaining()) } else { minimum.min(1) };
        if !canonical && input.count() >= enough.max(1) {
            let count = input.take(to)?;
            drop(input);
            self.line.taken();
            return Ok(count);
        }
        if self.hung_up.get() || (!canonical && minimum == 0 && settings.time() == 0) {
            return Ok(0);
        }
        Err(Errno::EAGAIN)
    }

    fn write(&self, _offset: u64, from: &mut dyn Source) -> Result<usize> {
        if self.hung_up.get() {
            return Err(Errno::EIO);
        }
        if self.stopped.get() {
            return Err(Errno::EAGAIN);
        }
        let mut buffer = [0; 512];
        let length = from.remaining().min(buffer.len());
        let count = from.take(&mut buffer[..length])?;
        let written = self.put_processed(&buffer[..count]);
        if written == 0 && count != 0 { Err(Errno::EAGAIN) } else { Ok(written) }
    }

    fn ready(&self) -> Ready {
        let mut ready = Ready::empty();
        ready.set(Ready::IN | Ready::RDNORM, self.is_readable() || self.hung_up.get());
        ready.set(Ready::OUT | Ready::WRNORM, !self.stopped.get() && !self.hung_up.get() && self.line.room() > 256);
        ready.set(Ready::HUP | Ready::ERR, self.hung_up.get());
        ready
    }

    fn queue(&self) -> Option<&WaitQueue> {
        Some(&self.queue)
    }

    fn status(&self) -> Status {
        self.status.get()
    }

    fn control(&self, request: u32, argument: u64, memory: &mut dyn UserMemory) -> Result<u64> {
        self.control_line(request, argument, memory)
    }

    fn opened(&self, _flags: OpenFlags) {
        self.users.set(self.users.get() + 1);
        self.line.held(true);
    }

    fn closed(&self, _flags: OpenFlags) {
        self.users.set(self.users.get() - 1);
        if self.users.get() == 0 {
            self.line.held(false);
        }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
