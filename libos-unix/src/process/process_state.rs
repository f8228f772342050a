//! A process: threads that live and end together.

use super::{Limits, Thread};
use crate::file::File;
use crate::signal::{Actions, Information, Pending, Signal};
use crate::timer::IntervalTimers;
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use super::Shared;

/// What a process is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProcessState {
    /// It runs.
    Running,
    /// It was stopped.
    Stopped,
    /// It has ended; its parent does not know yet.
    Ended,
}

/// How a process ended, as wait(2) says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitStatus {
    /// By itself.
    Exited(u8),
    /// By a signal; whether it would have left a core dump.
    Killed(Signal, bool),
    /// It was stopped.
    Stopped(Signal),
    /// It goes on.
    Continued,
}

impl WaitStatus {
    /// As wait4(2) has it.
    #[must_use]
    pub fn encode(self) -> u32 {
        match self {
            Self::Exited(status) => u32::from(status) << 8,
            Self::Killed(signal, dumped) => u32::from(signal.number()) | if dumped { 0x80 } else { 0 },
            Self::Stopped(signal) => u32::from(signal.number()) << 8 | 0x7f,
            Self::Continued => 0xffff,
        }
    }

    /// si_code and si_status as waitid(2) has them.
    #[must_use]
    pub fn child_code(self) -> (i32, i32) {
        use crate::signal::code::{CLD_CONTINUED, CLD_DUMPED, CLD_EXITED, CLD_KILLED, CLD_STOPPED};
        match self {
            Self::Exited(status) => (CLD_EXITED, status.into()),
            Self::Killed(signal, true) => (CLD_DUMPED, signal.number().into()),
            Self::Killed(signal, false) => (CLD_KILLED, signal.number().into()),
            Self::Stopped(signal) => (CLD_STOPPED, signal.number().into()),
            Self::Continued => (CLD_CONTINUED, Signal::CONTINUE.number().into()),
        }
    }
}

/// What a parent has not been told yet of a child that lives.
pub type StopNews = Option<WaitStatus>;

/// Processor time, in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// In the program.
    pub user: u64,
    /// In the library OS.
    pub system: u64,
}

/// A process.
#[derive(Debug)]
#[allow(missing_docs)] // the names are Linux's
pub struct Process {
    /// Its number.
    pub id: u32,
    pub parent: RefCell<Weak<Process>>,
    pub children: RefCell<BTreeMap<u32, Rc<Process>>>,
    pub threads: RefCell<Vec<Rc<Thread>>>,
    pub group: Cell<u32>,
    pub session: Cell<u32>,
    state: Cell<ProcessState>,
    /// How it ended.
    pub status: Cell<WaitStatus>,
    /// What wait(2) has not said yet of stopping and going on.
    pub news: Cell<StopNews>,
    /// What the parent gets when it ends: SIGCHLD, unless clone(2) was told otherwise; 0 is nothing.
    pub exit_signal: Cell<u64>,
    pub actions: RefCell<Shared<Actions>>,
    pub pending: RefCell<Pending>,
    pub limits: Cell<Limits>,
    /// It has called exec since it was made.
    pub has_executed: Cell<bool>,
    /// Orphans below it become its children (PR_SET_CHILD_SUBREAPER).
    pub is_subreaper: Cell<bool>,
    /// What it gets when its parent ends.
    pub parent_death_signal: Cell<u64>,
    pub nice: Cell<i32>,
    /// Nanoseconds of the monotonic clock at which it began.
    pub began: u64,
    /// Of threads that have ended.
    pub times: Cell<Times>,
    /// Of children that were waited for.
    pub children_times: Cell<Times>,
    /// The program's path.
    pub program: RefCell<Rc<[u8]>>,
    /// The program itself, which nobody may write meanwhile.
    pub image: RefCell<Option<Rc<dyn File>>>,
    /// Threads that wait for children.
    pub waiting: crate::wait::WaitQueue,
    /// Its real user, for those who ask when it has no threads any more.
    pub user: Cell<u32>,
    /// Its name when its last thread ended.
    pub name: Cell<[u8; 16]>,
    pub interval_timers: IntervalTimers,
    /// Timers that it has made.
    pub timers: crate::timer::PosixTimers,
    /// Seconds of processor time at which it is told of its limit next.
    pub told_limit: Cell<u64>,
    /// Its locks on ranges of files.
    pub holds: RefCell<Vec<crate::file::lock::Hold>>,
    /// The process that has a lock that it waits for.
    pub waits_for: Cell<Option<u32>>,
    pub dumpable: Cell<bool>,
    pub no_new_privileges: Cell<bool>,
}

impl Process {
    /// A process without threads. What it does not say it has from its parent.
    #[must_use]
    pub fn new(id: u32, parent: Option<&Rc<Process>>, actions: Shared<Actions>, began: u64) -> Rc<Self> {
        let (group, session) = parent.map_or((id, id), |parent| (parent.group.get(), parent.session.get()));
        let program = parent.map_or_else(|| Rc::from(&b""[..]), |parent| Rc::clone(&parent.program.borrow()));
        Rc::new(Self {
            id,
            parent: RefCell::new(parent.map_or_else(Weak::new, Rc::downgrade)),
            children: RefCell::default(),
            threads: RefCell::default(),
            group: Cell::new(group),
            session: Cell::new(session),
            state: Cell::new(ProcessState::Running),
            status: Cell::new(WaitStatus::Exited(0)),
            news: Cell::new(None),
            exit_signal: Cell::new(Signal::CHILD.number().into()),
            actions: RefCell::new(actions),
            pending: RefCell::default(),
            limits: Cell::new(parent.map_or_else(Limits::default, |parent| parent.limits.get())),
            has_executed: Cell::new(false),
            is_subreaper: Cell::new(false),
            parent_death_signal: Cell::new(0),
            nice: Cell::new(parent.map_or(0, |parent| parent.nice.get())),
            began,
            times: Cell::default(),
            children_times: Cell::default(),
            program: RefCell::new(program),
            image: RefCell::new(parent.and_then(|parent| parent.image.borrow().clone())),
            waiting: crate::wait::WaitQueue::new(),
            user: Cell::new(parent.map_or(0, |parent| parent.user.get())),
            name: Cell::new([0; 16]),
            holds: RefCell::default(),
            waits_for: Cell::new(None),
            timers: crate::timer::PosixTimers::default(),
            told_limit: Cell::new(0),
            interval_timers: IntervalTimers::default(),
            dumpable: Cell::new(true),
            no_new_privileges: Cell::new(parent.is_some_and(|parent| parent.no_new_privileges.get())),
        })
    }

    /// What it is doing.
    #[must_use]
    pub const fn state(&self) -> ProcessState {
        self.state.get()
    }

    /// It does something else from now on.
    pub fn set_state(&self, state: ProcessState) {
        self.state.set(state);
    }

    /// Its first thread, or whichever is left.
    #[must_use]
    pub fn leader(&self) -> Option<Rc<Thread>> {
        let threads = self.threads.borrow();
        threads.iter().find(|thread| thread.id() == self.id).or(threads.first()).map(Rc::clone)
    }

    /// Its parent's number, 0 where there is none.
    #[must_use]
    pub fn parent_id(&self) -> u32 {
        self.parent.borrow().upgrade().map_or(0, |parent| parent.id)
    }

    /// Adds a signal to what waits for any of its threads.
    pub fn add_pending(&self, information: Information) -> bool {
        self.pending.borrow_mut().add(information)
    }
}
