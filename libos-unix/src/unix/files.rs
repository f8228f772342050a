//! What happens to processes when they use files: locks that go, terminals that object.

use super::Unix;
use crate::errno::{Errno, Result};
use crate::file::{Description, File, Kind, OpenFlags};
use crate::fs::{self, MemoryFileSystem, New, NodeFile, Place, Seals};
use crate::pipe::{Pipe, PipeEnd};
use crate::process::{Process, Thread};
use crate::signal::{Information, Signal};
use crate::socket::Socket;
use crate::syscall::{Call, Stop};
use crate::terminal::{SLAVES, Terminal};
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::any::Any;

impl Unix {
    /// A descriptor of a process was closed.
    pub fn close(&self, process: &Process, description: Rc<Description>) {
        if !process.holds.borrow().is_empty()
            && let Some(locks) = self.locks.find(&anchor(&description))
        {
            // POSIX has it that closing any descriptor of a file gives up all locks on it.
            process.holds.borrow_mut().retain(|hold| !Rc::ptr_eq(hold.locks(), &locks));
        }
        let is_socket = description.as_kind::<Socket>().is_some();
        drop(description);
        if is_socket {
            self.sockets.collect();
        }
    }

    /// Whether a process may read or write a file now, as far as job control has to do with it.
    ///
    /// # Errors
    /// The call is over, or made again after a signal.
    pub fn may_use_terminal(
        &self,
        call: &Call<'_>,
        description: &Description,
        reading: bool,
    ) -> core::result::Result<(), Stop> {
        match description.as_kind::<Terminal>() {
            None => Ok(()),
            Some(terminal) => self.check_terminal(call, terminal, reading),
        }
    }

    /// Whether a file may be written: not while it runs.
    ///
    /// # Errors
    /// ETXTBSY.
    pub fn check_not_running(&self, file: &Rc<dyn fs::Inode>) -> Result<()> {
        let runs = |process: &Rc<Process>| {
            let image = process.image.borrow();
            let node = image.as_ref().and_then(|image| image.as_any().downcast_ref::<NodeFile>());
            node.is_some_and(|node| fs::is_same(&node.place().inode, file))
        };
        if self.processes.borrow().values().any(runs) { Err(Errno::ETXTBSY) } else { Ok(()) }
    }

    /// A thread has written where nobody reads.
    pub fn break_pipe(&self, thread: &Rc<Thread>) {
        let process = &thread.process;
        self.send_to_thread(thread, Information::sent(Signal::PIPE, 0, process.id, process.user.get()));
    }

    /// Opens a character device.
    ///
    /// # Errors
    /// ENXIO where there is none of that number.
    pub fn open_device(
        &self,
        call: &Call<'_>,
        represents: u64,
        place: &Place,
        flags: OpenFlags,
    ) -> core::result::Result<Rc<dyn File>, Stop> {
        let process = call.process();
        match fs::device(represents) {
            (5, 0) => {
                let terminal = self.terminal_of(process.session.get()).ok_or(Errno::ENXIO)?;
                Ok(terminal)
            }
            (5, 1) => {
                let console = self.console.borrow().clone().ok_or(Errno::ENODEV)?;
                if let Some(terminal) = console.as_any().downcast_ref::<Terminal>() {
                    self.open_terminal(process, terminal, flags);
                }
                Ok(console)
            }
            (5, 2) => {
                let user = call.thread.credentials.borrow().file_user();
                Ok(self.make_pseudo_terminal(place.inode.status(), user)?)
            }
            (SLAVES, number) => {
                let terminal = self.master(number).ok_or(Errno::EIO)?.slave()?;
                self.open_terminal(process, &terminal, flags);
                Ok(terminal)
            }
            _ => Ok(fs::open_device(represents, place.inode.status())?),
        }
    }

    /// Opens a FIFO: who reads waits for who writes, and the other way round.
    ///
    /// # Errors
    /// ENXIO where nobody reads it and nobody may wait.
    pub fn open_fifo(
        &self,
        call: &Call<'_>,
        place: &Place,
        flags: OpenFlags,
    ) -> core::result::Result<Rc<dyn File>, Stop> {
        let shared = place.inode.shared(&mut || Pipe::new());
        let pipe = shared.and_then(|shared| shared.downcast::<Pipe>().ok()).ok_or(Errno::ENXIO)?;
        let (reads, writes) = (flags.reads(), flags.writes());
        let status = place.inode.status();
        let (readers, writers) = pipe.ends();
        if reads && writes {
            return Ok(Rc::new(PipeEnd::new(&pipe, true, true, status)));
        }
        let alone = if reads { writers == 0 } else { readers == 0 };
        if flags.contains(OpenFlags::NONBLOCK) {
            if writes && alone {
                return Err(Errno::ENXIO.into());
            }
            return Ok(Rc::new(PipeEnd::new(&pipe, reads, writes, status)));
        }
        // The end that waits is open already, so that the other one finds it.
        let end = call.thread.waiting_end.take();
        let end = end.unwrap_or_else(|| Rc::new(PipeEnd::new(&pipe, reads, writes, status)));
        let other = pipe.opened()[usize::from(reads)];
        let seen = call.progress().done;
        let met = !alone || (call.progress().waited && other != seen);
        if met || call.is_interrupted() {
            if !met {
                // It is closed with this; the call is made again, or not.
                return Err(Stop::wait(crate::syscall::Restart::IfAsked));
            }
            return Ok(end);
        }
        call.set_done(other);
        call.enter(pipe.queue());
        call.thread.waiting_end.set(Some(end));
        Err(Stop::wait(crate::syscall::Restart::IfAsked))
    }

    /// A file that never has a name, sealed so far.
    ///
    /// # Errors
    /// ENOSPC.
    pub fn nameless_file(&self, seals: Seals) -> Result<NodeFile> {
        let root = MemoryFileSystem::root(NAMELESS, u64::MAX);
        let new = New { kind: Kind::Regular, permissions: 0o777, user: 0, group: 0, represents: 0, target: Vec::new() };
        let inode = root.make_nameless(&new, false)?;
        inode.seals().into_iter().for_each(|cell| cell.set(seals));
        Ok(NodeFile::new(self.names_of_files().root().with(inode)))
    }
}

/// What the locks on a file are known by: the file itself, by whatever name it was opened.
#[must_use]
pub fn anchor(description: &Rc<Description>) -> Rc<dyn Any> {
    match description.as_kind::<NodeFile>() {
        Some(node) => Rc::clone(&node.place().inode) as Rc<dyn Any>,
        None => Rc::clone(description.file()) as Rc<dyn Any>,
    }
}

/// The device of files without names.
const NAMELESS: u64 = 1;
