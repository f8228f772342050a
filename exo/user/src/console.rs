//! Printing and reading. Output waits until a line ends, so that a line is one call; errors go at once.
//!
//! The kernel takes physical addresses, so bytes pass through frames kept for the purpose.

mod input;

pub use input::{Read, read, read_input};

use crate::call;
use crate::frames::{self, FRAME_BYTES, Frame};
use core::fmt::{Arguments, Result, Write};
use exo_abi::console::Stream;
use input::Waiting;
use spin::{Mutex, MutexGuard};

static OUTPUT: Mutex<Channel> = Mutex::new(Channel::new(Stream::Output));
static ERRORS: Mutex<Channel> = Mutex::new(Channel::new(Stream::Errors));
/// For an exception handler that prints while the code that it interrupted was printing.
static NESTED: Mutex<Channel> = Mutex::new(Channel::new(Stream::Errors));
static INPUT: Mutex<Waiting> = Mutex::new(Waiting::new());

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
    INPUT.lock().frame = frames::allocate();
}

/// The stream's channel, if nobody that this code has interrupted uses it.
fn channel(stream: Stream) -> Option<MutexGuard<'static, Channel>> {
    let home = if stream == Stream::Output { &OUTPUT } else { &ERRORS };
    home.try_lock().or_else(|| NESTED.try_lock())
}

/// Writes bytes to a stream at once, whatever they are.
pub fn write(stream: Stream, bytes: &[u8]) {
    if let Some(mut channel) = channel(stream) {
        channel.push(bytes);
        channel.flush();
    }
}

/// Writes formatted text to a stream; the macros `print!` and `eprintln!` end here.
pub fn print(stream: Stream, text: Arguments<'_>) {
    let Some(mut channel) = channel(stream) else { return };
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
