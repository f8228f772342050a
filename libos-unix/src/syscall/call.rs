//! What a handler works with, and what it comes to.

use crate::errno::{Errno, Result};
use crate::file::{Description, Ready};
use crate::memory::{SharedSpace, UserBuffers, UserMemory};
use crate::process::{Process, Progress, Thread};
use crate::unix::Unix;
use crate::wait::WaitQueue;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::fmt;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// What happens to a call that a signal interrupts while it waits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Restart {
    /// EINTR where a handler runs that has not asked for SA_RESTART, else made again (ERESTARTSYS).
    #[default]
    IfAsked,
    /// EINTR.
    Never,
    /// EINTR where any handler runs, else it waits on (ERESTARTNOHAND, ERESTART_RESTARTBLOCK).
    UnlessHandled,
    /// Only SIGKILL interrupts it.
    Uninterruptible,
}

/// Why a handler has no result. One word, so that outcomes travel in registers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Stop(pub(super) u64);

/// The same, to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StopKind {
    /// It failed; this is what goes to rax.
    Error(u64),
    /// It is to be made again when one of the queues wakes that it has entered.
    Wait(Restart),
    /// There is nobody to give a result to: the thread has ended, or its registers were replaced.
    Gone,
}

impl Stop {
    /// There is nobody to give a result to.
    pub const GONE: Self = Self(1);
    const WAITS: [Restart; 4] = [Restart::IfAsked, Restart::Never, Restart::UnlessHandled, Restart::Uninterruptible];
    const FIRST_WAIT: u64 = 2;

    /// It is to be made again when one of the queues wakes that it has entered.
    #[must_use]
    pub const fn wait(restart: Restart) -> Self {
        Self(Self::FIRST_WAIT + restart as u64)
    }

    /// What it is.
    #[must_use]
    pub fn kind(self) -> StopKind {
        match self.0.checked_sub(Self::FIRST_WAIT) {
            None => StopKind::Gone,
            Some(index) => {
                Self::WAITS.get(index as usize).map_or(StopKind::Error(self.0), |&restart| StopKind::Wait(restart))
            }
        }
    }
}

impl fmt::Debug for Stop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.kind().fmt(f)
    }
}

impl From<Errno> for Stop {
    #[inline]
    fn from(error: Errno) -> Self {
        Self(error.as_result())
    }
}

/// What a handler comes to: the result in rax.
pub type Outcome = core::result::Result<u64, Stop>;

/// A system call that is being made.
#[derive(Debug)]
pub struct Call<'u> {
    /// The system.
    pub unix: &'u Unix,
    /// Who makes it.
    pub thread: &'u Rc<Thread>,
}

impl<'u> Call<'u> {
    /// Its six arguments.
    #[inline(always)]
    #[must_use]
    pub fn arguments(&self) -> [u64; 6] {
        self.thread.context.call().1
    }

    /// A signal is there: a call that has to wait is over now, with what it has done, or is made again after it.
    #[must_use]
    pub fn is_interrupted(&self) -> bool {
        self.thread.interrupted.get()
    }

    /// An argument as an int.
    #[must_use]
    pub fn int(&self, index: usize) -> i32 {
        self.arguments()[index] as i32
    }

    /// An argument as an unsigned int.
    #[must_use]
    pub fn uint(&self, index: usize) -> u32 {
        self.arguments()[index] as u32
    }

