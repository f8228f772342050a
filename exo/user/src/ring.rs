//! Message rings in memory that two environments share: the asynchronous form of communication. While both sides run, messages pass
//! without any exit; a side that finds nothing to do sleeps, and is notified by the other.
//!
//! One side sends, the other receives. The memory is the other side's too, who may write anything at any time: every word is read once
//! and checked, bytes are copied out before they are looked at, and a ring whose counts cannot be is [`Broken`]. That costs the
//! messages, never memory safety.

#[cfg(test)]
mod tests;

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering, fence};

/// Words before the first slot. Each side's words have cache lines of their own.
pub const HEADER_WORDS: usize = 32;
/// Messages sent so far. The sender writes it.
const SENT: usize = 0;
/// Not 0 where the sender sleeps until there is room. The sender sets it, the receiver clears it.
const SENDER_SLEEPS: usize = 8;
/// Messages received so far. The receiver writes it.
const RECEIVED: usize = 16;
/// Not 0 where the receiver sleeps until there is a message.
const RECEIVER_SLEEPS: usize = 24;

/// The other side has written what no honest one writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Broken;

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the other side has broken the ring")
    }
}

impl core::error::Error for Broken {}

/// Why a message was not sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// All slots are in use.
    Full,
    /// The message is longer than a slot holds.
    TooLong,
    /// The other side has broken the ring.
    Broken,
}

impl From<Broken> for SendError {
    fn from(Broken: Broken) -> Self {
        Self::Broken
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SendError::Full => f.write_str("the ring is full"),
            SendError::TooLong => f.write_str("the message is longer than a slot"),
            SendError::Broken => Broken.fmt(f),
        }
    }
}

impl core::error::Error for SendError {}

/// The shared words, and how they are divided.
#[derive(Clone, Copy, Debug)]
struct Ring<'m> {
    words: &'m [AtomicU64],
    /// Words of one slot: the first is the message's length in bytes.
    slot: usize,
    /// How many slots; a power of two.
    slots: usize,
}

impl<'m> Ring<'m> {
    fn new(words: &'m [AtomicU64], message_bytes: usize) -> Option<Self> {
        let slot = message_bytes.checked_add(7)? / 8 + 1;
        let room = words.len().checked_sub(HEADER_WORDS)? / slot;
        let slots = if room.is_power_of_two() { room } else { room.checked_next_power_of_two()? / 2 };
        (slots != 0 && message_bytes != 0).then_some(Self { words, slot, slots })
    }

    fn slot(&self, count: u64) -> &'m [AtomicU64] {
        // The remainder is below a usize.
        let number = usize::try_from(count & (self.slots as u64 - 1)).unwrap_or(0);
        let begin = HEADER_WORDS + number * self.slot;
        &self.words[begin..begin + self.slot]
    }

    /// How many messages lie there, if the other side's count is one that can be.
    fn used(&self, sent: u64, received: u64) -> Result<u64, Broken> {
        let used = sent.wrapping_sub(received);
        if used <= self.slots as u64 { Ok(used) } else { Err(Broken) }
    }

    /// Wakes the other side if it sleeps; called after the count that it waits for was written.
    fn wake(&self, sleeps: usize, notify: impl FnOnce()) {
        // Dekker's pattern: we wrote our count and now look at the flag; whoever goes to sleep sets the flag and then looks at the count,
        // each with a fence between. One of the two sees the other.
        fence(Ordering::SeqCst);
        if self.words[sleeps].load(Ordering::Relaxed) != 0 && self.words[sleeps].swap(0, Ordering::Relaxed) != 0 {
            notify();
        }
    }

    fn go_to_sleep(&self, sleeps: usize) {
        self.words[sleeps].store(1, Ordering::Relaxed);
        fence(Ordering::SeqCst);
    }
}

/// The sending side.
#[derive(Debug)]
pub struct Sender<'m> {
    ring: Ring<'m>,
    /// Its own count: what stands in the memory is for the other side.
    sent: u64,
}

impl<'m> Sender<'m> {
    /// Begins a ring of messages of up to so many bytes in these words; all of them are zero. `None` where they have no room for one.
    #[must_use]
    pub fn new(words: &'m [AtomicU64], message_bytes: usize) -> Option<Self> {
        Some(Self { ring: Ring::new(words, message_bytes)?, sent: 0 })
    }

