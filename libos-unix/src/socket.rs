//! Sockets between processes: AF_UNIX (unix(7), socket(7)).
//!
//! A socket keeps what was sent to it. Whoever holds its description keeps it alive; its peer only knows where it was.

mod address;
mod connect;
mod garbage;
mod message;
mod options;
mod receive;
mod send;

pub use address::{Address, MOST as MOST_ADDRESS};
pub use connect::{Names, SocketNode};
pub use message::{Ancillary, Identity};
pub use options::Options;
pub use receive::{Receive, Received};
pub use send::MOST_FILES;

use crate::errno::{Errno, Result};
use crate::file::{File, Kind, OpenFlags, Ready, Status};
use crate::io::{Destination, Source};
use crate::memory::UserMemory;
use crate::wait::{WaitQueue, Wake};
use alloc::collections::VecDeque;
use alloc::rc::{Rc, Weak};
use core::any::Any;
use core::cell::{Cell, RefCell};
use message::Inbox;

/// What a socket keeps together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SocketKind {
    /// Bytes (SOCK_STREAM).
    Stream = 1,
    /// Messages, to anybody (SOCK_DGRAM).
    Datagram = 2,
    /// Messages, over a connection (SOCK_SEQPACKET).
    Packet = 5,
}

/// What a socket is for.
#[derive(Debug)]
enum State {
    New,
    /// Others can connect, so many at a time; these have and were not accepted.
    Listening(usize, VecDeque<Rc<Socket>>),
    Connected(Weak<Socket>),
    /// Its descriptions are closed.
    Closed,
}

/// A socket.
#[derive(Debug)]
pub struct Socket {
    me: Weak<Socket>,
    kind: SocketKind,
    state: RefCell<State>,
    name: RefCell<Address>,
    /// Who opened it, connected, or listens: what the other side is told.
    owner: Cell<Identity>,
    /// What it was told of the other side.
    peer_owner: Cell<Option<Identity>>,
    inbox: RefCell<Inbox>,
    /// Nothing more comes in; nothing more goes out.
    shut: Cell<[bool; 2]>,
    /// Said once, by whatever comes next.
    error: Cell<Option<Errno>>,
    /// Sockets within sockets that are on their way to it, one in the other.
    depth: Cell<u32>,
    /// Messages, not received yet, that its description is in.
    in_flight: Cell<usize>,
    /// What programs have set.
    pub options: Options,
    queue: WaitQueue,
    /// It is among a receiver's senders.
    waits: Cell<bool>,
    /// Those who wait until there is room in it.
    senders: WaitQueue,
    status: Status,
}

