//! Memory for programs: faults, and what happens when there is none left.

use super::Unix;
use crate::memory::{Access, Fault, FaultCode};
use crate::process::{Process, Thread};
use crate::signal::{Information, Signal};
use alloc::rc::Rc;

impl Unix {
    /// Makes an access of the current thread possible.
    ///
    /// # Errors
    /// [`Fault`], where it is not.
    pub fn fault(&self, address: u64, access: Access) -> Result<(), Fault> {
        let current = self.current.borrow();
        let Some(thread) = &*current else { return Err(Fault { address, code: FaultCode::NotMapped }) };
        loop {
            let outcome = thread.space.borrow().borrow_mut().fault(address, access);
            match outcome {
                Err(Fault { code: FaultCode::OutOfMemory, .. }) if self.outside.reclaim() => {}
                outcome => return outcome,
            }
        }
    }

    /// A thread has touched a page for which there is no memory: somebody has to go, the one whose end gives most.
    pub fn out_of_memory(&self, thread: &Rc<Thread>) {
        let victim = self.largest().unwrap_or_else(|| Rc::clone(&thread.process));
        log::warn!("out of memory: process {} is ended", victim.id);
        self.send(&victim, Information::kernel(Signal::KILL));
        self.attend();
    }

    fn largest(&self) -> Option<Rc<Process>> {
        let size = |process: &Process| {
            let leader = process.leader();
            leader.map_or(0, |leader| leader.space.borrow().borrow().resident_pages())
        };
        self.processes
            .borrow()
            .values()
            .filter(|process| process.leader().is_some())
            .max_by_key(|each| size(each))
            .cloned()
    }
}
