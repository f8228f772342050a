//! Pipes, ioctl(2), and moving bytes from file to file.

use super::{Call, Outcome, Restart, Stop};
use crate::errno::{Errno, Result};
use crate::file::{Description, OpenFlags};
use crate::fs::{Base, Follow};
use crate::io::Filling;
use crate::pipe::PipeEnd;
use crate::terminal::{Master, Terminal, request};
use alloc::rc::Rc;

fn make_pipe(call: &Call<'_>, at: u64, flags: OpenFlags) -> Outcome {
    let credentials = Rc::clone(&call.thread.credentials.borrow());
    let number = call.unix.next_nameless();
    let kept = flags - OpenFlags::CLOEXEC;
    let [reader, writer] = PipeEnd::pair(number, credentials.file_user(), credentials.group[3], kept);
    let close_on_exec = flags.contains(OpenFlags::CLOEXEC);
    let first = call.add_file(reader, close_on_exec)?;
    let files = call.thread.files();
    let second = match call.add_file(writer, close_on_exec) {
        Ok(second) => second,
        Err(error) => {
            drop(files.borrow_mut().remove(first));
            return Err(error.into());
        }
    };
    if let Err(error) = call.write(at, &[first as u32, second as u32]) {
        let mut files = files.borrow_mut();
        drop((files.remove(first), files.remove(second)));
        return Err(error.into());
    }
    Ok(0)
}

pub(super) fn pipe(call: &Call<'_>) -> Outcome {
    make_pipe(call, call.arguments()[0], OpenFlags::empty())
}

pub(super) fn pipe2(call: &Call<'_>) -> Outcome {
    let flags = OpenFlags::from_bits(call.uint(1)).ok_or(Errno::EINVAL)?;
    if !(OpenFlags::CLOEXEC | OpenFlags::NONBLOCK | OpenFlags::DIRECT).contains(flags) {
        return Err(Errno::EINVAL.into());
    }
    make_pipe(call, call.arguments()[0], flags)
}

pub(super) fn ioctl(call: &Call<'_>) -> Outcome {
    const FIOCLEX: u32 = 0x5451;
    const FIONCLEX: u32 = 0x5450;
    const FIONBIO: u32 = 0x5421;
    let [descriptor, _, argument, ..] = call.arguments();
    let request = call.uint(1);
    let description = call.file(descriptor)?;
    if description.flags().contains(OpenFlags::PATH) {
        return Err(Errno::EBADF.into());
    }
    match request {
        FIOCLEX | FIONCLEX => {
            call.thread.files.borrow().borrow_mut().set_close_on_exec(descriptor, request == FIOCLEX)?;
            Ok(0)
        }
        FIONBIO => {
            let on = call.read::<u32>(argument)? != 0;
            let mut flags = description.flags();
            flags.set(OpenFlags::NONBLOCK, on);
            description.set_flags(flags);
            Ok(0)
        }
        request::TIOCGPTPEER if description.as_kind::<Master>().is_some() => open_peer(call, &description, argument),
        _ => {
            if let Some(terminal) = description.as_kind::<Terminal>()
                && let Some(outcome) = call.unix.control_terminal(call, terminal, request, argument)
            {
                return outcome;
            }
            let file = Rc::clone(description.file());
            Ok(call.with_memory(|memory| file.control(request, argument, memory))?)
        }
    }
}

/// Opens the slave of a master without its name.
fn open_peer(call: &Call<'_>, description: &Description, flags: u64) -> Outcome {
    let flags = OpenFlags::from_bits_truncate(flags as u32);
    let master = description.as_kind::<Master>().ok_or(Errno::ENOTTY)?;
    let terminal = Rc::clone(master.terminal());
    call.unix.open_terminal(call.process(), &terminal, flags);
    let slave = Description::new(terminal, flags);
    let files = call.unix.names_of_files();
    let path = alloc::format!("/dev/pts/{}", master.number());
    if let Ok(place) = files.find(&Base::of_root(files), path.as_bytes(), Follow::Yes) {
        slave.set_place(place);
    }
    Ok(call.add_file(slave, flags.contains(OpenFlags::CLOEXEC))?)
}

