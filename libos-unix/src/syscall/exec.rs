//! execve(2).

use super::paths::{HERE, at};
use super::{Call, Outcome, Stop};
use crate::errno::{Errno, Result};
use crate::file::{File, Kind};
use crate::fs::{Access, NodeFile, Place};
use crate::process::{Arguments, FindProgram, execute};
use alloc::rc::Rc;
use alloc::vec::Vec;

/// Bytes of one string, at most (Linux: MAX_ARG_STRLEN).
const MOST_BYTES: usize = 131_072;
/// Strings, at most; what they may take together is up to the stack.
const MOST_STRINGS: usize = 0x4_0000;

/// The strings that an array of pointers leads to, up to a null pointer.
fn strings(call: &Call<'_>, mut at: u64) -> Result<Vec<Vec<u8>>> {
    let mut strings = Vec::new();
    if at == 0 {
        return Ok(strings);
    }
    loop {
        let pointer: u64 = call.read(at)?;
        if pointer == 0 {
            return Ok(strings);
        }
        if strings.len() == MOST_STRINGS {
            return Err(Errno::E2BIG);
        }
        strings.push(call.string(pointer, MOST_BYTES, Errno::E2BIG)?);
        at = at.wrapping_add(8);
    }
}

pub(super) fn execve(call: &Call<'_>) -> Outcome {
    let [path, arguments, environment, ..] = call.arguments();
    let path = call.path(path)?;
    run(call, &path, arguments, environment)
}

pub(super) fn execveat(call: &Call<'_>) -> Outcome {
    let [descriptor, path, arguments, environment, ..] = call.arguments();
    let path = call.path(path)?;
    let flags = call.uint(4);
    if flags & !(at::EMPTY_PATH | at::SYMLINK_NOFOLLOW) != 0 {
        return Err(Errno::EINVAL.into());
    }
    let place = call.find(descriptor, &path, flags)?;
    if place.inode.kind() == Kind::Link {
        return Err(Errno::ELOOP.into());
    }
    let file = Finder { call }.check(place)?;
    run_file(call, &path, file, arguments, environment)
}

struct Finder<'c> {
    call: &'c Call<'c>,
}

impl Finder<'_> {
    /// A regular file that the caller may execute.
    fn check(&self, place: Place) -> Result<Rc<dyn File>> {
        if place.inode.kind() != Kind::Regular {
            return Err(Errno::EACCES);
        }
        let credentials = Rc::clone(&self.call.thread.credentials.borrow());
        self.call.unix.names_of_files().check(&credentials, &place, Access::EXECUTE)?;
        Ok(Rc::new(NodeFile::new(place)))
    }
}

impl FindProgram for Finder<'_> {
    fn find(&self, path: &[u8]) -> Result<Rc<dyn File>> {
        self.check(self.call.find(HERE, path, 0)?)
    }
}

fn run(call: &Call<'_>, path: &[u8], arguments: u64, environment: u64) -> Outcome {
    let file = Finder { call }.find(path)?;
    run_file(call, path, file, arguments, environment)
}

fn run_file(call: &Call<'_>, path: &[u8], file: Rc<dyn File>, arguments: u64, environment: u64) -> Outcome {
    let mut given = Arguments { arguments: strings(call, arguments)?, environment: strings(call, environment)? };
    if given.arguments.is_empty() {
        given.arguments.push(Vec::new());
    }
    execute(call.unix, call.thread, path, file, given, &Finder { call })?;
    Err(Stop::GONE)
}
