//! Watching many files at once: epoll(7).

use crate::errno::{Errno, Result};
use crate::file::{Description, File, Kind, Ready, Status};
use crate::wait::{WaitQueue, Wake};
use alloc::collections::BTreeMap;
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::any::Any;
use core::cell::{Cell, RefCell};

/// Watchers that watch watchers, at most (Linux: EP_MAX_NESTS).
const MOST_NESTED: usize = 5;

bitflags::bitflags! {
    /// How to watch, beside what for: the upper bits of events.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct WatchFlags: u32 {
        /// Only one of several watchers is to be woken; all are.
        const EXCLUSIVE = 1 << 28;
        /// The machine is not to sleep.
        const WAKEUP = 1 << 29;
        /// Once.
        const ONESHOT = 1 << 30;
        /// Only when something has changed.
        const EDGE = 1 << 31;
    }
}

/// What is watched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Interest {
    /// What makes it ready.
    pub ready: Ready,
    /// How.
    pub flags: WatchFlags,
    /// What the program wants to be told.
    pub data: u64,
}

/// A file that is watched. It hears of changes itself.
#[derive(Debug)]
struct Watched {
    me: Weak<Watched>,
    description: Weak<Description>,
    interest: Cell<Interest>,
    /// Something may have changed since it was reported.
    changed: Cell<bool>,
    /// It has been reported once, and that was all.
    disarmed: Cell<bool>,
    /// It is in the file's queue.
    entered: Cell<bool>,
    watcher: Weak<Epoll>,
}

impl Wake for Watched {
    fn wake(&self, _visit: u64, what: Ready) {
        self.entered.set(false);
        let wanted = self.interest.get().ready | Ready::ERR | Ready::HUP;
        if !what.intersects(wanted) {
            // Not for this one: it goes on waiting.
            if let Some(description) = self.description.upgrade() {
                self.enter(&description);
            }
            return;
        }
        self.changed.set(true);
        if let Some(watcher) = self.watcher.upgrade() {
            watcher.queue.wake_all();
        }
    }

    fn is_over(&self, _visit: u64) -> bool {
        self.watcher.strong_count() == 0 || self.description.strong_count() == 0
    }
}

impl Watched {
    /// Hears of the next change.
    fn enter(&self, description: &Description) {
        if let (false, Some(queue)) = (self.entered.get(), description.file().queue()) {
            self.entered.set(true);
            queue.enter(self.me.clone(), 0);
        }
    }

    /// What there is to report; `None` where nothing.
    fn look(&self) -> Option<Ready> {
        let description = self.description.upgrade()?;
        if self.disarmed.get() {
            return None;
        }
        let interest = self.interest.get();
        self.enter(&description);
        if interest.flags.contains(WatchFlags::EDGE) && !self.changed.get() {
            return None;
        }
        let ready = description.file().ready() & (interest.ready | Ready::ERR | Ready::HUP);
        (!ready.is_empty()).then_some(ready)
    }
}

/// A watcher. Files leave it when their last descriptor is closed.
#[derive(Debug)]
pub struct Epoll {
    me: Weak<Epoll>,
    /// By descriptor and description: a number may stand for another file meanwhile.
    watched: RefCell<BTreeMap<(u64, usize), Rc<Watched>>>,
    /// Where to go on, so that all have their turn.
    turn: Cell<(u64, usize)>,
    queue: WaitQueue,
}

impl Epoll {
    /// One that watches nothing.
    #[must_use]
    pub fn new() -> Rc<Self> {
        Rc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            watched: RefCell::default(),
            turn: Cell::default(),
            queue: WaitQueue::new(),
        })
    }

    fn key(number: u64, description: &Rc<Description>) -> (u64, usize) {
        (number, Rc::as_ptr(description).addr())
    }

    fn of(description: &Rc<Description>) -> Option<&Self> {
        description.as_kind::<Self>()
    }

    /// How deep watchers are nested below this one; `None` beyond all limits, or where it watches `forbidden` by some way.
    fn depth(&self, forbidden: &Self, level: usize) -> Option<usize> {
        if core::ptr::eq(self, forbidden) || level > MOST_NESTED {
            return None;
        }
        let mut deepest = 0;
        for watched in self.watched.borrow().values() {
            if let Some(description) = watched.description.upgrade()
                && let Some(inner) = Self::of(&description)
            {
                deepest = deepest.max(inner.depth(forbidden, level + 1)?);
            }
        }
        Some(deepest + 1)
    }

    /// Watches a file.
    ///
    /// # Errors
    /// EEXIST; EPERM where the file never makes anybody wait; EINVAL for itself; ELOOP.
    pub fn add(&self, number: u64, description: &Rc<Description>, interest: Interest) -> Result<()> {
        if description.file().queue().is_none() {
            return Err(Errno::EPERM);
        }
        if let Some(inner) = Self::of(description) {
            if core::ptr::eq(inner, self) {
                return Err(Errno::EINVAL);
            }
            inner.depth(self, 1).filter(|&depth| depth < MOST_NESTED).ok_or(Errno::ELOOP)?;
        }
        let key = Self::key(number, description);
        if self.watched.borrow().get(&key).is_some_and(|watched| watched.description.strong_count() != 0) {
            return Err(Errno::EEXIST);
        }
        let watched = Rc::new_cyclic(|me| Watched {
            me: Weak::clone(me),
            description: Rc::downgrade(description),
            interest: Cell::new(interest),
            changed: Cell::new(true),
            disarmed: Cell::new(false),
            entered: Cell::new(false),
            watcher: Weak::clone(&self.me),
        });
        watched.enter(description);
        self.watched.borrow_mut().insert(key, watched);
        self.queue.wake_all();
        Ok(())
    }

    /// Watches a file for something else.
    ///
    /// # Errors
    /// ENOENT.
    pub fn change(&self, number: u64, description: &Rc<Description>, interest: Interest) -> Result<()> {
        let watched = self.watched.borrow().get(&Self::key(number, description)).cloned().ok_or(Errno::ENOENT)?;
        watched.interest.set(interest);
        watched.disarmed.set(false);
        watched.changed.set(true);
        self.queue.wake_all();
        Ok(())
    }

    /// Watches a file no more.
    ///
    /// # Errors
    /// ENOENT.
    pub fn remove(&self, number: u64, description: &Rc<Description>) -> Result<()> {
        self.watched.borrow_mut().remove(&Self::key(number, description)).map(drop).ok_or(Errno::ENOENT)
    }

    /// Up to `most` files that are ready, each with what the program wants to be told.
    pub fn report(&self, most: usize) -> Vec<(Ready, u64)> {
        self.watched.borrow_mut().retain(|_, watched| watched.description.strong_count() != 0);
        let watched = self.watched.borrow();
        let turn = self.turn.get();
        let order = watched.range(turn..).chain(watched.range(..turn));
        let mut found = Vec::new();
        for (&key, each) in order {
            if found.len() == most {
                self.turn.set(key);
                break;
            }
            if let Some(ready) = each.look() {
                let interest = each.interest.get();
                each.changed.set(false);
                each.disarmed.set(interest.flags.contains(WatchFlags::ONESHOT));
                found.push((ready, interest.data));
            }
        }
        found
    }
}

impl File for Epoll {
    fn ready(&self) -> Ready {
        let any = self.watched.borrow().values().any(|watched| watched.look().is_some());
        if any { Ready::IN | Ready::RDNORM } else { Ready::empty() }
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
