//! Why the manifest cannot be carried out.

use crate::frames::FrameError;
use core::fmt;

/// Why an environment of the manifest cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateError {
    /// The name is empty or longer than 32 bytes.
    Name,
    /// Another environment has the input.
    InputTaken,
    /// The table is full.
    TableFull,
    /// More is guaranteed than the machine has.
    Guarantee,
    /// The reserve does not suffice.
    Reserve,
    /// The CPU's slice vector has not so many free places, or the machine no such CPU.
    Slices,
    /// Its frames cannot be had.
    Frames(FrameError),
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("the name is empty or too long"),
            Self::InputTaken => f.write_str("another environment has the input"),
            Self::TableFull => f.write_str("the table of environments is full"),
            Self::Guarantee => f.write_str("more memory is guaranteed than the machine has"),
            Self::Reserve => f.write_str("the metadata reserve does not suffice"),
            Self::Slices => f.write_str("the CPU's slice vector is full, or the machine has no such CPU"),
            Self::Frames(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for CreateError {}