    /// The caller's process.
    #[must_use]
    pub fn process(&self) -> &'u Rc<Process> {
        &self.thread.process
    }

    /// The description behind a descriptor.
    ///
    /// # Errors
    /// EBADF.
    pub fn file(&self, descriptor: u64) -> Result<Rc<Description>> {
        self.thread.files.borrow().borrow().get(descriptor).cloned()
    }

    /// Makes a descriptor of a description: the lowest that is free.
    ///
    /// # Errors
    /// EMFILE; ENFILE where memory is short.
    pub fn add_file(&self, description: Rc<Description>, close_on_exec: bool) -> Result<u64> {
        if !crate::machine::has_room(0) {
            return Err(Errno::ENFILE);
        }
        let limit = self.process().limits.get().soft(crate::process::Resource::Files);
        self.thread.files.borrow().borrow_mut().add(description, close_on_exec, 0, limit)
    }

    /// Does something with the caller's memory.
    pub fn with_memory<R>(&self, work: impl FnOnce(&mut dyn UserMemory) -> R) -> R {
        work(&mut SharedSpace(&self.thread.space.borrow()))
    }

    /// Reads a value of the caller's.
    ///
    /// # Errors
    /// EFAULT.
    pub fn read<T: FromBytes + IntoBytes>(&self, address: u64) -> Result<T> {
        self.with_memory(|memory| memory.read(address))
    }

    /// Writes a value of the caller's.
    ///
    /// # Errors
    /// EFAULT.
    pub fn write<T: IntoBytes + Immutable + ?Sized>(&self, address: u64, value: &T) -> Result<()> {
        self.with_memory(|memory| memory.write(address, value))
    }

    /// The same, where the caller has given a place at all.
    ///
    /// # Errors
    /// EFAULT.
    pub fn write_if<T: IntoBytes + Immutable + ?Sized>(&self, address: u64, value: &T) -> Result<()> {
        if address == 0 { Ok(()) } else { self.write(address, value) }
    }

    /// Bytes up to a zero, of which there are fewer than `limit`.
    ///
    /// # Errors
    /// EFAULT; `too_long`.
    pub fn string(&self, address: u64, limit: usize, too_long: Errno) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        let mut chunk = [0; 256];
        while bytes.len() < limit {
            let at = address.wrapping_add(bytes.len() as u64);
            // Not beyond the page: the next one may not be there.
            let part = (4096 - (at % 4096) as usize).min(chunk.len()).min(limit - bytes.len());
            self.with_memory(|memory| memory.read_bytes(at, &mut chunk[..part]))?;
            if let Some(end) = chunk[..part].iter().position(|&byte| byte == 0) {
                bytes.extend_from_slice(&chunk[..end]);
                return Ok(bytes);
            }
            bytes.extend_from_slice(&chunk[..part]);
        }
        Err(too_long)
    }

    /// A path.
    ///
    /// # Errors
    /// EFAULT, ENAMETOOLONG.
    pub fn path(&self, address: u64) -> Result<Vec<u8>> {
        self.string(address, 4096, Errno::ENAMETOOLONG)
    }

    /// A piece of the caller's memory, to read into and to write from.
    pub fn with_buffer<R>(&self, address: u64, length: u64, work: impl FnOnce(&mut UserBuffers<'_>) -> R) -> R {
        let space = self.thread.space.borrow();
        // Longer than Linux moves at a time.
        let length = length.min(0x7fff_f000);
        work(&mut UserBuffers::one(&space, address, length))
    }

    /// How far the call has come.
    #[must_use]
    pub fn progress(&self) -> Progress {
        self.thread.progress.get()
    }

    fn set_progress(&self, progress: Progress) {
        self.thread.progress.set(progress);
        // So that it is forgotten when the call is over.
        self.unix.attend();
    }

    /// Says how far the call has come.
    pub fn set_done(&self, done: u64) {
        self.set_progress(Progress { done, ..self.progress() });
    }

    /// The call waits no longer than to a time of the monotonic clock; said once, it holds for the times to come.
    pub fn wait_until(&self, deadline: impl FnOnce() -> Option<u64>) {
        let progress = self.progress();
        if !progress.waited && progress.deadline.is_none() {
            let deadline = deadline();
            if deadline.is_some() {
                self.set_progress(Progress { deadline, ..progress });
            }
        }
    }

    /// Whether it has waited long enough.
    #[must_use]
    pub fn is_late(&self) -> bool {
        self.progress().deadline.is_some_and(|deadline| crate::clock::monotonic() >= deadline)
    }

    /// Enters a queue, to be made again when it wakes.
    pub fn enter(&self, queue: &WaitQueue) {
        queue.enter(self.thread.waiter(), self.thread.visit());
    }

    /// Does something with a file until it need not wait: EAGAIN is waiting for the file, unless nobody waits for it.
    ///
    /// # Errors
    /// As `attempt` says.
    pub fn until_ready<T>(
        &self,
        description: &Description,
        never_waits: bool,
        mut attempt: impl FnMut() -> Result<T>,
    ) -> core::result::Result<T, Stop> {
        match attempt() {
            Err(Errno::EAGAIN) if !never_waits && !description.never_waits() => {
                let Some(queue) = description.file().queue() else { return Err(Errno::EAGAIN.into()) };
                if self.is_late() {
                    return Err(Errno::EAGAIN.into());
                }
                self.enter(queue);
                Err(Stop::wait(Restart::IfAsked))
            }
            other => Ok(other?),
        }
    }

    /// Whether a file is ready for something; errors and hang-ups always count.
    #[must_use]
    pub fn is_ready(description: &Description, wanted: Ready) -> Ready {
        description.file().ready() & (wanted | Ready::ERR | Ready::HUP)
    }
}
