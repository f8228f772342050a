//! The console of the environment, as a screen and as streams.

use core::any::Any;
use exo_user::abi::console::Stream as Channel;
use exo_user::console;
use libos_unix::errno::Result;
use libos_unix::file::{File, Kind, Status};
use libos_unix::fs;
use libos_unix::io::Source;
use libos_unix::terminal::Line;

/// Bytes that go out at a time.
const CHUNK: usize = 2048;

/// The screen of whoever runs this.
#[derive(Debug)]
pub struct Screen;

impl Line for Screen {
    fn write(&self, bytes: &[u8]) -> usize {
        console::write(Channel::Output, bytes);
        bytes.len()
    }
}

/// A stream to the host, which takes bytes as they are.
#[derive(Debug)]
pub struct Stream(pub Channel);

impl File for Stream {
    fn write(&self, _offset: u64, from: &mut dyn Source) -> Result<usize> {
        let mut buffer = [0; CHUNK];
        let length = from.remaining().min(CHUNK);
        let count = from.take(&mut buffer[..length])?;
        console::write(self.0, &buffer[..count]);
        Ok(count)
    }

    fn status(&self) -> Status {
        let represents = fs::number(5, 1);
        Status { kind: Kind::CharacterDevice, permissions: 0o600, represents, links: 1, ..Status::default() }
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
