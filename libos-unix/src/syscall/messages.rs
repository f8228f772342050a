//! Sending and receiving by sockets: send(2), recv(2).

use super::ancillary::{self, Control};
use super::read_write::vectors;
use super::{Call, Outcome, Restart, Stop};
use crate::clock;
use crate::errno::{Errno, Result};
use crate::file::Description;
use crate::memory::{UserBuffers, Vector};
use crate::socket::{Address, Ancillary, Receive, Received, Socket, SocketKind};
use alloc::rc::Rc;
use alloc::vec::Vec;
use zerocopy::{FromBytes, Immutable, IntoBytes};

bitflags::bitflags! {
    /// Flags of messages, both ways.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct MessageFlags: u32 {
        /// Urgent bytes: there are none.
        const OOB = 0x1;
        /// They stay.
        const PEEK = 0x2;
        /// What came with it did not fit.
        const CTRUNC = 0x8;
        /// It did not fit; asked for, how long it was.
        const TRUNC = 0x20;
        /// Nobody waits, this time.
        const DONTWAIT = 0x40;
        /// Of a stream, all that is asked for.
        const WAITALL = 0x100;
        /// No SIGPIPE.
        const NOSIGNAL = 0x4000;
        /// recvmmsg(2): nobody waits any more when there is one.
        const WAITFORONE = 0x1_0000;
        /// Descriptors that come are closed by exec.
        const CMSG_CLOEXEC = 0x4000_0000;
        /// Others mean nothing between processes.
        const _ = !0;
    }
}

/// struct msghdr.
#[derive(Clone, Copy, Debug, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub(super) struct Header {
    name: u64,
    name_length: u64,
    vectors: u64,
    vector_count: u64,
    pub(super) control: u64,
    pub(super) control_length: u64,
    flags: u64,
}

/// Bytes of struct mmsghdr.
const SEVERAL_HEADER: u64 = size_of::<Header>() as u64 + 8;

/// Where a message of one piece is: what sendto(2) and recvfrom(2) say.
fn one(call: &Call<'_>) -> Header {
    let [_, vectors, vector_count, _, name, name_length] = call.arguments();
    Header { name, name_length, vectors, vector_count, control: 0, control_length: 0, flags: 0 }
}

/// A message's pieces.
fn pieces(call: &Call<'_>, header: &Header) -> Result<Vec<Vector>> {
    vectors(call, header.vectors, header.vector_count)
        .map_err(|error| if error == Errno::EINVAL && header.vector_count > 1024 { Errno::EMSGSIZE } else { error })
}

fn waits(description: &Description, flags: MessageFlags) -> bool {
    !flags.contains(MessageFlags::DONTWAIT) && !description.never_waits()
}

fn limit(call: &Call<'_>, socket: &Socket, sending: bool) {
    call.wait_until(|| socket.options.limit(sending).map(|limit| clock::monotonic().saturating_add(limit)));
}

/// Waits for the socket, or not.
fn wait(call: &Call<'_>, description: &Description) -> Stop {
    if call.is_late() {
        return Errno::EAGAIN.into();
    }
    if let Some(queue) = description.file().queue() {
        call.enter(queue);
    }
    Stop::wait(Restart::IfAsked)
}

/// What is sent.
struct Sent {
    pieces: Vec<Vector>,
    to: Option<Rc<Socket>>,
    ancillary: Ancillary,
}

fn send(call: &Call<'_>, descriptor: u64, flags: MessageFlags, sent: Sent) -> Outcome {
    let (description, socket) = call.socket(descriptor)?;
    if flags.contains(MessageFlags::OOB) {
        return Err(Errno::EOPNOTSUPP.into());
    }
    limit(call, &socket, true);
    let mut done = if socket.kind() == SocketKind::Stream { call.progress().done as usize } else { 0 };
    let mut ancillary = if done == 0 { sent.ancillary } else { Ancillary::default() };
    loop {
        let space = call.thread.space.borrow();
        let mut from = UserBuffers::several(&space, sent.pieces.clone());
        from.skip(done);
        let wanted = crate::io::Source::remaining(&from);
        call.unix.sockets.note_travellers(&ancillary.files);
        match socket.send(&mut from, core::mem::take(&mut ancillary), sent.to.as_ref()) {
            Ok(count) => {
                done += count;
                if count == wanted || count == 0 || socket.kind() != SocketKind::Stream {
                    return Ok(done as u64);
                }
            }
            Err(Errno::EAGAIN) if waits(&description, flags) => {
                if done != 0 && (call.is_interrupted() || call.is_late()) {
                    return Ok(done as u64);
                }
                call.set_done(done as u64);
                return Err(wait(call, &description));
            }
            Err(_) if done != 0 => return Ok(done as u64),
            Err(error) => {
                if error == Errno::EPIPE
                    && !flags.contains(MessageFlags::NOSIGNAL)
                    && socket.kind() == SocketKind::Stream
                {
                    call.unix.break_pipe(call.thread);
                }
                return Err(error.into());
            }
        }
    }
}

