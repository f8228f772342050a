//! Memory for programs: faults, and what happens when there is none left.

use super::Unix;
use crate::file::File;
use crate::fs::{self, Inode, NodeFile};
use crate::memory::{Access, FRAME_BYTES, Fault, FaultCode};
use crate::process::{Process, Thread};
use crate::signal::{Information, Signal};
use alloc::rc::Rc;
use alloc::vec::Vec;

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

    /// A file has become shorter, or has holes where it had none: pages from `first` on, up to `end`, go out of all spaces.
    pub fn withdraw_pages(&self, file: &Rc<dyn Inode>, first: u64, end: u64) {
        let is_it = |other: &Rc<dyn File>| {
            let node = other.as_any().downcast_ref::<NodeFile>();
            node.is_some_and(|node| fs::is_same(&node.place().inode, file))
        };
        for thread in self.threads.borrow().values() {
            thread.space.borrow().borrow_mut().withdraw(&is_it, first, end);
        }
    }

    /// Whether a file is mapped so that somebody can write it.
    #[must_use]
    pub fn is_mapped_to_be_written(&self, file: &Rc<dyn Inode>) -> bool {
        let is_it = |other: &Rc<dyn File>| {
            let node = other.as_any().downcast_ref::<NodeFile>();
            node.is_some_and(|node| fs::is_same(&node.place().inode, file))
        };
        self.threads.borrow().values().any(|thread| thread.space.borrow().borrow().shares_to_write(&is_it))
    }

    /// A thread has touched a page for which there is no memory: somebody has to go, the one whose end gives most.
    pub fn out_of_memory(&self, thread: &Rc<Thread>) {
        let victim = self.largest().unwrap_or_else(|| Rc::clone(&thread.process));
        self.sacrifice(&victim);
    }

    /// Memory is wanted for the library OS itself, or by the kernel: somebody has to go, unless somebody does already.
    pub fn relieve(&self) {
        let dying = |process: &Rc<Process>| process.pending.borrow().set().contains(Signal::KILL);
        if self.sacrificed.borrow().strong_count() != 0 || self.processes.borrow().values().any(dying) {
            // That may be enough.
            return;
        }
        if let Some(victim) = self.largest() {
            self.sacrifice(&victim);
        }
    }

    /// Ends a process and those that have the same memory, without which nothing would be had of it.
    fn sacrifice(&self, victim: &Rc<Process>) {
        let Some(space) = victim.leader().map(|leader| leader.space()) else { return };
        let has_it = |process: &&Rc<Process>| process.leader().is_some_and(|each| Rc::ptr_eq(&each.space(), &space));
        let victims: Vec<Rc<Process>> = self.processes.borrow().values().filter(has_it).cloned().collect();
        self.sacrificed.replace(Rc::downgrade(&space));
        for victim in victims {
            log::warn!("out of memory: process {} is ended", victim.id);
            self.send(&victim, Information::kernel(Signal::KILL));
        }
        self.attend();
    }

    fn largest(&self) -> Option<Rc<Process>> {
        let processes = self.processes.borrow();
        let sizes = processes.values().filter_map(|process| Some((size(&*process.leader()?), process)));
        sizes.max_by_key(|&(size, _)| size).map(|(_, process)| Rc::clone(process))
    }
}

/// Bytes that a thread has for itself and for the library OS to know it by, roughly.
fn size(thread: &Thread) -> usize {
    /// What the library OS keeps for a description, and for an area.
    const KEPT: usize = 128;
    let space = thread.space.borrow();
    let space = space.borrow();
    let memory = space.resident_pages() as usize * FRAME_BYTES + space.areas().count() * KEPT;
    let table = thread.files();
    let table = table.borrow();
    let files = table.numbers().filter_map(|number| table.get(number).ok());
    memory + files.map(|description| KEPT + description.file().holds()).sum::<usize>()
}
