//! Input on its way from xtask to the machine's serial line.

use super::Input;
use crate::interrupt;
use exo_abi::console::input::{ESCAPE, Input as Sent};
use std::io::{Read, Write, stdin};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Ctrl-], which ends a run on a terminal.
pub const END_KEY: u8 = 0x1d;
/// How often the window's size is looked at.
const WINDOW: Duration = Duration::from_millis(200);

/// Begins to pass input on.
pub(super) fn begin(input: &Input, mut serial: impl Write + Send + 'static) {
    match input.clone() {
        // Bochs' debugger must find the end of its input, not a terminal.
        Input::None => drop(serial),
        Input::Text(text) => spawn(move || {
            let _machine_gone = serial.write_all(&text).and_then(|()| serial.flush());
            std::thread::park(); // closing the line would be a hang-up
        }),
        Input::Stream => spawn(move || {
            let _machine_gone = pass(&mut stdin(), |bytes| send(&mut serial, bytes))
                .and_then(|()| send(&mut serial, &encoded(Sent::End)));
            std::thread::park();
        }),
        Input::Terminal => {
            let serial = Arc::new(Mutex::new(serial));
            let sizes = Arc::clone(&serial);
            let share = |serial: &Mutex<_>, bytes: &[u8]| {
                send(&mut *serial.lock().unwrap_or_else(PoisonError::into_inner), bytes)
            };
            spawn(move || watch_window(|bytes| share(&sizes, bytes)));
            spawn(move || {
                let _machine_gone = pass(&mut stdin(), |bytes| {
                    let typed = bytes.iter().position(|&byte| byte == END_KEY).map_or(bytes, |end| &bytes[..end]);
                    if typed.len() < bytes.len() {
                        interrupt::request();
                    }
                    share(&serial, typed)
                });
                std::thread::park();
            });
        }
    }
}

fn spawn(work: impl FnOnce() + Send + 'static) {
    std::thread::spawn(work);
}

fn send(serial: &mut impl Write, bytes: &[u8]) -> std::io::Result<()> {
    serial.write_all(bytes)?;
    serial.flush()
}

/// Passes everything from `from` on until it ends, encoded.
fn pass(from: &mut impl Read, mut to: impl FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<()> {
    let mut buffer = [0; 4096];
    loop {
        match from.read(&mut buffer) {
            Ok(0) => return Ok(()),
            Ok(length) => to(&escaped(&buffer[..length]))?,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            // What cannot be read has no more to say.
            Err(_) => return Ok(()),
        }
    }
}

fn escaped(bytes: &[u8]) -> Vec<u8> {
    let mut sent = Vec::with_capacity(bytes.len());
    for &byte in bytes {
        if byte == ESCAPE {
            sent.push(ESCAPE);
        }
        sent.push(byte);
    }
    sent
}

fn encoded(input: Sent) -> Vec<u8> {
    let (bytes, length) = input.encoded();
    bytes[..length].to_vec()
}

/// Sends the size of the window, and again whenever it is another.
fn watch_window(mut send: impl FnMut(&[u8]) -> std::io::Result<()>) {
    let mut last = None;
    loop {
        let size = rustix::termios::tcgetwinsize(stdin()).ok().map(|size| (size.ws_col, size.ws_row));
        if let Some((columns, rows)) = size.filter(|&(columns, rows)| columns != 0 && rows != 0 && last != size)
            && send(&encoded(Sent::Window { columns, rows })).is_err()
        {
            return;
        }
        last = size;
        std::thread::sleep(WINDOW);
    }
}

#[cfg(test)]
mod tests {
    use super::{encoded, pass};
    use exo_abi::console::input::{Input, InputDecoder};

    #[test]
    fn every_byte_comes_through() {
        let bytes: Vec<u8> = (0..=255).chain(*b"\x1e\x1eE\x1e").cycle().take(10_000).collect();
        let mut sent = Vec::new();
        pass(&mut &bytes[..], |part| {
            sent.extend(part);
            Ok(())
        })
        .unwrap();
        sent.extend(encoded(Input::End));
        let mut decoder = InputDecoder::new();
        let read: Vec<Input> = sent.iter().filter_map(|&byte| decoder.push(byte)).collect();
        let expected: Vec<Input> = bytes.iter().map(|&byte| Input::Byte(byte)).chain([Input::End]).collect();
        assert_eq!(read, expected);
    }
}
