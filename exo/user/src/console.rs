//! Printing and reading. Output waits until a line ends, so that a line is one call; errors go at once.
//!
//! The kernel takes physical addresses, so bytes pass through frames kept for the purpose.

use crate::call::{self, Failure};
use crate::frames::{self, FRAME_BYTES, Frame};
use core::fmt::{Arguments, Result, Write};
use exo_abi::console::Stream;
use spin::Mutex;

static OUTPUT: Mutex<Channel> = Mutex::new(Channel::new(Stream::Output));
static ERRORS: Mutex<Channel> = Mutex::new(Channel::new(Stream::Errors));
/// For an exception handler that prints while the code that it interrupted was printing.
static NESTED: Mutex<Channel> = Mutex::new(Channel::new(Stream::Errors));
static INPUT: Mutex<Option<Frame>> = Mutex::new(None);

struct Channel {
    stream: Stream,
    frame: Option<Frame>,
    length: usize,
}

impl Channel {
    const fn new(stream: Stream) -> Channel {
        Channel { stream, frame: None, length: 0 }
    }

    fn push(&mut self, bytes: &[u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            if self.length == FRAME_BYTES {
                self.flush();
            }
            let Some(frame) = &mut self.frame else { return };
            let (now, later) = rest.split_at(rest.len().min(FRAME_BYTES - self.length));
            frame.bytes()[self.length..self.length + now.len()].copy_from_slice(now);
            self.length += now.len();
            rest = later;
        }
    }

    fn ends_line(&mut self) -> bool {
        let Some(last) = self.length.checked_sub(1) else { return false };
        self.frame.as_mut().is_some_and(|frame| frame.bytes()[last] == b'\n')
    }

    fn flush(&mut self) {
        let mut sent = 0;
        let length = core::mem::take(&mut self.length) as u64;
        let Some(frame) = &self.frame else { return };
        while sent < length {
            match call::console_write(self.stream, frame.physical() + sent, length - sent) {
                Ok(taken) if taken > 0 => sent += taken,
                // There is nowhere left to complain to.
                _ => return,
            }
        }
    }
}

impl Write for Channel {
    fn write_str(&mut self, text: &str) -> Result {
        self.push(text.as_bytes());
        Ok(())
    }
}

pub(crate) fn initialise() {
    for channel in [&OUTPUT, &ERRORS, &NESTED] {
        channel.lock().frame = frames::allocate();
    }
    *INPUT.lock() = frames::allocate();
}

/// Writes bytes and formatted text to a stream; the macros `print!` and `eprintln!` end here.
pub fn print(stream: Stream, text: Arguments<'_>) {
    let home = if stream == Stream::Output { &OUTPUT } else { &ERRORS };
    let Some(mut channel) = home.try_lock().or_else(|| NESTED.try_lock()) else { return };
    // A `Channel` never fails; an error can only come from a `Display` implementation, and there is no one to tell.
    let _ = channel.write_fmt(text);
    if stream != Stream::Output || channel.ends_line() {
        channel.flush();
    }
}

/// Sends output that waits for the end of its line.
pub fn flush() {
    if let Some(mut channel) = OUTPUT.try_lock() {
        channel.flush();
    }
}

/// Takes what has been typed, without waiting; how many bytes came.
///
/// # Errors
/// As the contract says for a memory argument.
pub fn read(into: &mut [u8]) -> core::result::Result<usize, Failure> {
    let mut input = INPUT.lock();
    let Some(frame) = input.as_mut() else { return Ok(0) };
    let wanted = into.len().min(FRAME_BYTES);
    // SAFETY: the frame is held by this module alone and nothing refers to its bytes here.
    let count = unsafe { call::console_read(frame.physical(), wanted as u64) }?;
    let count = usize::try_from(count).unwrap_or(wanted).min(wanted);
    into[..count].copy_from_slice(&frame.bytes()[..count]);
    Ok(count)
}

/// Prints to the output stream.
#[macro_export]
macro_rules! print {
    ($($argument:tt)*) => {
        $crate::console::print($crate::abi::console::Stream::Output, ::core::format_args!($($argument)*))
    };
}

/// Prints a line to the output stream.
#[macro_export]
macro_rules! println {
    () => { $crate::print!("\n") };
    ($format:literal $($argument:tt)*) => { $crate::print!("{}\n", ::core::format_args!($format $($argument)*)) };
}

/// Prints a line to the errors stream.
#[macro_export]
macro_rules! eprintln {
    ($format:literal $($argument:tt)*) => {
        $crate::console::print(
            $crate::abi::console::Stream::Errors,
            ::core::format_args!("{}\n", ::core::format_args!($format $($argument)*)),
        )
    };
}