    /// How many messages there is room for.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn room(&self) -> Result<u64, Broken> {
        // Acquire: the receiver has read a slot before it gives it back.
        let received = self.ring.words[RECEIVED].load(Ordering::Acquire);
        Ok(self.ring.slots as u64 - self.ring.used(self.sent, received)?)
    }

    /// Sends a message. Calls `notify` if the receiver sleeps.
    ///
    /// # Errors
    /// [`SendError`]; nothing was sent then.
    pub fn send(&mut self, message: &[u8], notify: impl FnOnce()) -> Result<(), SendError> {
        let slot = self.ring.slot(self.sent);
        if message.len() > (self.ring.slot - 1) * 8 {
            return Err(SendError::TooLong);
        }
        if self.room()? == 0 {
            return Err(SendError::Full);
        }
        slot[0].store(message.len() as u64, Ordering::Relaxed);
        for (word, bytes) in slot[1..].iter().zip(message.chunks(8)) {
            let mut whole = [0; 8];
            whole[..bytes.len()].copy_from_slice(bytes);
            word.store(u64::from_le_bytes(whole), Ordering::Relaxed);
        }
        self.sent = self.sent.wrapping_add(1);
        // Release: the message is there when the count says so.
        self.ring.words[SENT].store(self.sent, Ordering::Release);
        self.ring.wake(RECEIVER_SLEEPS, notify);
        Ok(())
    }

    /// Waits until there is room: `sleep` is called, again and again, while there is none, and returns when a notification has come, or
    /// for no reason.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn wait(&self, mut sleep: impl FnMut()) -> Result<(), Broken> {
        while self.room()? == 0 {
            self.ring.go_to_sleep(SENDER_SLEEPS);
            if self.room()? == 0 {
                sleep();
            }
        }
        Ok(())
    }
}

/// The receiving side.
#[derive(Debug)]
pub struct Receiver<'m> {
    ring: Ring<'m>,
    received: u64,
}

impl<'m> Receiver<'m> {
    /// The other end of what [`Sender::new`] begins in the same words with the same length.
    #[must_use]
    pub fn new(words: &'m [AtomicU64], message_bytes: usize) -> Option<Self> {
        Some(Self { ring: Ring::new(words, message_bytes)?, received: 0 })
    }

    /// How many messages lie there.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn waiting(&self) -> Result<u64, Broken> {
        // Acquire: with the count come the messages.
        self.ring.used(self.ring.words[SENT].load(Ordering::Acquire), self.received)
    }

    /// Takes the oldest message, as much of it as `to` holds; its length, or `None` where there is none. Calls `notify` if the sender
    /// sleeps.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn receive(&mut self, to: &mut [u8], notify: impl FnOnce()) -> Result<Option<usize>, Broken> {
        if self.waiting()? == 0 {
            return Ok(None);
        }
        let slot = self.ring.slot(self.received);
        let length = usize::try_from(slot[0].load(Ordering::Relaxed)).map_err(|_| Broken)?;
        if length > (self.ring.slot - 1) * 8 {
            return Err(Broken);
        }
        let wanted = length.min(to.len());
        for (word, bytes) in slot[1..].iter().zip(to[..wanted].chunks_mut(8)) {
            bytes.copy_from_slice(&word.load(Ordering::Relaxed).to_le_bytes()[..bytes.len()]);
        }
        self.received = self.received.wrapping_add(1);
        // Release: the slot has been read.
        self.ring.words[RECEIVED].store(self.received, Ordering::Release);
        self.ring.wake(SENDER_SLEEPS, notify);
        Ok(Some(length))
    }

    /// Waits until there is a message, as [`Sender::wait`] does for room.
    ///
    /// # Errors
    /// [`Broken`].
    pub fn wait(&self, mut sleep: impl FnMut()) -> Result<(), Broken> {
        while self.waiting()? == 0 {
            self.ring.go_to_sleep(RECEIVER_SLEEPS);
            if self.waiting()? == 0 {
                sleep();
            }
        }
        Ok(())
    }
}

/// Shared frames as the words of a ring: a run that is mapped in the window.
///
/// # Safety
/// The frames stay bound, and whatever else is in them in this environment is atomic too, for as long as the slice is used.
#[must_use]
pub unsafe fn words(physical: u64, frames: u64) -> &'static [AtomicU64] {
    let count = usize::try_from(frames).unwrap_or(0) * 512;
    // SAFETY: the window maps the run, words there are aligned, and the caller answers for the rest. Another environment's writes to
    // atomic words are atomic or torn by whole bytes, and any bits are a word.
    unsafe { core::slice::from_raw_parts(crate::frames::window(physical).cast::<AtomicU64>(), count) }
}
