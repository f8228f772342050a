//! What the system says of itself, and random bytes.

use super::{Call, Outcome};
use crate::clock::SECOND;
use crate::errno::{Errno, Result};
use crate::{clock, machine, random};
use alloc::vec::Vec;

/// Bytes of each field of struct utsname.
const FIELD: usize = 65;
/// What programs are told that they run on: they look for what came when.
pub const RELEASE: &str = "6.1.0-ravelin";

pub(super) fn uname(call: &Call<'_>) -> Outcome {
    let names = call.unix.names.borrow();
    let fields: [&[u8]; 6] =
        [b"Linux", &names.host, RELEASE.as_bytes(), b"#1 Ravelin libos-unix", b"x86_64", &names.domain];
    let mut bytes = [0; FIELD * 6];
    for (place, field) in bytes.chunks_exact_mut(FIELD).zip(fields) {
        let length = field.len().min(FIELD - 1);
        place[..length].copy_from_slice(&field[..length]);
    }
    call.write(call.arguments()[0], &bytes)?;
    Ok(0)
}

fn name(call: &Call<'_>) -> Result<Vec<u8>> {
    if !call.thread.credentials.borrow().is_privileged() {
        return Err(Errno::EPERM);
    }
    let length = call.int(1);
    if !(0..FIELD as i32).contains(&length) {
        return Err(Errno::EINVAL);
    }
    let mut bytes = alloc::vec![0; length as usize];
    call.with_memory(|memory| memory.read_bytes(call.arguments()[0], &mut bytes))?;
    Ok(bytes)
}

pub(super) fn sethostname(call: &Call<'_>) -> Outcome {
    let name = name(call)?;
    call.unix.names.borrow_mut().host = name;
    Ok(0)
}

pub(super) fn setdomainname(call: &Call<'_>) -> Outcome {
    let name = name(call)?;
    call.unix.names.borrow_mut().domain = name;
    Ok(0)
}

pub(super) fn sysinfo(call: &Call<'_>) -> Outcome {
    let mut words = [0_u64; 14];
    words[0] = (clock::monotonic() - call.unix.began) / SECOND;
    words[4] = machine::total_frames() * 4096;
    words[5] = machine::free_frames() * 4096;
    words[10] = call.unix.threads.borrow().len() as u64;
    // The unit of memory, one byte.
    words[13] = 1;
    call.with_memory(|memory| memory.write_bytes(call.arguments()[0], &zerocopy::IntoBytes::as_bytes(&words)[..112]))?;
    Ok(0)
}

bitflags::bitflags! {
    /// Flags of getrandom(2): all the same here.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct RandomFlags: u32 {
        /// Not to wait.
        const NONBLOCK = 1;
        /// From the other source.
        const RANDOM = 2;
        /// Even before there is enough entropy.
        const INSECURE = 4;
    }
}

pub(super) fn getrandom(call: &Call<'_>) -> Outcome {
    let [address, length, ..] = call.arguments();
    let flags = RandomFlags::from_bits(call.uint(2)).ok_or(Errno::EINVAL)?;
    if flags.contains(RandomFlags::RANDOM | RandomFlags::INSECURE) {
        return Err(Errno::EINVAL.into());
    }
    let count = call.with_buffer(address, length, |to| random::fill(to))?;
    Ok(count as u64)
}

/// Nobody is ever moved from one CPU to another, so nothing has to be restarted; programs do without it.
pub(super) fn rseq(_: &Call<'_>) -> Outcome {
    Err(Errno::ENOSYS.into())
}
