//! Sockets: making, naming and connecting them.

use super::{Call, Outcome, Restart, Stop};
use crate::errno::{Errno, Result};
use crate::file::{Description, Kind, OpenFlags};
use crate::fs::{Access, Follow, Inode};
use crate::socket::{Address, Identity, MOST_ADDRESS, Socket, SocketKind, SocketNode};
use crate::syscall::paths::HERE;
use alloc::rc::Rc;

/// AF_UNSPEC, AF_UNIX.
const UNSPECIFIED: u16 = 0;
const UNIX: u32 = 1;

bitflags::bitflags! {
    /// What can be said with a socket's type.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct SocketFlags: u32 {
        /// Nobody waits.
        const NONBLOCK = 0o4000;
        /// The descriptor is closed by exec.
        const CLOEXEC = 0o2_000_000;
    }
}

impl Call<'_> {
    /// Who the caller is, for the other side.
    pub(super) fn identity(&self) -> Identity {
        let credentials = self.thread.credentials.borrow();
        Identity { process: self.process().id, user: credentials.user[1], group: credentials.group[1] }
    }

    /// The description of a socket.
    ///
    /// # Errors
    /// EBADF, ENOTSOCK.
    pub(super) fn socket(&self, descriptor: u64) -> Result<(Rc<Description>, Rc<Socket>)> {
        let description = self.file(descriptor)?;
        if description.flags().contains(OpenFlags::PATH) {
            return Err(Errno::EBADF);
        }
        let socket = description.as_kind::<Socket>().and_then(Socket::me).ok_or(Errno::ENOTSOCK)?;
        Ok((description, socket))
    }

    /// An address that the caller gives.
    ///
    /// # Errors
    /// EFAULT, EINVAL.
    pub(super) fn address(&self, at: u64, length: u64) -> Result<Address> {
        Address::decode(&self.address_bytes(at, length)?)
    }

    fn address_bytes(&self, at: u64, length: u64) -> Result<alloc::vec::Vec<u8>> {
        let length = usize::try_from(length as i32).map_err(|_| Errno::EINVAL)?;
        if length > MOST_ADDRESS {
            return Err(Errno::EINVAL);
        }
        let mut bytes = alloc::vec![0; length];
        self.with_memory(|memory| memory.read_bytes(at, &mut bytes))?;
        Ok(bytes)
    }

    /// Tells an address: as much of it as there is room for, and how long it is.
    ///
    /// # Errors
    /// EFAULT, EINVAL.
    pub(super) fn write_address(&self, at: u64, length_at: u64, bytes: &[u8]) -> Result<()> {
        if at == 0 {
            return Ok(());
        }
        let room = usize::try_from(self.read::<i32>(length_at)?).map_err(|_| Errno::EINVAL)?;
        self.with_memory(|memory| memory.write_bytes(at, &bytes[..room.min(bytes.len())]))?;
        self.write(length_at, &(bytes.len() as u32))
    }

    /// The socket of an address.
    ///
    /// # Errors
    /// ECONNREFUSED; as the walk says.
    pub(super) fn socket_at(&self, address: &Address) -> Result<Rc<Socket>> {
        match address {
            Address::Unnamed => Err(Errno::EINVAL),
            Address::Abstract(name) => self.unix.sockets.find(name),
            Address::Path(path) => {
                let files = self.unix.names_of_files();
                let place = self.with_base(HERE, path, |base| {
                    let place = files.find(base, path, Follow::Yes)?;
                    files.check(base.credentials, &place, Access::WRITE)?;
                    Ok(place)
                })?;
                node(&place.inode)?.socket()
            }
        }
    }
}

/// What is behind the name of a socket.
fn node(inode: &Rc<dyn Inode>) -> Result<Rc<SocketNode>> {
    if inode.kind() != Kind::Socket {
        return Err(Errno::ECONNREFUSED);
    }
    let shared = inode.shared(&mut || Rc::new(SocketNode::default()));
    shared.and_then(|shared| shared.downcast().ok()).ok_or(Errno::ECONNREFUSED)
}

fn add(call: &Call<'_>, socket: Rc<Socket>, flags: SocketFlags) -> Result<u64> {
    let mut open = OpenFlags::RDWR;
    open.set(OpenFlags::NONBLOCK, flags.contains(SocketFlags::NONBLOCK));
    call.add_file(Description::new(socket, open), flags.contains(SocketFlags::CLOEXEC))
}

/// Family, type and protocol as socket(2) has them.
fn wanted(call: &Call<'_>) -> Result<(SocketKind, SocketFlags)> {
    let (kind, protocol) = (call.uint(1), call.uint(2));
    let flags = SocketFlags::from_bits(kind & !0xf).ok_or(Errno::EINVAL)?;
    // Beyond SOCK_PACKET there is none.
    if kind & 0xf > 10 {
        return Err(Errno::EINVAL);
    }
    if call.uint(0) != UNIX {
        return Err(Errno::EAFNOSUPPORT);
    }
    if protocol > UNIX {
        return Err(Errno::EPROTONOSUPPORT);
    }
    let kind = match kind & 0xf {
        1 => SocketKind::Stream,
        // Linux takes SOCK_RAW for datagrams here.
        2 | 3 => SocketKind::Datagram,
        5 => SocketKind::Packet,
        _ => return Err(Errno::ESOCKTNOSUPPORT),
    };
    Ok((kind, flags))
}

