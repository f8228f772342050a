//! How console channels share one byte stream to the host with the kernel's log.
//!
//! Log lines are plain text. A record of console bytes is `[RECORD, channel, stream, length]` followed by
//! `length` (1..=255) bytes. The kernel never writes [`RECORD`] into its log.

pub mod input;

/// First byte of a record.
pub const RECORD: u8 = 0x1e;
/// Most bytes in one record.
pub const RECORD_MAX: usize = 255;

/// What a record's bytes are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Stream {
    /// Ordinary output.
    Output = 1,
    /// Error output.
    Errors = 2,
    /// The environment's exit status, four bytes, little-endian.
    ExitStatus = 3,
}

impl Stream {
    /// The stream with this number, if there is one.
    #[must_use]
    pub const fn from_number(number: u64) -> Option<Stream> {
        match number {
            1 => Some(Stream::Output),
            2 => Some(Stream::Errors),
            3 => Some(Stream::ExitStatus),
            _ => None,
        }
    }
}

/// The four bytes that go before a record's payload. `length` must be 1..=255.
#[must_use]
pub const fn header(channel: u8, stream: Stream, length: u8) -> [u8; 4] {
    [RECORD, channel, stream as u8, length]
}

/// A piece of the decoded stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Piece {
    /// A byte of the kernel's log.
    Log(u8),
    /// A byte of a console channel.
    Console {
        /// Index of the environment.
        channel: u8,
        /// What the byte is part of.
        stream: Stream,
        /// The byte.
        byte: u8,
    },
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Log,
    Channel,
    Stream(u8),
    Length(u8, Option<Stream>),
    Payload(u8, Option<Stream>, u8),
}

/// Takes a stream apart byte by byte. Records with an unknown stream are swallowed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Decoder {
    state: State,
}

impl Decoder {
    /// Feeds one byte.
    pub fn push(&mut self, byte: u8) -> Option<Piece> {
        let (next, piece) = match self.state {
            State::Log if byte == RECORD => (State::Channel, None),
            State::Log => (State::Log, Some(Piece::Log(byte))),
            State::Channel => (State::Stream(byte), None),
            State::Stream(channel) => (State::Length(channel, Stream::from_number(byte.into())), None),
            State::Length(_, _) if byte == 0 => (State::Log, None),
            State::Length(channel, stream) => (State::Payload(channel, stream, byte), None),
            State::Payload(channel, stream, left) => {
                let next = if left == 1 { State::Log } else { State::Payload(channel, stream, left - 1) };
                (next, stream.map(|stream| Piece::Console { channel, stream, byte }))
            }
        };
        self.state = next;
        piece
    }
}