/// Bytes that are moved at a time.
const CHUNK: usize = 4096;

/// Moves up to `count` bytes from one file to another, without waiting; how many, and what stopped it.
fn copy(
    from: &Description,
    mut from_at: Option<u64>,
    to: &Description,
    mut to_at: Option<u64>,
    count: usize,
) -> (usize, Result<()>) {
    let mut done = 0;
    let mut buffer = [0; CHUNK];
    while done < count {
        let part = (count - done).min(CHUNK);
        let before = from.offset();
        let mut filling = Filling::new(&mut buffer[..part]);
        let read = match from_at {
            None => from.read(&mut filling),
            Some(at) => from.read_at(at, &mut filling),
        };
        let length = match read {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) => return (done, Err(error)),
        };
        let mut bytes = &buffer[..length];
        let written = match to_at {
            None => to.write(&mut bytes),
            Some(at) => to.write_at(at, &mut bytes),
        };
        let count = *written.as_ref().unwrap_or(&0);
        // What was not taken was not read.
        if from_at.is_none() && count < length {
            from.set_offset(before + count as u64);
        }
        from_at = from_at.map(|at| at + count as u64);
        to_at = to_at.map(|at| at + count as u64);
        done += count;
        if let Err(error) = written {
            return (done, Err(error));
        }
        if count < length {
            break;
        }
    }
    (done, Ok(()))
}

/// The result of a copy, which waits for the destination where nothing could be moved.
fn finish(call: &Call<'_>, done: usize, outcome: Result<()>, to: &Description) -> Outcome {
    match outcome {
        Ok(()) => Ok(done as u64),
        Err(_) if done != 0 => Ok(done as u64),
        Err(Errno::EAGAIN) if !to.never_waits() => match to.file().queue() {
            Some(queue) => {
                call.enter(queue);
                Err(Stop::wait(Restart::IfAsked))
            }
            None => Err(Errno::EAGAIN.into()),
        },
        Err(error) => {
            if error == Errno::EPIPE {
                call.unix.break_pipe(call.thread);
            }
            Err(error.into())
        }
    }
}

pub(super) fn sendfile(call: &Call<'_>) -> Outcome {
    let [to, from, offset_at, count, ..] = call.arguments();
    let (from, to) = (call.file(from)?, call.file(to)?);
    if !from.flags().reads() || !to.flags().writes() {
        return Err(Errno::EBADF.into());
    }
    if !from.file().is_seekable() || to.flags().contains(OpenFlags::APPEND) {
        return Err(Errno::EINVAL.into());
    }
    let offset = if offset_at == 0 { None } else { Some(call.read::<u64>(offset_at)?) };
    let (done, outcome) = copy(&from, offset, &to, None, count.min(0x7fff_f000) as usize);
    if let Some(offset) = offset {
        call.write(offset_at, &(offset + done as u64))?;
    }
    finish(call, done, outcome, &to)
}

pub(super) fn copy_file_range(call: &Call<'_>) -> Outcome {
    let [from, from_at, to, to_at, count, flags] = call.arguments();
    let (from, to) = (call.file(from)?, call.file(to)?);
    if !from.flags().reads() || !to.flags().writes() {
        return Err(Errno::EBADF.into());
    }
    if flags != 0 || !from.file().is_seekable() || !to.file().is_seekable() {
        return Err(Errno::EINVAL.into());
    }
    if to.flags().contains(OpenFlags::APPEND) {
        return Err(Errno::EBADF.into());
    }
    let offset = |at: u64| if at == 0 { Ok(None) } else { call.read::<u64>(at).map(Some) };
    let (from_offset, to_offset) = (offset(from_at)?, offset(to_at)?);
    let (done, outcome) = copy(&from, from_offset, &to, to_offset, count.min(0x7fff_f000) as usize);
    if let Some(offset) = from_offset {
        call.write(from_at, &(offset + done as u64))?;
    }
    if let Some(offset) = to_offset {
        call.write(to_at, &(offset + done as u64))?;
    }
    finish(call, done, outcome, &to)
}