impl Socket {
    /// A socket that is not connected. `number` is its inode's.
    #[must_use]
    pub fn new(kind: SocketKind, owner: Identity, number: u64) -> Rc<Self> {
        let status = Status {
            kind: Kind::Socket,
            device: 8,
            inode: number,
            permissions: 0o777,
            links: 1,
            user: owner.user,
            group: owner.group,
            block_size: 4096,
            ..Status::default()
        };
        Rc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            kind,
            state: RefCell::new(State::New),
            name: RefCell::default(),
            owner: Cell::new(owner),
            peer_owner: Cell::new(None),
            inbox: RefCell::default(),
            shut: Cell::new([false; 2]),
            error: Cell::new(None),
            depth: Cell::new(0),
            in_flight: Cell::new(0),
            options: Options::default(),
            queue: WaitQueue::new(),
            waits: Cell::new(false),
            senders: WaitQueue::new(),
            status,
        })
    }

    /// Connects two new ones with each other: socketpair(2).
    pub fn join(first: &Rc<Self>, second: &Rc<Self>) {
        for (socket, peer) in [(first, second), (second, first)] {
            *socket.state.borrow_mut() = State::Connected(Rc::downgrade(peer));
            socket.peer_owner.set(Some(peer.owner.get()));
        }
    }

    /// Itself, to be kept.
    #[must_use]
    pub fn me(&self) -> Option<Rc<Self>> {
        self.me.upgrade()
    }

    /// What it keeps together.
    #[must_use]
    pub const fn kind(&self) -> SocketKind {
        self.kind
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> Address {
        self.name.borrow().clone()
    }

    /// What it knows of the process at the other end.
    #[must_use]
    pub fn peer_owner(&self) -> Option<Identity> {
        self.peer_owner.get()
    }

    /// Who waits until there is room for more.
    #[must_use]
    pub const fn senders(&self) -> &WaitQueue {
        &self.senders
    }

    /// Whether others can connect.
    #[must_use]
    pub fn is_listening(&self) -> bool {
        matches!(*self.state.borrow(), State::Listening(..))
    }

    const fn is_connected_kind(&self) -> bool {
        !matches!(self.kind, SocketKind::Datagram)
    }

    /// The socket at the other end; `None` where it is connected to none, or that is gone.
    #[must_use]
    pub fn peer(&self) -> Option<Rc<Self>> {
        match &*self.state.borrow() {
            State::Connected(peer) => peer.upgrade().filter(|peer| !peer.is_closed()),
            _ => None,
        }
    }

    fn is_connected(&self) -> bool {
        matches!(*self.state.borrow(), State::Connected(_))
    }

    fn is_closed(&self) -> bool {
        matches!(*self.state.borrow(), State::Closed)
    }

    /// The name of the socket at the other end.
    ///
    /// # Errors
    /// ENOTCONN.
    pub fn peer_name(&self) -> Result<Address> {
        match &*self.state.borrow() {
            State::Connected(peer) => Ok(peer.upgrade().map_or(Address::Unnamed, |peer| peer.name())),
            _ => Err(Errno::ENOTCONN),
        }
    }

    /// What went wrong since somebody asked.
    #[must_use]
    pub fn take_error(&self) -> Option<Errno> {
        self.error.take()
    }

    /// Ends one direction, or both.
    pub fn shut_down(&self, reading: bool, writing: bool) {
        self.end(reading, writing);
        // A listener that hears nothing more sends those away who wait.
        if let Some(peer) = self.peer().filter(|_| self.is_connected_kind()) {
            peer.end(writing, reading);
        }
    }

    fn end(&self, reading: bool, writing: bool) {
        let [read, write] = self.shut.get();
        self.shut.set([read || reading, write || writing]);
        self.queue.wake_all();
        self.senders.wake_all();
    }

    /// Its last description is closed.
    fn close(&self) {
        let unread = !self.inbox.borrow().is_empty();
        let peer = self.peer();
        let state = core::mem::replace(&mut *self.state.borrow_mut(), State::Closed);
        if let Some(peer) = peer.filter(|_| self.is_connected_kind()) {
            if unread {
                peer.error.set(Some(Errno::ECONNRESET));
            }
            peer.end(true, true);
        }
        if let State::Listening(_, waiting) = state {
            waiting.iter().for_each(|socket| socket.close());
        }
        self.queue.wake_all();
        self.senders.wake_all();
        let lost = self.inbox.borrow_mut().take();
        drop(lost);
    }
}

impl Wake for Socket {
    fn wake(&self, _visit: u64, _what: Ready) {
        self.waits.set(false);
        self.queue.wake_all();
    }

    fn is_over(&self, _visit: u64) -> bool {
        self.is_closed()
    }
}

impl File for Socket {
    fn read(&self, _offset: u64, to: &mut dyn Destination) -> Result<usize> {
        Ok(self.receive(to, Receive::default())?.count)
    }

    fn write(&self, _offset: u64, from: &mut dyn Source) -> Result<usize> {
        self.send(from, Ancillary::default(), None)
    }

    fn ready(&self) -> Ready {
        let [read, write] = self.shut.get();
        let (waiting, listens) = match &*self.state.borrow() {
            State::Listening(_, waiting) => (!waiting.is_empty(), true),
            _ => (false, false),
        };
        let unconnected = self.is_connected_kind() && !listens && !self.is_connected();
        let mut ready = Ready::empty();
        ready.set(Ready::IN | Ready::RDNORM, waiting || read || !self.inbox.borrow().is_empty());
        ready.set(Ready::OUT | Ready::WRNORM | Ready::WRBAND, !listens && self.has_room());
        ready.set(Ready::RDHUP, read);
        ready.set(Ready::HUP, (read && write) || unconnected);
        let error = self.error.take();
        ready.set(Ready::ERR, error.is_some());
        self.error.set(error);
        ready
    }

    fn holds(&self) -> usize {
        self.inbox.try_borrow().map_or(0, |inbox| inbox.cost())
    }

    fn queue(&self) -> Option<&WaitQueue> {
        Some(&self.queue)
    }

    fn status(&self) -> Status {
        self.status
    }

    fn control(&self, request: u32, argument: u64, memory: &mut dyn UserMemory) -> Result<u64> {
        const COUNT_BYTES: u32 = 0x541b;
        const COUNT_SENT: u32 = 0x5411;
        let count = match request {
            COUNT_BYTES if self.is_listening() => return Err(Errno::EINVAL),
            COUNT_BYTES => self.inbox.borrow().length(self.kind != SocketKind::Datagram),
            COUNT_SENT => self.peer().map_or(0, |peer| peer.inbox.borrow().length(true)),
            _ => return Err(Errno::ENOTTY),
        };
        memory.write(argument, &(count as u32))?;
        Ok(0)
    }

    fn closed(&self, _flags: OpenFlags) {
        self.close();
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
