//! Sending.

use super::message::{Inbox, Message};
use super::{Ancillary, Identity, Socket, SocketKind, State};
use crate::errno::{Errno, Result};
use crate::file::Ready;
use crate::io::Source;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Open files that one message takes (SCM_MAX_FD).
pub const MOST_FILES: usize = 253;
/// Sockets on their way within sockets on their way, at most (Linux: MAX_RECURSION_LEVEL).
const MOST_DEPTH: u32 = 4;
/// Datagrams that wait at a receiver (Linux: net.unix.max_dgram_qlen), and one more.
const MOST_MESSAGES: usize = 11;
/// Bytes of a stream that become one message.
const PIECE: usize = 32_768;

/// Bytes that a message is not for: what Linux keeps about it.
const RESERVED: usize = 32;

fn fetch(from: &mut dyn Source, length: usize) -> Result<Vec<u8>> {
    if !crate::machine::has_room(length) {
        return Err(Errno::ENOBUFS);
    }
    let mut bytes = Vec::new();
    bytes.try_reserve_exact(length).map_err(|_| Errno::ENOBUFS)?;
    bytes.resize(length, 0);
    let count = from.take(&mut bytes)?;
    bytes.truncate(count);
    Ok(bytes)
}

impl Socket {
    /// Whether poll(2) calls it writable: a quarter of what it may send is not received yet, at most.
    pub(super) fn has_room(&self) -> bool {
        let limit = self.options.send_buffer();
        let Some(peer) = self.peer() else { return true };
        let inbox = peer.inbox.borrow();
        let full = self.kind == SocketKind::Datagram && inbox.count() >= MOST_MESSAGES;
        let room = !full && inbox.room(limit) >= limit / 4 * 3;
        if !room {
            self.wait_for_room(&peer);
        }
        room
    }

    /// Hears of it when somebody reads what others have sent too.
    fn wait_for_room(&self, receiver: &Self) {
        if self.kind == SocketKind::Datagram && !self.waits.replace(true) {
            receiver.senders.enter(self.me.clone(), 0);
        }
    }

    /// Sends to its peer, or with `to` somewhere else; of a stream perhaps not all. Where there is no room, its own queue tells when
    /// there is.
    ///
    /// # Errors
    /// EAGAIN, EPIPE, ENOTCONN, ECONNREFUSED, ECONNRESET, EISCONN, EMSGSIZE, EOPNOTSUPP, ETOOMANYREFS, EFAULT.
    pub fn send(&self, from: &mut dyn Source, ancillary: Ancillary, to: Option<&Rc<Self>>) -> Result<usize> {
        if let Some(error) = self.error.take() {
            return Err(error);
        }
        let receiver = self.receiver(to)?;
        if self.shut.get()[1] || receiver.shut.get()[0] {
            return Err(Errno::EPIPE);
        }
        let count = match self.kind {
            SocketKind::Stream => self.send_bytes(&receiver, from, ancillary)?,
            _ => self.send_message(&receiver, from, ancillary)?,
        };
        receiver.queue.wake_for(Ready::IN | Ready::RDNORM);
        Ok(count)
    }

    /// Who gets what is sent.
    ///
    /// # Errors
    /// As [`send`](Self::send) says.
    pub fn receiver(&self, to: Option<&Rc<Self>>) -> Result<Rc<Self>> {
        if let Some(to) = to {
            if self.is_connected_kind() {
                // Only a connection that is there could be meant.
                return Err(if self.is_connected() { Errno::EISCONN } else { Errno::EOPNOTSUPP });
            }
            return if to.kind == self.kind { Ok(Rc::clone(to)) } else { Err(Errno::EPROTOTYPE) };
        }
        if let Some(peer) = self.peer() {
            return Ok(peer);
        }
        let was_connected = self.is_connected();
        match (self.kind, was_connected) {
            (SocketKind::Datagram, true) => {
                *self.state.borrow_mut() = State::New;
                Err(Errno::ECONNREFUSED)
            }
            (_, true) => Err(Errno::EPIPE),
            (_, false) => Err(Errno::ENOTCONN),
        }
    }

    fn send_bytes(&self, receiver: &Rc<Self>, from: &mut dyn Source, mut ancillary: Ancillary) -> Result<usize> {
        let mut done = 0;
        while from.remaining() != 0 {
            let room = receiver.inbox.borrow().room(self.options.send_buffer());
            let length = from.remaining().min(room).min(PIECE);
            // Small pieces would be all bookkeeping.
            if length == 0 || (length < from.remaining().min(4096)) {
                return if done == 0 { Err(Errno::EAGAIN) } else { Ok(done) };
            }
            let bytes = match fetch(from, length) {
                Ok(bytes) => bytes,
                Err(error) if done == 0 => return Err(error),
                Err(_) => return Ok(done),
            };
            let (count, wanted) = (bytes.len(), length);
            self.put(receiver, bytes, core::mem::take(&mut ancillary))?;
            done += count;
            if count < wanted {
                break;
            }
        }
        Ok(done)
    }

    fn send_message(&self, receiver: &Rc<Self>, from: &mut dyn Source, ancillary: Ancillary) -> Result<usize> {
        let (length, limit) = (from.remaining(), self.options.send_buffer());
        if length > limit - RESERVED {
            return Err(Errno::EMSGSIZE);
        }
        {
            let inbox = receiver.inbox.borrow();
            let full = self.kind == SocketKind::Datagram && inbox.count() >= MOST_MESSAGES;
            // An empty inbox takes one message, however large.
            if full || (!inbox.is_empty() && inbox.room(limit) < length) {
                self.wait_for_room(receiver);
                return Err(Errno::EAGAIN);
            }
        }
        let bytes = fetch(from, length)?;
        if bytes.len() < length {
            return Err(Errno::EFAULT);
        }
        self.put(receiver, bytes, ancillary)?;
        Ok(length)
    }

    fn put(&self, receiver: &Rc<Self>, bytes: Vec<u8>, mut ancillary: Ancillary) -> Result<()> {
        let sockets = ancillary.files.iter().filter_map(|file| file.as_kind::<Self>());
        let deepest = sockets.map(|socket| socket.depth.get() + 1).max();
        if let Some(depth) = deepest {
            if depth > MOST_DEPTH {
                return Err(Errno::ETOOMANYREFS);
            }
            receiver.depth.set(receiver.depth.get().max(depth));
        }
        // It is said where one of both wants it to be; others are told that it was nobody.
        if !self.options.passes_credentials() && !receiver.options.passes_credentials() {
            ancillary.sender = ancillary.sender.filter(|_| !ancillary.files.is_empty()).map(|_| Identity::NOBODY);
        }
        let message = Message { bytes, taken: 0, from: self.name(), ancillary };
        let inbox: &mut Inbox = &mut receiver.inbox.borrow_mut();
        inbox.push(message);
        Ok(())
    }
}
