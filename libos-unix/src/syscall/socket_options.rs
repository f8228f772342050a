//! Options of sockets: setsockopt(2), getsockopt(2).

use super::{Call, Outcome};
use crate::clock::SECOND;
use crate::errno::{Errno, Result};

/// SOL_SOCKET.
const LEVEL: i32 = 1;

/// Options by number (socket(7)).
mod option {
    pub(super) const DEBUG: u32 = 1;
    pub(super) const REUSEADDR: u32 = 2;
    pub(super) const TYPE: u32 = 3;
    pub(super) const ERROR: u32 = 4;
    pub(super) const DONTROUTE: u32 = 5;
    pub(super) const BROADCAST: u32 = 6;
    pub(super) const SNDBUF: u32 = 7;
    pub(super) const RCVBUF: u32 = 8;
    pub(super) const KEEPALIVE: u32 = 9;
    pub(super) const OOBINLINE: u32 = 10;
    pub(super) const LINGER: u32 = 13;
    pub(super) const REUSEPORT: u32 = 15;
    pub(super) const PASSCRED: u32 = 16;
    pub(super) const PEERCRED: u32 = 17;
    pub(super) const RCVLOWAT: u32 = 18;
    pub(super) const SNDLOWAT: u32 = 19;
    pub(super) const RCVTIMEO: u32 = 20;
    pub(super) const SNDTIMEO: u32 = 21;
    pub(super) const TIMESTAMP: u32 = 29;
    pub(super) const ACCEPTCONN: u32 = 30;
    pub(super) const SNDBUFFORCE: u32 = 32;
    pub(super) const RCVBUFFORCE: u32 = 33;
    pub(super) const PROTOCOL: u32 = 38;
    pub(super) const DOMAIN: u32 = 39;
}

/// Nanoseconds of a struct timeval; 0 is for ever.
fn limit(call: &Call<'_>, at: u64, length: u32) -> Result<u64> {
    if length < 16 {
        return Err(Errno::EINVAL);
    }
    let [seconds, microseconds]: [i64; 2] = call.read(at)?;
    if !(0..1_000_000).contains(&microseconds) {
        return Err(Errno::EDOM);
    }
    let microseconds = seconds.max(0).cast_unsigned().saturating_mul(1_000_000) + microseconds.cast_unsigned();
    Ok(microseconds.saturating_mul(1000))
}

pub(super) fn setsockopt(call: &Call<'_>) -> Outcome {
    let [descriptor, _, _, at, _, _] = call.arguments();
    let (number, length) = (call.uint(2), call.uint(4));
    let (_, socket) = call.socket(descriptor)?;
    if call.int(1) != LEVEL {
        return Err(Errno::EOPNOTSUPP.into());
    }
    if length.cast_signed() < 4 {
        return Err(Errno::EINVAL.into());
    }
    let options = &socket.options;
    let value: u32 = call.read(at)?;
    match number {
        option::SNDBUF | option::SNDBUFFORCE => options.set_send_buffer(value),
        option::RCVBUF | option::RCVBUFFORCE => options.set_receive_buffer(value),
        option::PASSCRED => options.set_passes_credentials(value != 0),
        option::RCVTIMEO | option::SNDTIMEO => options.set_limit(number == option::SNDTIMEO, limit(call, at, length)?),
        option::DEBUG
        | option::REUSEADDR
        | option::DONTROUTE
        | option::BROADCAST
        | option::KEEPALIVE
        | option::OOBINLINE
        | option::REUSEPORT
        | option::TIMESTAMP => options.set_switch(number, value != 0),
        option::LINGER if length < 8 => return Err(Errno::EINVAL.into()),
        option::LINGER | option::RCVLOWAT => {}
        _ => return Err(Errno::ENOPROTOOPT.into()),
    }
    Ok(0)
}

pub(super) fn getsockopt(call: &Call<'_>) -> Outcome {
    let [descriptor, _, _, at, length_at, _] = call.arguments();
    let number = call.uint(2);
    let (_, socket) = call.socket(descriptor)?;
    let room = usize::try_from(call.read::<i32>(length_at)?).map_err(|_| Errno::EINVAL)?;
    if call.int(1) != LEVEL {
        return Err(Errno::EOPNOTSUPP.into());
    }
    let options = &socket.options;
    let (mut words, mut length) = ([0_u32; 4], 4);
    words[0] = match number {
        option::TYPE => socket.kind() as u32,
        option::DOMAIN => 1,
        option::PROTOCOL => 0,
        option::ERROR => socket.take_error().map_or(0, |error| error as u32),
        option::ACCEPTCONN => socket.is_listening().into(),
        option::SNDBUF => options.send_buffer() as u32,
        option::RCVBUF => options.receive_buffer() as u32,
        option::PASSCRED => options.passes_credentials().into(),
        option::RCVLOWAT | option::SNDLOWAT => 1,
        option::LINGER => {
            length = 8;
            0
        }
        option::PEERCRED => {
            length = 12;
            // Nobody is 0 with users and groups of -1.
            let [process, user, group] =
                socket.peer_owner().map_or([0, u32::MAX, u32::MAX], |who| [who.process, who.user, who.group]);
            words = [process, user, group, 0];
            process
        }
        option::RCVTIMEO | option::SNDTIMEO => {
            length = 16;
            let limit = options.limit(number == option::SNDTIMEO).unwrap_or(0);
            words[2] = (limit % SECOND / 1000) as u32;
            (limit / SECOND) as u32
        }
        option::DEBUG
        | option::REUSEADDR
        | option::DONTROUTE
        | option::BROADCAST
        | option::KEEPALIVE
        | option::OOBINLINE
        | option::REUSEPORT
        | option::TIMESTAMP => options.switch(number).into(),
        _ => return Err(Errno::ENOPROTOOPT.into()),
    };
    let bytes: &[u8] = zerocopy::IntoBytes::as_bytes(&words);
    let length = room.min(length);
    call.with_memory(|memory| memory.write_bytes(at, &bytes[..length]))?;
    call.write(length_at, &(length as u32))?;
    Ok(0)
}
