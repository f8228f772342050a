//! The calls of `exo/abi`, decoded in one place.
//!
//! Every handler is a column of checks and then changes that cannot fail. Memory arguments are physical: each
//! frame of one must be the caller's before a byte moves, and each byte is read once.

use crate::environment::EnvironmentId;
use crate::machine::Machine;
use crate::state::Core;
use exo_abi::call::{CONSOLE_READ_MAX, CONSOLE_WRITE_MAX, Call};
use exo_abi::console::Stream;
use exo_abi::error::Error;
use exo_abi::layout::FRAME_SIZE;

/// The lowest vector on which an upcall may come: those below are the CPU's own exceptions.
const LEAST_VECTOR: u8 = 32;
/// Bytes copied at a time: they lie on the kernel's stack.
const CHUNK: usize = 256;

/// What the caller gets in its registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// For rax: 0, or the number of an [`Error`].
    pub status: u64,
    /// For rdx: the value, 0 with an error.
    pub value: u64,
}

/// What the kernel does after a call, beyond replying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: the caller goes on.
    None,
    /// The caller ends; the reply is for nobody.
    EndEnvironment {
        /// What it gave as its status.
        status: u32,
    },
    /// The caller gave up the rest of its slice.
    YieldSlice,
    /// The caller's accesses to memory that it does not hold reach its own handler, or end it.
    FaultDelivery {
        /// Whether they do.
        on: bool,
    },
}

type Handled = Result<(u64, Effect), Error>;

/// Does one call. Whatever the caller put into its registers, nobody else is harmed. A caller that does not run has
/// no calls.
pub fn dispatch(
    core: &mut Core<'_>,
    machine: &mut dyn Machine,
    caller: EnvironmentId,
    number: u64,
    arguments: [u64; 6],
) -> (Reply, Effect) {
    match handle(core, machine, caller, number, arguments) {
        Ok((value, effect)) => (Reply { status: 0, value }, effect),
        Err(error) => (Reply { status: error.number(), value: 0 }, Effect::None),
    }
}

fn handle(
    core: &mut Core<'_>,
    machine: &mut dyn Machine,
    caller: EnvironmentId,
    number: u64,
    [first, second, third, ..]: [u64; 6],
) -> Handled {
    if !core.environments.is_running(caller) {
        return Err(Error::UnknownCall);
    }
    match Call::from_number(number).ok_or(Error::UnknownCall)? {
        Call::Null => Ok((0, Effect::None)),
        Call::Exit => Ok((0, Effect::EndEnvironment { status: low_half(first) })),
        Call::ConsoleWrite => console_write(core, machine, caller, first, second, third),
        Call::ConsoleRead => console_read(core, machine, caller, first, second),
        Call::Yield => Ok((0, Effect::YieldSlice)),
        Call::SetUpcall => set_upcall(core, caller, first),
        Call::SetFaultDelivery if first > 1 => Err(Error::BadArgument),
        Call::SetFaultDelivery => Ok((0, Effect::FaultDelivery { on: first == 1 })),
    }
}

fn console_write(
    core: &Core<'_>,
    machine: &mut dyn Machine,
    caller: EnvironmentId,
    stream: u64,
    physical: u64,
    length: u64,
) -> Handled {
    let stream = match Stream::from_number(stream) {
        Some(stream @ (Stream::Output | Stream::Errors)) => stream,
        _ => return Err(Error::BadArgument),
    };
    check_memory(core, caller, physical, length, CONSOLE_WRITE_MAX)?;
    let channel = u8::try_from(caller.index).map_err(|_| Error::BadArgument)?;
    let mut buffer = [0; CHUNK];
    for (physical, count) in chunks(physical, length) {
        let bytes = &mut buffer[..count];
        machine.copy_from_frames(physical, bytes);
        machine.console_write(channel, stream, bytes);
    }
    Ok((length, Effect::None))
}

fn console_read(
    core: &Core<'_>,
    machine: &mut dyn Machine,
    caller: EnvironmentId,
    physical: u64,
    length: u64,
) -> Handled {
    check_memory(core, caller, physical, length, CONSOLE_READ_MAX)?;
    if !core.environments.get(caller).is_some_and(|environment| environment.has_input()) {
        return Ok((0, Effect::None));
    }
    let mut buffer = [0; CHUNK];
    let mut total = 0;
    for (physical, count) in chunks(physical, length) {
        let read = machine.console_read(&mut buffer[..count]).min(count);
        machine.copy_to_frames(physical, &buffer[..read]);
        total += u64::try_from(read).unwrap_or(0);
        if read < count {
            break;
        }
    }
    Ok((total, Effect::None))
}

fn set_upcall(core: &mut Core<'_>, caller: EnvironmentId, vector: u64) -> Handled {
    let vector = u8::try_from(vector).map_err(|_| Error::BadArgument)?;
    if vector != 0 && vector < LEAST_VECTOR {
        return Err(Error::BadArgument);
    }
    if let Some(environment) = core.environments.running_mut(caller) {
        environment.upcall_vector = vector;
    }
    Ok((0, Effect::None))
}

/// Checks that the caller holds every frame of a range of memory. An empty range is in no frame.
fn check_memory(core: &Core<'_>, caller: EnvironmentId, physical: u64, length: u64, most: u64) -> Result<(), Error> {
    if length > most {
        return Err(Error::TooLong);
    }
    let end = physical.checked_add(length).ok_or(Error::TooLong)?;
    if length == 0 {
        return Ok(());
    }
    let mut frames = physical / FRAME_SIZE..=(end - 1) / FRAME_SIZE;
    if frames.all(|frame| core.frames.holds(caller, frame)) { Ok(()) } else { Err(Error::NotBound) }
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
