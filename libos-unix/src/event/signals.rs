//! Signals that are read: signalfd(2).

use crate::errno::{Errno, Result};
use crate::file::{File, Kind, Ready, Status};
use crate::io::Destination;
use crate::process::Thread;
use crate::signal::{Information, SignalSet, code};
use crate::unix::Unix;
use crate::wait::WaitQueue;
use alloc::rc::{Rc, Weak};
use core::any::Any;
use core::cell::Cell;

/// Bytes of struct signalfd_siginfo.
const RECORD: usize = 128;

/// Gives the signals of whoever reads it.
#[derive(Debug)]
pub struct SignalFile {
    unix: Weak<Unix>,
    set: Cell<SignalSet>,
    queue: WaitQueue,
}

impl SignalFile {
    /// One for these signals.
    #[must_use]
    pub fn new(unix: &Unix, set: SignalSet) -> Rc<Self> {
        let file = Rc::new(Self { unix: unix.me(), set: Cell::new(set), queue: WaitQueue::new() });
        unix.add_signal_file(&file);
        file
    }

    /// It is for others from now on.
    pub fn set(&self, set: SignalSet) {
        self.set.set(set);
        self.queue.wake_all();
    }

    /// A signal was sent to somebody.
    pub fn notice(&self) {
        self.queue.wake_all();
    }

    fn reader(&self) -> Option<Rc<Thread>> {
        self.unix.upgrade()?.current()
    }
}

/// struct signalfd_siginfo.
fn encode(information: &Information) -> [u8; RECORD] {
    let mut bytes = [0; RECORD];
    let mut put = |at: usize, value: &[u8]| bytes[at..at + value.len()].copy_from_slice(value);
    let [first, second, _] = information.fields.map(u64::to_le_bytes);
    put(0, &u32::from(information.signal.number()).to_le_bytes());
    put(4, &information.error.to_le_bytes());
    put(8, &information.code.to_le_bytes());
    match information.code {
        code::TIMER => {
            // The timer, how often it was missed, and its value both as a number and as a pointer.
            put(24, &first[..4]);
            put(32, &first[4..]);
            put(44, &second[..4]);
            put(48, &second);
        }
        _ if information.code > 0 && information.signal == crate::signal::Signal::CHILD => {
            put(12, &first);
            put(40, &second[..4]);
        }
        _ if information.code > 0 && information.code != code::KERNEL => put(72, &first),
        _ => {
            put(12, &first);
            put(44, &second[..4]);
            put(48, &second);
        }
    }
    bytes
}

impl File for SignalFile {
    fn read(&self, _offset: u64, to: &mut dyn Destination) -> Result<usize> {
        if to.remaining() < RECORD {
            return Err(Errno::EINVAL);
        }
        let reader = self.reader().ok_or(Errno::EAGAIN)?;
        let mut done = 0;
        while to.remaining() >= RECORD {
            let Some(information) = reader.take_signal(self.set.get()) else { break };
            done += to.put(&encode(&information))?;
        }
        if done == 0 { Err(Errno::EAGAIN) } else { Ok(done) }
    }

    fn ready(&self) -> Ready {
        let waits = self.reader().is_some_and(|reader| {
            let pending = reader.pending.borrow().set() | reader.process.pending.borrow().set();
            !(pending & self.set.get()).is_empty()
        });
        if waits { Ready::IN | Ready::RDNORM } else { Ready::empty() }
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
