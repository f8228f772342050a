//! Words of memory that threads wait for: futex(2).

mod robust;

pub use robust::leave_robust_list;

use crate::errno::{Errno, Result};
use crate::file::Ready;
use crate::memory::{Access, AddressSpace};
use crate::process::{Shared, Thread};
use crate::wait::Wake;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::{Rc, Weak};
use core::cell::{Cell, RefCell};

/// What makes two words the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Key {
    /// Of one space: its address, and that of the word. The frame behind it may be copied while somebody waits.
    Private(usize, u64),
    /// Of whoever shares the memory: the frame, which stays, and the offset.
    Shared(u64, usize),
}

#[derive(Clone, Debug)]
struct Waiter {
    /// The queue keeps nobody who has ended.
    thread: Weak<Thread>,
    visit: u64,
    bits: u32,
}

impl Waiter {
    fn is_over(&self) -> bool {
        self.thread.upgrade().is_none_or(|thread| thread.is_over(self.visit))
    }
}

/// All that is waited for.
#[derive(Debug, Default)]
pub struct Futexes {
    queues: RefCell<BTreeMap<Key, VecDeque<Waiter>>>,
    /// Who has come since those that are over were looked for everywhere, and how many may: nobody may ever ask for their words again.
    came: Cell<usize>,
    limit: Cell<usize>,
}

/// So many are there before anybody looks.
const FEW: usize = 64;

impl Futexes {
    /// The key of a word, and what it holds. `private` says that only this space means the word.
    ///
    /// # Errors
    /// EFAULT; EINVAL where it is not aligned.
    pub fn look(&self, space: &Shared<AddressSpace>, address: u64, private: bool) -> Result<(Key, u32)> {
        if !address.is_multiple_of(4) {
            return Err(Errno::EINVAL);
        }
        let identity = Rc::as_ptr(space).addr();
        let mut space = space.borrow_mut();
        let (frame, offset) = space.frame_at(address, Access::Read)?;
        let mut word = [0; 4];
        frame.read(offset, &mut word);
        let shared = !private && space.area(address).is_some_and(|area| area.shared);
        let key = if shared { Key::Shared(frame.number(), offset) } else { Key::Private(identity, address) };
        Ok((key, u32::from_le_bytes(word)))
    }

    /// Has a thread wait.
    pub fn enter(&self, key: Key, thread: &Rc<Thread>, bits: u32) {
        let mut queues = self.queues.borrow_mut();
        self.came.set(self.came.get() + 1);
        if self.came.get() > self.limit.get().max(FEW) {
            queues.values_mut().for_each(|queue| queue.retain(|waiter| !waiter.is_over()));
            queues.retain(|_, queue| !queue.is_empty());
            self.limit.set(queues.values().map(VecDeque::len).sum());
            self.came.set(0);
        }
        let queue = queues.entry(key).or_default();
        queue.retain(|waiter| !waiter.is_over());
        queue.push_back(Waiter { thread: Rc::downgrade(thread), visit: thread.visit(), bits });
    }

    /// Wakes up to `count` of those who wait with one of `bits`; how many.
    pub fn wake(&self, key: Key, count: u32, bits: u32) -> u32 {
        let mut woken = 0;
        while woken < count {
            let next = {
                let mut queues = self.queues.borrow_mut();
                let Some(queue) = queues.get_mut(&key) else { break };
                queue.retain(|waiter| !waiter.is_over());
                let next = queue.iter().position(|waiter| waiter.bits & bits != 0);
                let next = next.and_then(|position| queue.remove(position));
                if queue.is_empty() {
                    queues.remove(&key);
                }
                next
            };
            let Some(waiter) = next else { break };
            let Some(thread) = waiter.thread.upgrade() else { continue };
            thread.futex_woken.set(true);
            thread.wake(waiter.visit, Ready::all());
            woken += 1;
        }
        woken
    }

    /// Wakes those who wait for a word; a bad address wakes nobody.
    pub fn wake_at(&self, space: &Shared<AddressSpace>, address: u64, count: u32) -> u32 {
        self.look(space, address, false).map_or(0, |(key, _)| self.wake(key, count, u32::MAX))
    }

    /// Has up to `count` of those who wait for one word wait for another; how many.
    pub fn requeue(&self, from: Key, to: Key, count: u32) -> u32 {
        let mut queues = self.queues.borrow_mut();
        let Some(mut queue) = queues.remove(&from) else { return 0 };
        queue.retain(|waiter| !waiter.is_over());
        let moved = queue.len().min(count as usize);
        let rest = queue.split_off(moved);
        queues.entry(to).or_default().extend(queue);
        if !rest.is_empty() {
            // Both keys may be the same.
            let place = queues.entry(from).or_default();
            place.extend(rest);
        }
        moved as u32
    }
}