pub(super) fn socket(call: &Call<'_>) -> Outcome {
    let (kind, flags) = wanted(call)?;
    Ok(add(call, Socket::new(kind, call.identity(), call.unix.next_nameless()), flags)?)
}

pub(super) fn socketpair(call: &Call<'_>) -> Outcome {
    let (kind, flags) = wanted(call)?;
    let new = || Socket::new(kind, call.identity(), call.unix.next_nameless());
    let (first, second) = (new(), new());
    Socket::join(&first, &second);
    let first = add(call, first, flags)?;
    let close = |number| {
        let closed = call.thread.files().borrow_mut().remove(number);
        drop(closed);
    };
    let second = add(call, second, flags).inspect_err(|_| close(first))?;
    call.write(call.arguments()[3], &[first as u32, second as u32]).inspect_err(|_| {
        close(first);
        close(second);
    })?;
    Ok(0)
}

pub(super) fn bind(call: &Call<'_>) -> Outcome {
    let [descriptor, at, length, ..] = call.arguments();
    let (_, socket) = call.socket(descriptor)?;
    let named = socket.name() != Address::Unnamed;
    match call.address(at, length)? {
        Address::Unnamed if named => {}
        Address::Unnamed => call.unix.sockets.bind_any(&socket)?,
        Address::Abstract(_) if named => return Err(Errno::EINVAL.into()),
        Address::Abstract(name) => call.unix.sockets.bind(&socket, &name)?,
        Address::Path(path) => {
            let permissions = call.without_umask(0o777);
            let files = call.unix.names_of_files();
            let place = call.with_base(HERE, &path, |base| {
                if named && files.find(base, &path, Follow::No).is_err() {
                    return Err(Errno::EINVAL);
                }
                let made = files.make(base, &path, Kind::Socket, permissions, 0);
                made.map_err(|error| if error == Errno::EEXIST { Errno::EADDRINUSE } else { error })
            })?;
            node(&place.inode)?.set(&socket);
            socket.set_name(Address::Path(path));
        }
    }
    Ok(0)
}

pub(super) fn listen(call: &Call<'_>) -> Outcome {
    let (_, socket) = call.socket(call.arguments()[0])?;
    socket.listen(call.int(1), call.identity())?;
    Ok(0)
}

pub(super) fn connect(call: &Call<'_>) -> Outcome {
    let [descriptor, at, length, ..] = call.arguments();
    let (description, socket) = call.socket(descriptor)?;
    let bytes = call.address_bytes(at, length)?;
    if bytes.first_chunk() == Some(&UNSPECIFIED.to_le_bytes()) && socket.kind() == SocketKind::Datagram {
        socket.disconnect();
        return Ok(0);
    }
    let to = call.socket_at(&Address::decode(&bytes)?)?;
    match socket.connect(&to, call.identity(), call.unix.next_nameless()) {
        Err(Errno::EAGAIN) if !description.never_waits() => {
            call.wait_until(|| socket.options.limit(true).map(|limit| crate::clock::monotonic().saturating_add(limit)));
            if call.is_late() {
                return Err(Errno::EAGAIN.into());
            }
            call.enter(to.senders());
            Err(Stop::wait(Restart::IfAsked))
        }
        outcome => Ok(outcome.map(|()| 0)?),
    }
}

fn accept_with(call: &Call<'_>, flags: SocketFlags) -> Outcome {
    let [descriptor, at, length_at, ..] = call.arguments();
    let (description, socket) = call.socket(descriptor)?;
    // Whoever waits is not taken out of the queue only to find no room for him.
    let limit = call.process().limits.get().soft(crate::process::Resource::Files);
    call.thread.files().borrow().check_room(limit)?;
    call.wait_until(|| socket.options.limit(false).map(|limit| crate::clock::monotonic().saturating_add(limit)));
    let accepted = call.until_ready(&description, false, || socket.accept())?;
    let name = accepted.peer_name().unwrap_or_default().encode();
    let number = add(call, accepted, flags)?;
    if let Err(error) = call.write_address(at, length_at, &name) {
        let closed = call.thread.files().borrow_mut().remove(number);
        drop(closed);
        return Err(error.into());
    }
    Ok(number)
}

pub(super) fn accept(call: &Call<'_>) -> Outcome {
    accept_with(call, SocketFlags::empty())
}

pub(super) fn accept4(call: &Call<'_>) -> Outcome {
    accept_with(call, SocketFlags::from_bits(call.uint(3)).ok_or(Errno::EINVAL)?)
}

pub(super) fn getsockname(call: &Call<'_>) -> Outcome {
    let [descriptor, at, length_at, ..] = call.arguments();
    let (_, socket) = call.socket(descriptor)?;
    call.write_address(at, length_at, &socket.name().encode())?;
    Ok(0)
}

pub(super) fn getpeername(call: &Call<'_>) -> Outcome {
    let [descriptor, at, length_at, ..] = call.arguments();
    let (_, socket) = call.socket(descriptor)?;
    call.write_address(at, length_at, &socket.peer_name()?.encode())?;
    Ok(0)
}

pub(super) fn shutdown(call: &Call<'_>) -> Outcome {
    let (_, socket) = call.socket(call.arguments()[0])?;
    let how = call.uint(1);
    if how > 2 {
        return Err(Errno::EINVAL.into());
    }
    socket.shut_down(how != 1, how != 0);
    Ok(0)
}
