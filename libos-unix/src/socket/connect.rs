//! Names, and who is connected to whom: bind(2), listen(2), connect(2), accept(2).

use super::{Address, Identity, Socket, SocketKind, State};
use crate::errno::{Errno, Result};
use crate::file::Description;
use alloc::collections::{BTreeMap, VecDeque};
use alloc::rc::{Rc, Weak};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

/// The most that may wait to be accepted (Linux: net.core.somaxconn).
const MOST_WAITING: usize = 4096;

/// What is behind the name of a socket in a file system.
#[derive(Debug, Default)]
pub struct SocketNode(RefCell<Weak<Socket>>);

impl SocketNode {
    /// The socket that was bound to it.
    ///
    /// # Errors
    /// ECONNREFUSED where it is gone.
    pub fn socket(&self) -> Result<Rc<Socket>> {
        self.0.borrow().upgrade().filter(|socket| !socket.is_closed()).ok_or(Errno::ECONNREFUSED)
    }

    /// Makes it a socket's.
    pub fn set(&self, socket: &Socket) {
        *self.0.borrow_mut() = Weak::clone(&socket.me);
    }
}

/// Names that are in no file system, and sockets that are sent.
#[derive(Debug, Default)]
pub struct Names {
    table: RefCell<BTreeMap<Vec<u8>, Weak<Socket>>>,
    next: Cell<u32>,
    pub(super) travellers: RefCell<Vec<Weak<Description>>>,
}

impl Names {
    /// The socket of a name.
    ///
    /// # Errors
    /// ECONNREFUSED.
    pub fn find(&self, name: &[u8]) -> Result<Rc<Socket>> {
        let socket = self.table.borrow().get(name).and_then(Weak::upgrade);
        socket.filter(|socket| !socket.is_closed()).ok_or(Errno::ECONNREFUSED)
    }

    /// Gives a socket a name.
    ///
    /// # Errors
    /// EADDRINUSE.
    pub fn bind(&self, socket: &Socket, name: &[u8]) -> Result<()> {
        if self.find(name).is_ok() {
            return Err(Errno::EADDRINUSE);
        }
        let mut table = self.table.borrow_mut();
        table.retain(|_, socket| socket.strong_count() != 0);
        table.insert(name.to_vec(), Weak::clone(&socket.me));
        drop(table);
        socket.set_name(Address::Abstract(name.to_vec()));
        Ok(())
    }

    /// Gives a socket a name that nobody has: five hexadecimal digits.
    ///
    /// # Errors
    /// ENOSPC where there is none.
    pub fn bind_any(&self, socket: &Socket) -> Result<()> {
        const MOST: u32 = 0x10_0000;
        for _ in 0..MOST {
            let number = self.next.replace((self.next.get() + 1) % MOST);
            if self.bind(socket, alloc::format!("{number:05x}").as_bytes()).is_ok() {
                return Ok(());
            }
        }
        Err(Errno::ENOSPC)
    }
}

impl Socket {
    /// Says what it is called.
    pub fn set_name(&self, name: Address) {
        *self.name.borrow_mut() = name;
    }

    /// Lets others connect: listen(2).
    ///
    /// # Errors
    /// EOPNOTSUPP of datagrams; EINVAL where it has no name, or is connected.
    pub fn listen(&self, backlog: i32, owner: Identity) -> Result<()> {
        if !self.is_connected_kind() {
            return Err(Errno::EOPNOTSUPP);
        }
        if *self.name.borrow() == Address::Unnamed {
            return Err(Errno::EINVAL);
        }
        let most = usize::try_from(backlog).unwrap_or(MOST_WAITING).min(MOST_WAITING);
        let mut state = self.state.borrow_mut();
        match &mut *state {
            State::New => *state = State::Listening(most, VecDeque::new()),
            State::Listening(limit, _) => *limit = most,
            _ => return Err(Errno::EINVAL),
        }
        drop(state);
        self.owner.set(owner);
        self.senders.wake_all();
        Ok(())
    }

    /// Connects to a listener, or says where datagrams go: connect(2).
    ///
    /// # Errors
    /// EAGAIN where so many wait already that one more has to wait for [`senders`](Self::senders); ECONNREFUSED, EPROTOTYPE, EISCONN, EINVAL.
    pub fn connect(&self, to: &Rc<Self>, owner: Identity, number: u64) -> Result<()> {
        if to.kind != self.kind {
            return Err(Errno::EPROTOTYPE);
        }
        if self.kind == SocketKind::Datagram {
            *self.state.borrow_mut() = State::Connected(Rc::downgrade(to));
            self.queue.wake_all();
            return Ok(());
        }
        match &*self.state.borrow() {
            State::New => {}
            State::Connected(_) => return Err(Errno::EISCONN),
            _ => return Err(Errno::EINVAL),
        }
        {
            let mut state = to.state.borrow_mut();
            let State::Listening(most, waiting) = &mut *state else { return Err(Errno::ECONNREFUSED) };
            if to.shut.get()[0] {
                return Err(Errno::ECONNREFUSED);
            }
            if waiting.len() > *most {
                return Err(Errno::EAGAIN);
            }
            let other = Self::new(self.kind, to.owner.get(), number);
            other.set_name(to.name());
            other.options.set_passes_credentials(to.options.passes_credentials());
            *other.state.borrow_mut() = State::Connected(Weak::clone(&self.me));
            other.peer_owner.set(Some(owner));
            *self.state.borrow_mut() = State::Connected(Rc::downgrade(&other));
            waiting.push_back(other);
        }
        self.peer_owner.set(Some(to.owner.get()));
        self.queue.wake_all();
        to.queue.wake_all();
        Ok(())
    }

    /// Datagrams go nowhere from now on, unless they say where: connect(2) to AF_UNSPEC.
    pub fn disconnect(&self) {
        if self.is_connected() {
            *self.state.borrow_mut() = State::New;
        }
    }

    /// The next who has connected: accept(2).
    ///
    /// # Errors
    /// EAGAIN; EINVAL where nobody can connect; EOPNOTSUPP of datagrams.
    pub fn accept(&self) -> Result<Rc<Self>> {
        if !self.is_connected_kind() {
            return Err(Errno::EOPNOTSUPP);
        }
        let mut state = self.state.borrow_mut();
        let State::Listening(_, waiting) = &mut *state else { return Err(Errno::EINVAL) };
        match waiting.pop_front() {
            Some(socket) => {
                drop(state);
                self.senders.wake_all();
                Ok(socket)
            }
            None if self.shut.get()[0] => Err(Errno::EINVAL),
            None => Err(Errno::EAGAIN),
        }
    }
}
