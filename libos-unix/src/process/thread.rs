//! A thread: registers, a signal mask, and what it shares with others.

use super::{Process, ProcessState};
use crate::descriptors::Descriptors;
use crate::file::{Credentials, Ready};
use crate::fs::Directories;
use crate::machine::Context;
use crate::memory::AddressSpace;
use crate::schedule::{Expire, RunQueue, TimerHandle};
use crate::signal::{Pending, SignalSet};
use crate::syscall::Restart;
use crate::unix::Unix;
use crate::wait::Wake;
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};
use core::fmt;

/// What threads share, and clone(2) copies or shares.
pub type Shared<T> = Rc<RefCell<T>>;

/// sigaltstack(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AlternateStack {
    /// Its lowest address.
    pub start: u64,
    /// Its bytes; 0 where there is none.
    pub bytes: u64,
    /// It is disarmed while a handler is on it (SS_AUTODISARM).
    pub disarms: bool,
}

impl AlternateStack {
    /// Whether a stack pointer is on it.
    #[must_use]
    pub const fn holds(&self, rsp: u64) -> bool {
        rsp > self.start && rsp - self.start <= self.bytes
    }
}

/// How far a system call has come that is made again and again until it need not wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// When it stops waiting, once it has found out.
    pub deadline: Option<u64>,
    /// What is done: bytes, in most calls.
    pub done: u64,
    /// It has begun to wait before.
    pub waited: bool,
}

/// A thread.
#[allow(missing_docs)] // the names are Linux's
pub struct Thread {
    id: Cell<u32>,
    /// Its process.
    pub process: Rc<Process>,
    /// Its registers.
    pub context: Context,
    me: Weak<Thread>,
    ready: Rc<RunQueue>,
    pub(crate) queued: Cell<bool>,
    blocked: Cell<bool>,
    dead: Cell<bool>,
    /// Changes whenever it stops waiting.
    visit: Cell<u64>,
    /// It waits until then at most.
    pub(crate) timer: Cell<Option<TimerHandle>>,
    /// It is in a system call, which is made again when it runs.
    pub(crate) in_call: Cell<bool>,
    /// How far that has come.
    pub(crate) progress: Cell<Progress>,
    /// What becomes of that call if a signal interrupts it.
    pub(crate) restart: Cell<Restart>,
    /// The call is being made again because there is a signal.
    pub(crate) interrupted: Cell<bool>,
    /// It was woken by whoever changed the word that it waited for.
    pub(crate) futex_woken: Cell<bool>,
    /// An end of a FIFO that waits for the other one to be opened.
    pub(crate) waiting_end: Cell<Option<Rc<crate::pipe::PipeEnd>>>,
    /// Vector, error code and address of the last fault, for handlers.
    pub fault: Cell<[u64; 3]>,
    pub space: RefCell<Shared<AddressSpace>>,
    pub files: RefCell<Shared<Descriptors>>,
    pub directories: RefCell<Shared<Directories>>,
    pub credentials: RefCell<Rc<Credentials>>,
    pub name: Cell<[u8; 16]>,
    pub mask: Cell<SignalSet>,
    /// The mask to come back after the next handler, or at the end of a call that changed it.
    pub saved_mask: Cell<Option<SignalSet>>,
    pub pending: RefCell<Pending>,
    pub alternate_stack: Cell<AlternateStack>,
    /// Where zero is written, and a futex woken, when it ends (CLONE_CHILD_CLEARTID).
    pub clear_child_id: Cell<u64>,
    pub robust_list: Cell<u64>,
    /// Somebody waits for it to exec or end (CLONE_VFORK).
    pub vfork_parent: RefCell<Weak<Thread>>,
    /// TSC ticks that it has run.
    pub ticks: Cell<u64>,
    /// Of those, in the library OS.
    pub system_ticks: Cell<u64>,
}

impl fmt::Debug for Thread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "thread {} of process {}", self.id(), self.process.id)
    }
}

/// What a new thread begins with.
#[derive(Debug)]
#[allow(missing_docs)] // as in the thread
pub struct NewThread {
    pub id: u32,
    pub process: Rc<Process>,
    pub context: Context,
    pub space: Shared<AddressSpace>,
    pub files: Shared<Descriptors>,
    pub directories: Shared<Directories>,
    pub credentials: Rc<Credentials>,
    pub name: [u8; 16],
    pub mask: SignalSet,
}