fn destination(call: &Call<'_>, header: &Header) -> Result<Option<Rc<Socket>>> {
    if header.name == 0 || header.name_length as u32 == 0 {
        return Ok(None);
    }
    let address = call.address(header.name, header.name_length)?;
    call.socket_at(&address).map(Some)
}

pub(super) fn sendto(call: &Call<'_>) -> Outcome {
    let header = one(call);
    call.socket(call.arguments()[0])?;
    let pieces = alloc::vec![Vector { address: header.vectors, length: header.vector_count.min(0x7fff_f000) }];
    let sent = Sent { pieces, to: destination(call, &header)?, ancillary: plain(call) };
    send(call, call.arguments()[0], MessageFlags::from_bits_retain(call.uint(3)), sent)
}

/// Nothing but who sends.
fn plain(call: &Call<'_>) -> Ancillary {
    Ancillary { files: Vec::new(), sender: Some(call.identity()) }
}

/// write(2) on a socket: the other side may want to know who writes.
pub(super) fn write(call: &Call<'_>, pieces: Vec<Vector>) -> Outcome {
    let sent = Sent { pieces, to: None, ancillary: plain(call) };
    send(call, call.arguments()[0], MessageFlags::empty(), sent)
}

fn send_header(call: &Call<'_>, header: &Header, flags: MessageFlags) -> Outcome {
    let mut ancillary = plain(call);
    ancillary::fetch(call, header, &mut ancillary)?;
    let sent = Sent { pieces: pieces(call, header)?, to: destination(call, header)?, ancillary };
    send(call, call.arguments()[0], flags, sent)
}

pub(super) fn sendmsg(call: &Call<'_>) -> Outcome {
    call.socket(call.arguments()[0])?;
    let header = call.read(call.arguments()[1])?;
    send_header(call, &header, MessageFlags::from_bits_retain(call.uint(2)))
}

/// Whether a call on several messages has to stop here: without an error, if there was one before.
fn several(outcome: Outcome, done: u64) -> core::result::Result<Option<u64>, Stop> {
    match outcome {
        Ok(count) => Ok(Some(count)),
        Err(_) if done != 0 => Ok(None),
        Err(stop) => Err(stop),
    }
}

pub(super) fn sendmmsg(call: &Call<'_>) -> Outcome {
    let [descriptor, at, ..] = call.arguments();
    call.socket(descriptor)?;
    let flags = MessageFlags::from_bits_retain(call.uint(3));
    let mut done = 0;
    while done < u64::from(call.uint(2).min(1024)) {
        let at = at.wrapping_add(done * SEVERAL_HEADER);
        // Who has sent one need not wait for the next.
        let flags = if done == 0 { flags } else { flags | MessageFlags::DONTWAIT };
        let outcome = call.read(at).map_err(Stop::from).and_then(|header| send_header(call, &header, flags));
        let Some(count) = several(outcome, done)? else { break };
        call.write(at.wrapping_add(size_of::<Header>() as u64), &(count as u32))?;
        done += 1;
    }
    Ok(done)
}

