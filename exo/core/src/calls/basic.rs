//! The calls by which an environment acts on itself and its console.

use super::{At, Context, Effect, Handled, done};
use exo_abi::call::{CONSOLE_READ_MAX, CONSOLE_WRITE_MAX};
use exo_abi::capability::rights;
use exo_abi::console::Stream;
use exo_abi::error::Error;

/// Bytes copied at a time: they lie on the kernel's stack.
const CHUNK: usize = 256;

impl Context<'_, '_> {
    pub(super) fn null(&mut self) -> Handled {
        done(0)
    }

    pub(super) fn exit(&mut self, status: u64) -> Handled {
        Ok((0, Effect::EndEnvironment { status: low_half(status) }))
    }

    pub(super) fn console_write(&mut self, stream: u64, physical: u64, length: u64) -> Handled {
        let stream = match Stream::from_number(stream) {
            Some(stream @ (Stream::Output | Stream::Errors)) => stream,
            _ => return Err(Error::BadArgument.at(stream)),
        };
        self.check_memory(physical, length, CONSOLE_WRITE_MAX, rights::READ)?;
        let channel = u8::try_from(self.caller.index).map_err(|_| Error::BadArgument)?;
        let mut buffer = [0; CHUNK];
        for (physical, count) in chunks(physical, length) {
            let bytes = &mut buffer[..count];
            self.machine.copy_from_frames(physical, bytes);
            self.machine.console_write(channel, stream, bytes);
        }
        done(length)
    }

    pub(super) fn console_read(&mut self, physical: u64, length: u64) -> Handled {
        self.check_memory(physical, length, CONSOLE_READ_MAX, rights::WRITE)?;
        if !self.core.environments.private(self.caller).is_some_and(|private| private.input) {
            return done(0);
        }
        let mut buffer = [0; CHUNK];
        let mut total = 0;
        for (physical, count) in chunks(physical, length) {
            let read = self.machine.console_read(&mut buffer[..count]).min(count);
            self.machine.copy_to_frames(physical, &buffer[..read]);
            total += u64::try_from(read).unwrap_or(0);
            if read < count {
                break;
            }
        }
        if total < length
            && let Some(private) = self.core.environments.private_mut(self.caller)
        {
            private.told_of_input = false;
        }
        done(total)
    }

    pub(super) fn set_fault_delivery(&mut self, on: u64) -> Handled {
        if on > 1 {
            return Err(Error::BadArgument.at(on));
        }
        Ok((0, Effect::FaultDelivery { on: on == 1 }))
    }

    pub(super) fn set_last_resort(&mut self, instruction: u64, stack: u64) -> Handled {
        // The CPU refuses an entry at an address that is not canonical.
        if [instruction, stack].into_iter().any(|address| !is_canonical(address)) {
            return Err(Error::BadArgument.into());
        }
        Ok((0, Effect::LastResort { instruction, stack }))
    }
}

/// Whether the address is one that 48 bits, sign-extended, can name.
pub(super) fn is_canonical(address: u64) -> bool {
    matches!(address >> 47, 0 | 0x1_ffff)
}

/// A checked range in pieces of [`CHUNK`] bytes: where each begins and how long it is.
fn chunks(physical: u64, length: u64) -> impl Iterator<Item = (u64, usize)> {
    let mut done = 0;
    core::iter::from_fn(move || {
        let count = usize::try_from(length - done).unwrap_or(CHUNK).min(CHUNK);
        let piece = (physical + done, count);
        done += u64::try_from(count).unwrap_or(0);
        (count != 0).then_some(piece)
    })
}

/// The low 32 bits.
fn low_half(value: u64) -> u32 {
    u32::try_from(value & u64::from(u32::MAX)).unwrap_or(0)
}
