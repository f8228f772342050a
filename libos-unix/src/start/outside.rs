//! What the library OS needs of the environment: sleep, and what comes from outside.

use alloc::rc::Rc;
use core::cell::{Cell, RefCell};
use exo_user::console::{Read, read_input};
use exo_user::revocation::{Asked, Victims, phase};
use exo_user::{events, info, revocation};
use libos_unix::file::{Description, OpenFlags};
use libos_unix::pipe::PipeEnd;
use libos_unix::terminal::{Terminal, WindowSize};
use libos_unix::unix::{Outside, Unix};
use libos_unix::{clock, machine};

/// Bytes that are taken at a time.
const CHUNK: usize = 256;

/// Where input goes.
#[derive(Debug, Default)]
pub struct Input {
    terminal: RefCell<Option<Rc<Terminal>>>,
    writer: RefCell<Option<Rc<Description>>>,
    ended: Cell<bool>,
}

impl Input {
    /// To a terminal.
    pub fn feed_terminal(&self, terminal: &Rc<Terminal>) {
        *self.terminal.borrow_mut() = Some(Rc::clone(terminal));
    }

    /// Into a pipe; the end to read from.
    pub fn feed_pipe(&self) -> Rc<Description> {
        let [reader, writer] = PipeEnd::pair(1, 0, 0, OpenFlags::empty());
        *self.writer.borrow_mut() = Some(writer);
        reader
    }

    /// Takes what has come; whether that was all.
    fn poll(&self) -> bool {
        let mut bytes = [0; CHUNK];
        loop {
            // No more than there is room for.
            if let Some(writer) = &*self.writer.borrow()
                && writer.as_kind::<PipeEnd>().is_some_and(|end| end.pipe().capacity() - end.pipe().length() < CHUNK)
            {
                return false;
            }
            match read_input(&mut bytes) {
                Ok(Read::Data(count)) => self.pass(&bytes[..count]),
                Ok(Read::End) => {
                    self.ended.set(true);
                    drop(self.writer.take());
                }
                Ok(Read::Window { columns, rows }) => {
                    if let Some(terminal) = &*self.terminal.borrow() {
                        terminal.resize(WindowSize { rows, columns, pixels: [0; 2] });
                    }
                }
                Ok(Read::Nothing) | Err(_) => return true,
            }
        }
    }

    fn pass(&self, bytes: &[u8]) {
        if let Some(terminal) = &*self.terminal.borrow() {
            terminal.receive(bytes);
        }
        if let Some(writer) = &*self.writer.borrow() {
            let mut source = bytes;
            // Where nobody reads any more it is lost.
            while !source.is_empty() && writer.write(&mut source).is_ok() {}
        }
    }
}

/// Gives the kernel back what it asks for.
struct Giver<'u> {
    unix: &'u Unix,
}

impl Victims for Giver<'_> {
    /// What is free has gone already, but for what is kept at hand. Then a process has to go; its frames are free when it has ended, and
    /// the next who is asked finds them.
    fn release(&mut self, asked: Asked) {
        let given = machine::give_back_free() as u64;
        if let Asked::Frames { count } = asked
            && given < count
        {
            self.unix.relieve();
        }
    }
}

/// The environment.
#[derive(Debug)]
pub struct Machine {
    pub input: Rc<Input>,
}

impl Outside for Machine {
    fn sleep(&self, until: Option<u64>) {
        events::block(until.map_or(0, |until| clock::ticks_at(until).max(1)));
    }

    fn poll(&self, unix: &Unix) {
        events::poll();
        let is_asked = || info::request().is_some_and(|request| request.phase == phase::REQUESTED);
        if revocation::pending() || is_asked() {
            machine::answer(&mut Giver { unix });
        }
        if unix.input_came.get() {
            unix.input_came.set(!self.input.poll());
        }
    }

    fn reclaim(&self) -> bool {
        machine::grow() != 0
    }
}
