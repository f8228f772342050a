//! execve(2).

use super::{Call, Outcome, Stop};
use crate::errno::{Errno, Result};
use crate::process::{Arguments, FindProgram, execute};
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
    let [_, path, arguments, environment, ..] = call.arguments();
    let path = call.path(path)?;
    run(call, &path, arguments, environment)
}

struct Finder;

impl FindProgram for Finder {
    fn find(&self, _path: &[u8]) -> Result<alloc::rc::Rc<dyn crate::file::File>> {
        Err(Errno::ENOENT)
    }
}

fn run(call: &Call<'_>, path: &[u8], arguments: u64, environment: u64) -> Outcome {
    let finder = Finder;
    let file = finder.find(path)?;
    let mut given = Arguments { arguments: strings(call, arguments)?, environment: strings(call, environment)? };
    if given.arguments.is_empty() {
        given.arguments.push(Vec::new());
    }
    execute(call.unix, call.thread, path, file, given, &finder)?;
    Err(Stop::GONE)
}
