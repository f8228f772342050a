//! Locks on files: flock(2), and those of ranges of fcntl(2), of processes and of open file descriptions.
//!
//! They only hold against each other. Whoever has one keeps a [`Hold`]; with it the locks go.

#[cfg(test)]
mod tests;

use crate::errno::{Errno, Result};
use crate::wait::WaitQueue;
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::cell::RefCell;

/// Ranges of one file that are locked at a time, at most.
const MOST: usize = 4096;

/// Whose a lock is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Owner {
    /// A process's.
    Process(u32),
    /// An open file description's, by its address.
    Description(usize),
}

/// A range that is locked, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RangeLock {
    /// Whose it is.
    pub owner: Owner,
    /// First byte.
    pub first: u64,
    /// Last byte.
    pub last: u64,
    /// Nobody else may have any part of it.
    pub exclusive: bool,
}

impl RangeLock {
    const fn overlaps(&self, other: &Self) -> bool {
        self.first <= other.last && other.first <= self.last
    }
}

/// The locks of a file.
#[derive(Debug)]
pub struct FileLocks {
    /// The file, so that its address is nobody else's.
    _file: Rc<dyn Any>,
    /// Of the whole file, by flock(2): the description, and whether it is exclusive.
    whole: RefCell<Vec<(Owner, bool)>>,
    ranges: RefCell<Vec<RangeLock>>,
    queue: WaitQueue,
}

impl FileLocks {
    /// Where one waits for locks to go.
    #[must_use]
    pub const fn queue(&self) -> &WaitQueue {
        &self.queue
    }

    fn lock_whole(&self, owner: Owner, exclusive: Option<bool>) -> Result<()> {
        let mut whole = self.whole.borrow_mut();
        let others = whole.iter().any(|&(other, held)| other != owner && (held || exclusive == Some(true)));
        let conflict = exclusive.is_some() && others;
        // Who wants another kind gives the one that he has up first, whether he gets it or not.
        whole.retain(|(other, _)| *other != owner);
        if !conflict {
            whole.extend(exclusive.map(|exclusive| (owner, exclusive)));
        }
        drop(whole);
        self.queue.wake_all();
        if conflict { Err(Errno::EAGAIN) } else { Ok(()) }
    }

    /// A lock that is in the way of another.
    #[must_use]
    pub fn conflict(&self, wanted: &RangeLock) -> Option<RangeLock> {
        let ranges = self.ranges.borrow();
        let against = |held: &&RangeLock| {
            held.owner != wanted.owner && held.overlaps(wanted) && (held.exclusive || wanted.exclusive)
        };
        ranges.iter().filter(against).min_by_key(|held| held.first).copied()
    }

    /// Makes a range the owner's, or with `None` nobody's, whatever he had of it before.
    fn set(&self, wanted: RangeLock, locks: bool) -> Result<()> {
        if locks && self.conflict(&wanted).is_some() {
            return Err(Errno::EAGAIN);
        }
        let mut ranges = self.ranges.borrow_mut();
        if locks && ranges.len() >= MOST {
            return Err(Errno::ENOLCK);
        }
        let mut kept = Vec::with_capacity(ranges.len() + 2);
        let mut new = wanted;
        for held in ranges.drain(..) {
            let touches = held.first <= new.last.saturating_add(1) && new.first <= held.last.saturating_add(1);
            if held.owner != wanted.owner || !(held.overlaps(&wanted) || (touches && locks)) {
                kept.push(held);
            } else if locks && held.exclusive == wanted.exclusive {
                new.first = new.first.min(held.first);
                new.last = new.last.max(held.last);
            } else if held.overlaps(&wanted) {
                if held.first < wanted.first {
                    kept.push(RangeLock { last: wanted.first - 1, ..held });
                }
                if held.last > wanted.last {
                    kept.push(RangeLock { first: wanted.last + 1, ..held });
                }
            } else {
                kept.push(held);
            }
        }
        if locks {
            kept.push(new);
        }
        *ranges = kept;
        drop(ranges);
        self.queue.wake_all();
        Ok(())
    }

    fn release(&self, owner: Owner) {
        self.whole.borrow_mut().retain(|(other, _)| *other != owner);
        self.ranges.borrow_mut().retain(|held| held.owner != owner);
        self.queue.wake_all();
    }
}

/// Somebody's locks on one file.
#[derive(Debug)]
pub struct Hold {
    locks: Rc<FileLocks>,
    owner: Owner,
}

impl Hold {
    /// Those of an owner on a file.
    #[must_use]
    pub fn new(locks: &Rc<FileLocks>, owner: Owner) -> Self {
        Self { locks: Rc::clone(locks), owner }
    }

    /// The file's.
    #[must_use]
    pub const fn locks(&self) -> &Rc<FileLocks> {
        &self.locks
    }

    /// Locks all of the file, or with `None` gives that up: flock(2).
    ///
    /// # Errors
    /// EAGAIN.
    pub fn lock_whole(&self, exclusive: Option<bool>) -> Result<()> {
        self.locks.lock_whole(self.owner, exclusive)
    }

    /// Locks a range, or with `None` gives it up.
    ///
    /// # Errors
    /// EAGAIN; ENOLCK where there are too many.
    pub fn lock(&self, first: u64, last: u64, exclusive: Option<bool>) -> Result<()> {
        let wanted = RangeLock { owner: self.owner, first, last, exclusive: exclusive == Some(true) };
        self.locks.set(wanted, exclusive.is_some())
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.locks.release(self.owner);
    }
}

/// The locks of all files on which there are any.
#[derive(Debug, Default)]
pub struct Locks(RefCell<BTreeMap<usize, Weak<FileLocks>>>);

impl Locks {
    /// Those of a file, which is known by its address.
    #[must_use]
    pub fn of(&self, file: &Rc<dyn Any>) -> Rc<FileLocks> {
        let mut table = self.0.borrow_mut();
        let key = Rc::as_ptr(file).cast::<()>().addr();
        if let Some(locks) = table.get(&key).and_then(Weak::upgrade) {
            return locks;
        }
        table.retain(|_, locks| locks.strong_count() != 0);
        let (whole, ranges) = (RefCell::default(), RefCell::default());
        let locks = Rc::new(FileLocks { _file: Rc::clone(file), whole, ranges, queue: WaitQueue::new() });
        table.insert(key, Rc::downgrade(&locks));
        locks
    }

    /// Those of a file, if there are any.
    #[must_use]
    pub fn find(&self, file: &Rc<dyn Any>) -> Option<Rc<FileLocks>> {
        self.0.borrow().get(&Rc::as_ptr(file).cast::<()>().addr()).and_then(Weak::upgrade)
    }
}
