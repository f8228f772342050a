//! How the host sends more than bytes to the environment that has the input.
//!
//! A byte stands for itself, but [`ESCAPE`]. After it comes [`ESCAPE`] again for that byte, [`END`] for the end of the input, or
//! [`WINDOW`] and four bytes of any value, columns and rows of the terminal, each little-endian. The kernel passes all of it on as
//! it is. Whatever else follows [`ESCAPE`] has no meaning yet and is passed over.

/// What makes the next byte mean something else.
pub const ESCAPE: u8 = 0x1e;
/// After [`ESCAPE`]: nothing more will come.
pub const END: u8 = b'E';
/// After [`ESCAPE`]: the size of the terminal's window follows.
pub const WINDOW: u8 = b'W';

/// What was sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// A byte.
    Byte(u8),
    /// Nothing more will come.
    End,
    /// The terminal's window has this size.
    Window {
        /// Characters in a line.
        columns: u16,
        /// Lines.
        rows: u16,
    },
}

#[derive(Clone, Copy, Debug, Default)]
enum State {
    #[default]
    Plain,
    Escaped,
    Window {
        length: usize,
        size: [u8; 4],
    },
}

/// Takes input apart byte by byte.
#[derive(Clone, Copy, Debug, Default)]
pub struct InputDecoder {
    state: State,
}

impl InputDecoder {
    /// In the middle of nothing.
    #[must_use]
    pub const fn new() -> Self {
        Self { state: State::Plain }
    }

    /// Feeds one byte.
    pub fn push(&mut self, byte: u8) -> Option<Input> {
        let (next, input) = match (self.state, byte) {
            (State::Plain, ESCAPE) => (State::Escaped, None),
            (State::Plain, byte) => (State::Plain, Some(Input::Byte(byte))),
            (State::Escaped, ESCAPE) => (State::Plain, Some(Input::Byte(ESCAPE))),
            (State::Escaped, END) => (State::Plain, Some(Input::End)),
            (State::Escaped, WINDOW) => (State::Window { length: 0, size: [0; 4] }, None),
            (State::Escaped, _) => (State::Plain, None),
            (State::Window { length, mut size }, byte) => {
                size[length] = byte;
                let [low, high, rows_low, rows_high] = size;
                let window = Input::Window {
                    columns: u16::from_le_bytes([low, high]),
                    rows: u16::from_le_bytes([rows_low, rows_high]),
                };
                match length {
                    3 => (State::Plain, Some(window)),
                    _ => (State::Window { length: length + 1, size }, None),
                }
            }
        };
        self.state = next;
        input
    }
}

impl Input {
    /// How it is sent: the first so many of the bytes.
    #[must_use]
    pub const fn encoded(self) -> ([u8; 6], usize) {
        match self {
            Self::Byte(ESCAPE) => ([ESCAPE, ESCAPE, 0, 0, 0, 0], 2),
            Self::Byte(byte) => ([byte, 0, 0, 0, 0, 0], 1),
            Self::End => ([ESCAPE, END, 0, 0, 0, 0], 2),
            Self::Window { columns, rows } => {
                let ([low, high], [rows_low, rows_high]) = (columns.to_le_bytes(), rows.to_le_bytes());
                ([ESCAPE, WINDOW, low, high, rows_low, rows_high], 6)
            }
        }
    }
}
