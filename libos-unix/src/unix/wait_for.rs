//! Waiting for children: wait4(2), waitid(2).

use super::Unix;
use crate::errno::{Errno, Result};
use crate::process::{Process, ProcessState, WaitStatus};
use alloc::rc::Rc;

bitflags::bitflags! {
    /// What to wait for and how.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct WaitOptions: u32 {
        /// Not at all.
        const NOHANG = 0x1;
        /// Also children that have stopped.
        const STOPPED = 0x2;
        /// Children that have ended; always so in wait4(2).
        const EXITED = 0x4;
        /// Also children that go on.
        const CONTINUED = 0x8;
        /// The child can be waited for again.
        const NOWAIT = 0x100_0000;
        /// Only this thread's; threads' children are all the process's here.
        const NOTHREAD = 0x2000_0000;
        /// All children.
        const ALL = 0x4000_0000;
        /// Only children that end with another signal than SIGCHLD.
        const CLONE = 0x8000_0000;
    }
}

/// Which children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whom {
    /// Any.
    Any,
    /// This one.
    Process(u32),
    /// Those of a group.
    Group(u32),
}

/// What was waited for.
#[derive(Clone, Debug)]
pub struct Ended {
    /// The child.
    pub process: Rc<Process>,
    /// What became of it.
    pub status: WaitStatus,
}

impl Unix {
    /// A child of which there is something to say; `None` where there is nothing yet.
    ///
    /// # Errors
    /// ECHILD where there is no such child.
    pub fn wait_for(&self, parent: &Rc<Process>, whom: Whom, options: WaitOptions) -> Result<Option<Ended>> {
        let mut any = false;
        let mut found = None;
        for child in parent.children.borrow().values() {
            let is_meant = match whom {
                Whom::Any => true,
                Whom::Process(id) => child.id == id,
                Whom::Group(group) => child.group.get() == group,
            };
            let clones = child.exit_signal.get() != u64::from(crate::signal::Signal::CHILD.number());
            let kind = options.contains(WaitOptions::ALL) || clones == options.contains(WaitOptions::CLONE);
            if !is_meant || !kind {
                continue;
            }
            any = true;
            if let Some(status) = news(child, options) {
                found = Some(Ended { process: Rc::clone(child), status });
                break;
            }
        }
        if let Some(ended) = &found {
            if !options.contains(WaitOptions::NOWAIT) {
                self.take_news(parent, ended);
            }
        } else if !any {
            return Err(Errno::ECHILD);
        }
        Ok(found)
    }

    fn take_news(&self, parent: &Process, ended: &Ended) {
        ended.process.news.set(None);
        if ended.process.state() == ProcessState::Ended {
            let (own, children) = (ended.process.times.get(), ended.process.children_times.get());
            let mut sum = parent.children_times.get();
            sum.user += own.user + children.user;
            sum.system += own.system + children.system;
            parent.children_times.set(sum);
            self.forget_process(&ended.process);
        }
    }
}

fn news(child: &Process, options: WaitOptions) -> Option<WaitStatus> {
    match (child.state(), child.news.get()) {
        (ProcessState::Ended, _) if options.contains(WaitOptions::EXITED) => Some(child.status.get()),
        (ProcessState::Stopped, Some(status)) if options.contains(WaitOptions::STOPPED) => Some(status),
        (ProcessState::Running, Some(status @ WaitStatus::Continued)) if options.contains(WaitOptions::CONTINUED) => {
            Some(status)
        }
        _ => None,
    }
}
