//! The whole: who is there, who runs, and what happens between a program's leaving and its coming back.

mod end;
mod files;
mod groups;
mod memory;
mod mounts;
mod run;
mod send;
mod settle;
mod terminals;
#[cfg(test)]
mod tests;
mod wait_for;

use crate::file::File;
use crate::fs::Namespace;
use crate::futex::Futexes;
use crate::memory::AddressSpace;
use crate::process::{Identifiers, Process, Thread, WaitStatus};
use crate::schedule::{RunQueue, Timers};
use crate::signal::Actions;
use crate::terminal::{Master, Terminal};
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

pub use files::anchor;
pub use mounts::{make_devices, mount_all};
pub use wait_for::{Ended, WaitOptions, Whom};

/// What the library OS needs of the outside while nobody can run.
pub trait Outside: core::fmt::Debug {
    /// Sleeps until something happens, or the monotonic clock reaches `until`.
    fn sleep(&self, until: Option<u64>);

    /// Looks for what has happened outside: input, requests for memory.
    fn poll(&self, unix: &Unix);

    /// Memory has run out; whether some could be had.
    fn reclaim(&self) -> bool;
}

/// What uname(2) says and sethostname(2) changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    /// The host.
    pub host: Vec<u8>,
    /// Its domain.
    pub domain: Vec<u8>,
}

impl Default for Names {
    fn default() -> Self {
        Self { host: b"ravelin".to_vec(), domain: b"(none)".to_vec() }
    }
}

/// The Unix system.
#[derive(Debug)]
pub struct Unix {
    me: Weak<Unix>,
    signal_files: RefCell<Vec<Weak<crate::event::SignalFile>>>,
    /// Who can run.
    pub ready: Rc<RunQueue>,
    /// What is to happen later.
    pub timers: Rc<Timers>,
    /// Every process, those that have ended and were not waited for among them.
    pub processes: RefCell<BTreeMap<u32, Rc<Process>>>,
    /// Every thread.
    pub threads: RefCell<BTreeMap<u32, Rc<Thread>>>,
    /// Numbers for both.
    pub identifiers: Identifiers,
    /// Number 1, which has no threads: it takes in orphans and forgets them when they end.
    pub init: Rc<Process>,
    /// Words that are waited for.
    pub futexes: Futexes,
    /// System calls that there are not, by number: how often they were tried.
    pub unknown_calls: RefCell<BTreeMap<u64, u64>>,
    /// The process whose end is the end of everything, and how it ended.
    pub main: Cell<Option<u32>>,
    /// How it ended.
    pub outcome: Cell<Option<WaitStatus>>,
    /// Sockets by names that are no paths.
    pub sockets: crate::socket::Names,
    /// Locks on files.
    pub locks: crate::file::lock::Locks,
    files: Namespace,
    terminals: RefCell<Vec<Weak<Terminal>>>,
    pseudo_terminals: RefCell<BTreeMap<u32, Weak<Master>>>,
    /// The terminal of the machine itself.
    pub console: RefCell<Option<Rc<dyn File>>>,
    nameless: Cell<u64>,
    /// Input waits outside.
    pub input_came: Cell<bool>,
    /// What the system calls itself.
    pub names: RefCell<Names>,
    /// Nanoseconds of the monotonic clock at which all began.
    pub began: u64,
    pub(crate) outside: Rc<dyn Outside>,
    /// The memory of the process that was ended last because there was too little.
    sacrificed: RefCell<Weak<RefCell<AddressSpace>>>,
    current: RefCell<Option<Rc<Thread>>>,
    /// Before the program goes on there is more to look at than its call.
    pub(crate) attention: Cell<bool>,
    /// Somebody else is to have the CPU.
    pub(crate) preempted: Cell<bool>,
}

impl Unix {
    /// A system with nobody in it.
    #[must_use]
    pub fn new(outside: Rc<dyn Outside>, files: Namespace) -> Rc<Self> {
        let identifiers = Identifiers::default();
        let began = crate::clock::monotonic();
        let id = identifiers.take(|_| false).unwrap_or(1);
        let init = Process::new(id, None, Rc::new(RefCell::new(Actions::default())), began);
        let processes = RefCell::new(BTreeMap::from([(id, Rc::clone(&init))]));
        init.name.set(*b"init\0\0\0\0\0\0\0\0\0\0\0\0");
        Rc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            signal_files: RefCell::default(),
            ready: Rc::default(),
            timers: Rc::default(),
            sacrificed: RefCell::default(),
            processes,
            threads: RefCell::default(),
            identifiers,
            init,
            futexes: Futexes::default(),
            unknown_calls: RefCell::default(),
            main: Cell::new(None),
            outcome: Cell::new(None),
            sockets: crate::socket::Names::default(),
            locks: crate::file::lock::Locks::default(),
            files,
            terminals: RefCell::default(),
            pseudo_terminals: RefCell::default(),
            console: RefCell::new(None),
            nameless: Cell::new(1),
            input_came: Cell::new(true),
            names: RefCell::default(),
            began,
            outside,
            current: RefCell::new(None),
            attention: Cell::new(false),
            preempted: Cell::new(false),
        })
    }

    /// Itself, for those who come back to it.
    #[must_use]
    pub fn me(&self) -> Weak<Self> {
        Weak::clone(&self.me)
    }

    /// The process with a number, ended ones included.
    #[must_use]
    pub fn process(&self, id: u32) -> Option<Rc<Process>> {
        self.processes.borrow().get(&id).cloned()
    }

    /// The thread with a number.
    #[must_use]
    pub fn thread(&self, id: u32) -> Option<Rc<Thread>> {
        self.threads.borrow().get(&id).cloned()
    }

    /// A number for a process or thread that comes.
    pub fn take_id(&self) -> Option<u32> {
        let (processes, threads) = (self.processes.borrow(), self.threads.borrow());
        let names = |id| processes.values().any(|process| process.group.get() == id || process.session.get() == id);
        self.identifiers.take(|id| processes.contains_key(&id) || threads.contains_key(&id) || names(id))
    }

    /// Adds a thread to its process and to all; it can run.
    pub fn add_thread(&self, thread: &Rc<Thread>) {
        thread.process.threads.borrow_mut().push(Rc::clone(thread));
        self.threads.borrow_mut().insert(thread.id(), Rc::clone(thread));
        thread.enqueue();
    }

    /// Adds a process to its parent and to all.
    pub fn add_process(&self, process: &Rc<Process>) {
        if let Some(parent) = process.parent.borrow().upgrade() {
            parent.children.borrow_mut().insert(process.id, Rc::clone(process));
        }
        self.processes.borrow_mut().insert(process.id, Rc::clone(process));
    }

    /// The tree of files.
    #[must_use]
    pub const fn names_of_files(&self) -> &Namespace {
        &self.files
    }

    /// A number for something without a name.
    pub fn next_nameless(&self) -> u64 {
        self.nameless.replace(self.nameless.get() + 1)
    }

    /// Where it is said that somebody wants attention.
    #[cfg(target_os = "none")]
    pub(crate) const ATTENTION: usize = core::mem::offset_of!(Self, attention);

    /// Has everything looked at before a program goes on.
    pub fn attend(&self) {
        self.attention.set(true);
    }
}
