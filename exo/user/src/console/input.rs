//! Reading what is typed, or comes from a file of the host: bytes, the end, the size of the terminal.

use super::INPUT;
use crate::call::{self, Failure};
use crate::frames::{FRAME_BYTES, Frame};
use exo_abi::console::input::{Input, InputDecoder};

/// What has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    /// Nothing, for now.
    Nothing,
    /// So many bytes, at least one.
    Data(usize),
    /// The end: the host will send no more bytes.
    End,
    /// The size of the terminal's window: at the beginning, where there is a terminal, and after each change.
    Window {
        /// Characters in a line.
        columns: u16,
        /// Lines.
        rows: u16,
    },
}

/// What the kernel has given and nobody has read.
pub(super) struct Waiting {
    pub(super) frame: Option<Frame>,
    /// The bytes of the frame that are left.
    left: core::ops::Range<usize>,
    reader: Reader,
}

impl Waiting {
    pub(super) const fn new() -> Self {
        Self { frame: None, left: 0..0, reader: Reader { decoder: InputDecoder::new(), next: None } }
    }

    fn read(&mut self, into: &mut [u8]) -> Result<Read, Failure> {
        let Some(frame) = self.frame.as_mut() else { return Ok(Read::Nothing) };
        self.reader.read(into, || {
            if self.left.is_empty() {
                // SAFETY: the frame is held by this module alone and nothing refers to its bytes here.
                let count = unsafe { call::console_read(frame.physical(), FRAME_BYTES as u64) }?;
                self.left = 0..usize::try_from(count).unwrap_or(0).min(FRAME_BYTES);
            }
            Ok(self.left.next().map(|place| frame.bytes()[place]))
        })
    }
}

/// Where in the encoding the reading stands.
struct Reader {
    decoder: InputDecoder,
    /// What came after the bytes of the last read.
    next: Option<Read>,
}

impl Reader {
    /// Reads bytes from `byte` as long as it has some.
    fn read(
        &mut self,
        into: &mut [u8],
        mut byte: impl FnMut() -> Result<Option<u8>, Failure>,
    ) -> Result<Read, Failure> {
        if let Some(next) = self.next.take() {
            return Ok(next);
        }
        let mut count = 0;
        while count < into.len() {
            let sent = match byte() {
                Ok(Some(sent)) => sent,
                Err(failure) if count == 0 => return Err(failure),
                Ok(None) | Err(_) => break,
            };
            let other = match self.decoder.push(sent) {
                None => continue,
                Some(Input::Byte(byte)) => {
                    into[count] = byte;
                    count += 1;
                    continue;
                }
                Some(Input::End) => Read::End,
                Some(Input::Window { columns, rows }) => Read::Window { columns, rows },
            };
            if count == 0 {
                return Ok(other);
            }
            self.next = Some(other);
            break;
        }
        Ok(if count == 0 { Read::Nothing } else { Read::Data(count) })
    }
}

/// Takes what has come, without waiting: bytes into `into`, or one thing that is not bytes, in the order in which they were sent. After
/// [`Read::Nothing`] the event [`INPUT`](crate::events::INPUT) tells that more has come.
///
/// # Errors
/// As the contract says for a memory argument.
pub fn read_input(into: &mut [u8]) -> Result<Read, Failure> {
    INPUT.lock().read(into)
}

/// Takes the bytes that have come, without waiting, and passes over all else; how many. 0 is no end; after it the event
/// [`INPUT`](crate::events::INPUT) tells that more has come.
///
/// # Errors
/// As the contract says for a memory argument.
pub fn read(into: &mut [u8]) -> Result<usize, Failure> {
    loop {
        match read_input(into)? {
            Read::Nothing => return Ok(0),
            Read::Data(count) => return Ok(count),
            Read::End | Read::Window { .. } => {}
        }
    }
}

#[cfg(test)]
mod tests;
