//! What a new environment is to be, and why it cannot.

use core::fmt;

/// What a new environment is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewEnvironment<'a> {
    /// Its name in reports, 1..=32 bytes.
    pub name: &'a str,
    /// The CPU that runs it.
    pub cpu: u32,
    /// Slices in each round of that CPU's slice vector, 1..=16.
    pub slices: u32,
    /// The run does not wait for it to end.
    pub background: bool,
    /// It gets what is typed at the console.
    pub input: bool,
}

/// Why an environment cannot be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateError {
    /// The name is empty or longer than 32 bytes.
    Name,
    /// No CPU has this number.
    Cpu,
    /// Not 1..=16 slices.
    Slices,
    /// Another environment has the input.
    InputTaken,
    /// The table is full.
    TableFull,
    /// The CPU's slice vector has not so many free places.
    VectorFull,
}

impl fmt::Display for CreateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Name => "the name is empty or too long",
            Self::Cpu => "no CPU has this number",
            Self::Slices => "the number of slices is not 1 to 16",
            Self::InputTaken => "another environment has the input",
            Self::TableFull => "the table of environments is full",
            Self::VectorFull => "the CPU's slice vector is full",
        })
    }
}

impl core::error::Error for CreateError {}
