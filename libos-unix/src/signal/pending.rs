//! Signals that have been sent and not taken.

#[cfg(test)]
mod tests;

use super::{Information, Signal, SignalSet, code};
use alloc::collections::VecDeque;

/// Signals that wait, of a thread or of a process.
#[derive(Clone, Debug, Default)]
pub struct Pending {
    set: SignalSet,
    queue: VecDeque<Information>,
}

/// Queued signals with values, at most: what RLIMIT_SIGPENDING is there for.
const MOST: usize = 1024;

impl Pending {
    /// Which.
    #[must_use]
    pub const fn set(&self) -> SignalSet {
        self.set
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> usize {
        self.queue.len()
    }

    /// Adds one; false where it was lost because too many wait. One that does not queue waits once.
    pub fn add(&mut self, information: Information) -> bool {
        let signal = information.signal;
        if !signal.queues() && self.set.contains(signal) {
            return true;
        }
        self.set = self.set.with(signal);
        if self.queue.len() >= MOST || self.queue.try_reserve(1).is_err() {
            return !signal.queues();
        }
        self.queue.push_back(information);
        true
    }

    /// Says how often a timer has expired since its signal was sent, if that still waits.
    pub fn set_overrun(&mut self, timer: u32, overrun: u32) -> bool {
        let waits = self.queue.iter_mut().find(|each| each.code == code::TIMER && each.fields[0] as u32 == timer);
        waits.map(|each| each.fields[0] = u64::from(timer) | u64::from(overrun) << 32).is_some()
    }

    /// Takes the one that is to be delivered first, of those wanted: what the program's own instructions caused, then by number.
    pub fn take(&mut self, wanted: SignalSet) -> Option<Information> {
        let there = self.set & wanted;
        let synchronous = there & SignalSet::SYNCHRONOUS;
        let signal = synchronous.first().or(there.first())?;
        let position = self.queue.iter().position(|each| each.signal == signal);
        let taken = position.and_then(|position| self.queue.remove(position));
        if !self.queue.iter().any(|each| each.signal == signal) {
            self.set = self.set.without(signal);
        }
        // It came when there was no room to say more.
        Some(taken.unwrap_or(Information { signal, error: 0, code: 0, fields: [0; 3] }))
    }

    /// Forgets some.
    pub fn discard(&mut self, signals: SignalSet) {
        if (self.set & signals).is_empty() {
            return;
        }
        self.set = self.set & !signals;
        self.queue.retain(|each| !signals.contains(each.signal));
    }

    /// Forgets one.
    pub fn discard_one(&mut self, signal: Signal) {
        self.discard(SignalSet::of(signal));
    }
}
