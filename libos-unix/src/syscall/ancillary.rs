//! What travels with messages, as programs write it down: struct cmsghdr (cmsg(3)).

use super::Call;
use super::messages::Header;
use crate::errno::{Errno, Result};
use crate::file::OpenFlags;
use crate::socket::{Ancillary, Identity, MOST_FILES};
use zerocopy::IntoBytes;

/// SOL_SOCKET.
const LEVEL: u32 = 1;
/// SCM_RIGHTS.
const FILES: u32 = 1;
/// SCM_CREDENTIALS.
const SENDER: u32 = 2;
/// Bytes of struct cmsghdr.
const HEADER: u64 = 16;

/// Takes what a program wants to travel with a message.
///
/// # Errors
/// EINVAL, EBADF, EPERM, ENOBUFS, EFAULT.
pub(super) fn fetch(call: &Call<'_>, header: &Header, into: &mut Ancillary) -> Result<()> {
    if header.control == 0 {
        return Ok(());
    }
    if header.control_length > i32::MAX as u64 {
        return Err(Errno::ENOBUFS);
    }
    let mut at = 0;
    while header.control_length.saturating_sub(at) >= HEADER {
        let start = header.control.wrapping_add(at);
        let [length, place]: [u64; 2] = call.read(start)?;
        if length < HEADER || length > header.control_length - at {
            return Err(Errno::EINVAL);
        }
        let data = start.wrapping_add(HEADER);
        if place as u32 == LEVEL {
            match (place >> 32) as u32 {
                FILES => files(call, data, (length - HEADER) / 4, into)?,
                SENDER if length == HEADER + 12 => into.sender = Some(sender(call, data)?),
                _ => return Err(Errno::EINVAL),
            }
        }
        at += length.next_multiple_of(8);
    }
    Ok(())
}

fn files(call: &Call<'_>, at: u64, count: u64, into: &mut Ancillary) -> Result<()> {
    if count as usize + into.files.len() > MOST_FILES {
        return Err(Errno::EINVAL);
    }
    for index in 0..count {
        let number: u32 = call.read(at.wrapping_add(index * 4))?;
        let file = call.file(number.into())?;
        if file.flags().contains(OpenFlags::PATH) {
            return Err(Errno::EBADF);
        }
        into.files.push(file);
    }
    Ok(())
}

/// Who the caller says that he is: himself, in one of the ways that he can.
fn sender(call: &Call<'_>, at: u64) -> Result<Identity> {
    let [process, user, group]: [u32; 3] = call.read(at)?;
    let credentials = call.thread.credentials.borrow();
    let own = process == call.process().id
        && credentials.user[..3].contains(&user)
        && credentials.group[..3].contains(&group);
    if own || credentials.is_privileged() { Ok(Identity { process, user, group }) } else { Err(Errno::EPERM) }
}

/// The place for what has travelled with a message.
pub(super) struct Control<'c> {
    call: &'c Call<'c>,
    at: u64,
    room: u64,
    /// Bytes that are used.
    pub(super) used: u64,
    /// Something did not fit.
    pub(super) cut: bool,
}

impl<'c> Control<'c> {
    pub(super) fn new(call: &'c Call<'c>, header: &Header) -> Self {
        let room = if header.control == 0 { 0 } else { header.control_length.min(i32::MAX as u64) };
        Self { call, at: header.control, room, used: 0, cut: false }
    }

    /// Writes down what has travelled; files become descriptors, and those that do not fit are closed.
    pub(super) fn put(&mut self, ancillary: Ancillary, wants_sender: bool, close_on_exec: bool) -> Result<()> {
        if wants_sender {
            let who = ancillary.sender.unwrap_or(Identity::NOBODY);
            self.write(SENDER, &[who.process, who.user, who.group])?;
        }
        if ancillary.files.is_empty() {
            return Ok(());
        }
        let fit = (self.room - self.used).saturating_sub(HEADER) / 4;
        let mut numbers = alloc::vec::Vec::new();
        for file in ancillary.files.into_iter() {
            let taken = if (numbers.len() as u64) < fit { self.call.add_file(file, close_on_exec).ok() } else { None };
            match taken {
                Some(number) => numbers.push(number as u32),
                None => self.cut = true,
            }
        }
        if numbers.is_empty() { Ok(()) } else { self.write(FILES, &numbers) }
    }

    fn write(&mut self, kind: u32, words: &[u32]) -> Result<()> {
        let left = self.room - self.used;
        if left < HEADER {
            self.cut = true;
            return Ok(());
        }
        let bytes = words.as_bytes();
        let length = HEADER + bytes.len() as u64;
        self.cut |= length > left;
        let start = self.at.wrapping_add(self.used);
        let part = ((left - HEADER) as usize).min(bytes.len());
        self.call.write(start, &[length.min(left), u64::from(LEVEL) | u64::from(kind) << 32])?;
        self.call.with_memory(|memory| memory.write_bytes(start.wrapping_add(HEADER), &bytes[..part]))?;
        self.used += length.next_multiple_of(8).min(left);
        Ok(())
    }
}