impl Thread {
    /// A thread that waits for nothing and is in no queue.
    #[must_use]
    pub fn new(new: NewThread, ready: Rc<RunQueue>) -> Rc<Self> {
        Rc::new_cyclic(|me| Self {
            id: Cell::new(new.id),
            process: new.process,
            context: new.context,
            me: Weak::clone(me),
            ready,
            queued: Cell::new(false),
            blocked: Cell::new(false),
            dead: Cell::new(false),
            visit: Cell::new(0),
            timer: Cell::new(None),
            in_call: Cell::new(false),
            progress: Cell::default(),
            restart: Cell::default(),
            interrupted: Cell::new(false),
            futex_woken: Cell::new(false),
            waiting_end: Cell::new(None),
            fault: Cell::default(),
            space: RefCell::new(new.space),
            files: RefCell::new(new.files),
            directories: RefCell::new(new.directories),
            credentials: RefCell::new(new.credentials),
            name: Cell::new(new.name),
            mask: Cell::new(new.mask),
            saved_mask: Cell::new(None),
            pending: RefCell::default(),
            alternate_stack: Cell::default(),
            clear_child_id: Cell::new(0),
            robust_list: Cell::new(0),
            vfork_parent: RefCell::default(),
            ticks: Cell::new(0),
            system_ticks: Cell::new(0),
        })
    }

    /// Its number.
    #[inline]
    #[must_use]
    pub const fn id(&self) -> u32 {
        self.id.get()
    }

    /// It has another number from now on: exec leaves a process one thread, with the process's number.
    pub fn set_id(&self, id: u32) {
        self.id.set(id);
    }

    /// Whether it could have the CPU.
    #[must_use]
    pub fn can_run(&self) -> bool {
        !self.blocked.get() && !self.dead.get() && self.process.state() == ProcessState::Running
    }

    /// Whether it waits for something.
    #[must_use]
    pub const fn is_blocked(&self) -> bool {
        self.blocked.get()
    }

    /// Whether it has ended.
    #[must_use]
    pub const fn is_dead(&self) -> bool {
        self.dead.get()
    }

    /// It ends: nothing wakes it any more.
    pub fn end(&self) {
        self.dead.set(true);
        self.visit.set(self.visit.get() + 1);
    }

    /// Another handle of the same thread.
    #[must_use]
    pub fn handle(&self) -> Option<Rc<Self>> {
        self.me.upgrade()
    }

    /// It, as queues know it.
    #[must_use]
    pub fn waiter(&self) -> Weak<dyn Wake> {
        self.me.clone()
    }

    /// The number under which it waits now.
    #[must_use]
    pub const fn visit(&self) -> u64 {
        self.visit.get()
    }

    /// It waits from now on, for whatever it has entered the queues of under its present [`visit`](Self::visit).
    pub fn block(&self) {
        self.blocked.set(true);
    }

    /// It waits no more, whatever for.
    pub fn unblock(&self) {
        // What it waited for does not concern it any more, whether or not it has begun to wait.
        self.visit.set(self.visit.get() + 1);
        if self.blocked.replace(false) {
            self.enqueue();
        }
    }

    /// Puts it into the queue of those who can run.
    pub fn enqueue(&self) {
        if let Some(me) = self.me.upgrade().filter(|me| me.can_run()) {
            self.ready.push(me);
        }
    }

    /// Its space.
    #[must_use]
    pub fn space(&self) -> Shared<AddressSpace> {
        Rc::clone(&self.space.borrow())
    }

    /// Its descriptors.
    #[must_use]
    pub fn files(&self) -> Shared<Descriptors> {
        Rc::clone(&self.files.borrow())
    }
}

impl Wake for Thread {
    fn wake(&self, visit: u64, _what: Ready) {
        if self.visit.get() == visit && !self.dead.get() {
            self.unblock();
        }
    }

    fn is_over(&self, visit: u64) -> bool {
        self.visit.get() != visit || self.dead.get()
    }
}

impl Expire for Thread {
    fn expire(&self, _unix: &Unix, _deadline: u64, _now: u64, visit: u64) {
        self.wake(visit, Ready::all());
    }
}
