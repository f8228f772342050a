//! Receiving.

use super::{Address, Ancillary, Socket, SocketKind};
use crate::errno::{Errno, Result};
use crate::file::Ready;
use crate::io::Destination;

/// How to receive.
#[derive(Clone, Copy, Debug, Default)]
pub struct Receive {
    /// It stays where it is.
    pub peeks: bool,
    /// Go on behind so many bytes of a stream that were received in the same call.
    pub so_far: usize,
}

/// What was received.
#[derive(Debug, Default)]
pub struct Received {
    /// Bytes that the receiver has.
    pub count: usize,
    /// Bytes that the message had.
    pub length: usize,
    /// The message was longer, and the rest is lost.
    pub cut: bool,
    /// Who has sent it.
    pub from: Option<Address>,
    /// What came with it.
    pub ancillary: Ancillary,
}

impl Socket {
    /// Receives bytes of a stream, or a message.
    ///
    /// # Errors
    /// EAGAIN where there is nothing yet; ECONNRESET, ENOTCONN, EINVAL, EFAULT.
    pub fn receive(&self, to: &mut dyn Destination, how: Receive) -> Result<Received> {
        if self.is_connected_kind() && !self.is_connected() && self.inbox.borrow().is_empty() && !self.shut.get()[0] {
            return Err(if self.kind == SocketKind::Stream { Errno::EINVAL } else { Errno::ENOTCONN });
        }
        if self.inbox.borrow().is_empty() {
            if let Some(error) = self.error.take() {
                return Err(error);
            }
            self.depth.set(0);
            let ends = self.shut.get()[0] && self.is_connected_kind();
            return if ends || self.shut.get()[0] { Ok(Received::default()) } else { Err(Errno::EAGAIN) };
        }
        let received = match self.kind {
            SocketKind::Stream => self.receive_bytes(to, how)?,
            _ => self.receive_message(to, how.peeks)?,
        };
        if !how.peeks {
            self.senders.wake_all();
            if let Some(peer) = self.peer() {
                peer.queue.wake_for(Ready::OUT | Ready::WRNORM);
            }
        }
        Ok(received)
    }

    fn receive_message(&self, to: &mut dyn Destination, peeks: bool) -> Result<Received> {
        let mut inbox = self.inbox.borrow_mut();
        let Some(message) = inbox.get(0) else { return Err(Errno::EAGAIN) };
        let length = message.bytes.len();
        let wanted = length.min(to.remaining());
        let count = to.put(&message.bytes[..wanted])?;
        if count < wanted {
            return Err(Errno::EFAULT);
        }
        let from = Some(message.from.clone());
        let cut = length > count;
        let mut ancillary = message.ancillary.clone();
        let gone = if peeks { None } else { inbox.pop() };
        drop(inbox);
        if let Some(message) = gone {
            ancillary = message.ancillary;
        }
        Ok(Received { count, length, cut, from, ancillary })
    }

    fn receive_bytes(&self, to: &mut dyn Destination, how: Receive) -> Result<Received> {
        let mut received = Received::default();
        let mut index = 0;
        let mut inbox = self.inbox.borrow_mut();
        while to.remaining() != 0 {
            let Some(message) = inbox.get(index) else { break };
            let first = received.count == 0 && how.so_far == 0;
            if first {
                received.from = Some(message.from.clone());
                received.ancillary.sender = message.ancillary.sender;
            } else if message.ancillary.sender != received.ancillary.sender && self.options.passes_credentials() {
                // Others have sent this.
                break;
            }
            let wanted = message.rest().len().min(to.remaining());
            let count = match to.put(&message.rest()[..wanted]) {
                Ok(count) => count,
                Err(error) if received.count == 0 => return Err(error),
                Err(_) => break,
            };
            received.count += count;
            let complete = count == message.rest().len();
            let has_files = !message.ancillary.files.is_empty();
            if how.peeks {
                received.ancillary.files.extend(message.ancillary.files.iter().cloned());
                index += 1;
            } else {
                received.ancillary.files.extend(inbox.take_files());
                if complete {
                    // Its files are taken: nothing closes here.
                    inbox.pop();
                } else if let Some(message) = inbox.front_mut() {
                    message.taken += count;
                }
            }
            // What travels with bytes is told with the last of them.
            if has_files || !complete {
                break;
            }
        }
        received.length = received.count;
        Ok(received)
    }
}
