//! Process groups and sessions.

use super::Unix;
use crate::errno::{Errno, Result};
use crate::process::{Process, ProcessState};
use crate::signal::{Information, Signal};
use alloc::rc::Rc;
use alloc::vec::Vec;

impl Unix {
    /// Processes of a group, those that have ended and were not waited for among them.
    #[must_use]
    pub fn group(&self, group: u32) -> Vec<Rc<Process>> {
        self.processes.borrow().values().filter(|process| process.group.get() == group).cloned().collect()
    }

    /// Sends a signal of the library OS to a group.
    pub fn send_to_group(&self, group: u32, signal: Signal) {
        for process in self.group(group) {
            self.send(&process, Information::kernel(signal));
        }
    }

    /// Whether a group has nobody whose parent is in the same session and another group: nobody could have its job go on.
    #[must_use]
    pub fn is_orphaned(&self, group: u32) -> bool {
        self.is_orphaned_without(group, None)
    }

    fn is_orphaned_without(&self, group: u32, without: Option<u32>) -> bool {
        !self.group(group).iter().any(|process| {
            let parent = process.parent.borrow().upgrade();
            let counts = process.state() != ProcessState::Ended && Some(process.id) != without;
            counts
                && parent.is_some_and(|parent| {
                    parent.group.get() != group
                        && parent.session.get() == process.session.get()
                        && parent.id != self.init.id
                        && Some(parent.id) != without
                })
        })
    }

    /// A process ends: groups that are orphaned by it and have stopped members are told (POSIX, _exit).
    pub(super) fn hang_up(&self, process: &Rc<Process>) {
        // Only the end of who connects a group with the rest of its session orphans it: of a parent in another group.
        let connects = |parent: &Process, child: &Process| {
            parent.group.get() != child.group.get() && parent.session.get() == child.session.get()
        };
        let children = process.children.borrow();
        let mut groups: Vec<u32> =
            children.values().filter(|child| connects(process, child)).map(|child| child.group.get()).collect();
        drop(children);
        if process.parent.borrow().upgrade().is_some_and(|parent| connects(&parent, process)) {
            groups.push(process.group.get());
        }
        groups.sort_unstable();
        groups.dedup();
        for group in groups {
            let members = self.group(group);
            let stopped = members.iter().any(|member| member.state() == ProcessState::Stopped);
            if stopped && self.is_orphaned_without(group, Some(process.id)) {
                for member in members.iter().filter(|member| member.id != process.id) {
                    self.send(member, Information::kernel(Signal::HANGUP));
                    self.send(member, Information::kernel(Signal::CONTINUE));
                }
            }
        }
    }

    /// setpgid(2).
    ///
    /// # Errors
    /// ESRCH, EPERM, EACCES, as the manual says.
    pub fn set_group(&self, caller: &Rc<Process>, process: u32, group: u32) -> Result<()> {
        let id = if process == 0 { caller.id } else { process };
        let group = if group == 0 { id } else { group };
        if group.cast_signed() < 0 {
            return Err(Errno::EINVAL);
        }
        let process = self.process(id).ok_or(Errno::ESRCH)?;
        if process.id != caller.id {
            if process.parent_id() != caller.id {
                return Err(Errno::ESRCH);
            }
            if process.session.get() != caller.session.get() {
                return Err(Errno::EPERM);
            }
            if process.has_executed.get() {
                return Err(Errno::EACCES);
            }
        }
        if process.session.get() == process.id {
            return Err(Errno::EPERM);
        }
        let there = |other: &Rc<Process>| other.session.get() == caller.session.get();
        if group != id && !self.group(group).iter().any(there) {
            return Err(Errno::EPERM);
        }
        process.group.set(group);
        Ok(())
    }

    /// setsid(2).
    ///
    /// # Errors
    /// EPERM.
    pub fn new_session(&self, process: &Rc<Process>) -> Result<u32> {
        if !self.group(process.id).is_empty() {
            return Err(Errno::EPERM);
        }
        process.session.set(process.id);
        process.group.set(process.id);
        Ok(process.id)
    }
}