fn receive(call: &Call<'_>, pieces: Vec<Vector>, flags: MessageFlags) -> core::result::Result<Received, Stop> {
    let (description, socket) = call.socket(call.arguments()[0])?;
    let stream = socket.kind() == SocketKind::Stream;
    if flags.contains(MessageFlags::OOB) {
        return Err(if stream { Errno::EINVAL } else { Errno::EOPNOTSUPP }.into());
    }
    limit(call, &socket, false);
    let so_far = if stream { call.progress().done as usize } else { 0 };
    let space = call.thread.space.borrow();
    let mut to = UserBuffers::several(&space, pieces);
    to.skip(so_far);
    let wanted = crate::io::Destination::remaining(&to);
    let so_far_received = || Received { count: so_far, length: so_far, ..Received::default() };
    if so_far != 0 && (call.is_interrupted() || call.is_late()) {
        return Ok(so_far_received());
    }
    let how = Receive { peeks: flags.contains(MessageFlags::PEEK), so_far };
    match socket.receive(&mut to, how) {
        Ok(received) => {
            let goes_on = stream && flags.contains(MessageFlags::WAITALL) && !how.peeks;
            let empty = received.count == 0 || !received.ancillary.files.is_empty();
            let received = Received { count: received.count + so_far, length: received.length + so_far, ..received };
            if goes_on && !empty && received.count - so_far < wanted && waits(&description, flags) {
                call.set_done(received.count as u64);
                return Err(wait(call, &description));
            }
            Ok(received)
        }
        Err(Errno::EAGAIN) if waits(&description, flags) => Err(wait(call, &description)),
        Err(_) if so_far != 0 => Ok(so_far_received()),
        Err(error) => Err(error.into()),
    }
}

fn count(socket_kind: SocketKind, received: &Received, flags: MessageFlags) -> u64 {
    let whole = flags.contains(MessageFlags::TRUNC) && socket_kind != SocketKind::Stream;
    (if whole { received.length } else { received.count }) as u64
}

/// The name of who has sent, if he has one.
fn sender(received: &Received) -> Vec<u8> {
    match &received.from {
        None | Some(Address::Unnamed) => Vec::new(),
        Some(address) => address.encode(),
    }
}

pub(super) fn recvfrom(call: &Call<'_>) -> Outcome {
    let header = one(call);
    let flags = MessageFlags::from_bits_retain(call.uint(3));
    let (_, socket) = call.socket(call.arguments()[0])?;
    let pieces = alloc::vec![Vector { address: header.vectors, length: header.vector_count.min(0x7fff_f000) }];
    let received = receive(call, pieces, flags)?;
    call.write_address(header.name, header.name_length, &sender(&received))?;
    Ok(count(socket.kind(), &received, flags))
}

fn receive_header(call: &Call<'_>, at: u64, flags: MessageFlags) -> Outcome {
    let header: Header = call.read(at)?;
    let (_, socket) = call.socket(call.arguments()[0])?;
    let received = receive(call, pieces(call, &header)?, flags)?;
    let count = count(socket.kind(), &received, flags);
    let mut told = flags & MessageFlags::CMSG_CLOEXEC;
    told.set(MessageFlags::TRUNC, received.cut);
    let name = sender(&received);
    if header.name != 0 {
        let room = (header.name_length as u32 as usize).min(name.len());
        call.with_memory(|memory| memory.write_bytes(header.name, &name[..room]))?;
    }
    let wants_sender = socket.options.passes_credentials();
    let mut control = Control::new(call, &header);
    control.put(received.ancillary, wants_sender, flags.contains(MessageFlags::CMSG_CLOEXEC))?;
    told.set(MessageFlags::CTRUNC, control.cut);
    // struct msghdr: the lengths and flags that are there now.
    call.write(at.wrapping_add(8), &(name.len() as u32))?;
    call.write(at.wrapping_add(40), &control.used)?;
    call.write(at.wrapping_add(48), &told.bits())?;
    Ok(count)
}

pub(super) fn recvmsg(call: &Call<'_>) -> Outcome {
    receive_header(call, call.arguments()[1], MessageFlags::from_bits_retain(call.uint(2)))
}

pub(super) fn recvmmsg(call: &Call<'_>) -> Outcome {
    let [descriptor, at, _, _, timeout, _] = call.arguments();
    call.socket(descriptor)?;
    let flags = MessageFlags::from_bits_retain(call.uint(3));
    if timeout != 0 && !call.progress().waited {
        let limit = super::clocks::duration(call, timeout)?;
        call.wait_until(|| Some(clock::monotonic().saturating_add(limit)));
    }
    let mut done = 0;
    while done < u64::from(call.uint(2).min(1024)) {
        let at = at.wrapping_add(done * SEVERAL_HEADER);
        // What was received cannot be received again: whoever has one does not wait for the next.
        let flags = if done == 0 { flags } else { flags | MessageFlags::DONTWAIT };
        let Some(count) = several(receive_header(call, at, flags - MessageFlags::WAITFORONE), done)? else { break };
        call.write(at.wrapping_add(size_of::<Header>() as u64), &(count as u32))?;
        done += 1;
    }
    Ok(done)
}
