//! What is in a socket: bytes, and what travels with them.

use super::{Address, Socket};
use crate::file::Description;
use alloc::collections::VecDeque;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Who a process is, as far as sockets say it: struct ucred.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The process.
    pub process: u32,
    /// Its user.
    pub user: u32,
    /// Its group.
    pub group: u32,
}

impl Identity {
    /// What is said where nobody has asked in time.
    pub const NOBODY: Self = Self { process: 0, user: 65_534, group: 65_534 };
}

/// What travels with bytes.
#[derive(Clone, Debug, Default)]
pub struct Ancillary {
    /// Open files (SCM_RIGHTS).
    pub files: Vec<Rc<Description>>,
    /// Who sends (SCM_CREDENTIALS).
    pub sender: Option<Identity>,
}

/// What was sent at once.
#[derive(Debug)]
pub(super) struct Message {
    pub(super) bytes: Vec<u8>,
    /// Of these, a stream's reader has so many already.
    pub(super) taken: usize,
    pub(super) from: Address,
    pub(super) ancillary: Ancillary,
}

/// Bytes of bookkeeping that a message counts for.
const OVERHEAD: usize = 256;

impl Message {
    pub(super) fn rest(&self) -> &[u8] {
        &self.bytes[self.taken..]
    }

    const fn cost(&self) -> usize {
        self.bytes.len() + OVERHEAD
    }

    /// The sockets among the open files that travel with it.
    pub(super) fn sockets(&self) -> impl Iterator<Item = &Socket> {
        self.ancillary.files.iter().filter_map(|file| file.as_kind::<Socket>())
    }

    /// It is on its way no more.
    fn land(&mut self) {
        self.sockets().for_each(|socket| socket.in_flight.set(socket.in_flight.get() - 1));
    }
}

/// Messages that were not received yet.
#[derive(Debug, Default)]
pub(super) struct Inbox {
    messages: VecDeque<Message>,
    /// Bytes, with bookkeeping.
    cost: usize,
}

impl Inbox {
    pub(super) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    pub(super) fn count(&self) -> usize {
        self.messages.len()
    }

    pub(super) fn get(&self, index: usize) -> Option<&Message> {
        self.messages.get(index)
    }

    pub(super) fn front_mut(&mut self) -> Option<&mut Message> {
        self.messages.front_mut()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Message> {
        self.messages.iter()
    }

    /// Bytes that can be read at once, of a stream or of one message.
    pub(super) fn length(&self, stream: bool) -> usize {
        let most = if stream { usize::MAX } else { 1 };
        self.messages.iter().take(most).map(|message| message.rest().len()).sum()
    }

    /// What all messages cost.
    pub(super) const fn cost(&self) -> usize {
        self.cost
    }

    /// How many more bytes a message could have, below `limit`.
    pub(super) const fn room(&self, limit: usize) -> usize {
        limit.saturating_sub(self.cost).saturating_sub(OVERHEAD)
    }

    pub(super) fn push(&mut self, message: Message) {
        self.cost += message.cost();
        message.sockets().for_each(|socket| socket.in_flight.set(socket.in_flight.get() + 1));
        self.messages.push_back(message);
    }

    pub(super) fn pop(&mut self) -> Option<Message> {
        let mut message = self.messages.pop_front()?;
        self.cost -= message.cost();
        message.land();
        Some(message)
    }

    /// The open files that travel with the first message.
    pub(super) fn take_files(&mut self) -> Vec<Rc<Description>> {
        let Some(message) = self.messages.front_mut() else { return Vec::new() };
        message.land();
        core::mem::take(&mut message.ancillary.files)
    }

    /// Everything; to be dropped where nothing is borrowed, for files close with it.
    pub(super) fn take(&mut self) -> VecDeque<Message> {
        self.cost = 0;
        self.messages.iter_mut().for_each(Message::land);
        core::mem::take(&mut self.messages)
    }
}
