//! Frames on the move: what a move gives, what it must be followed by, and why it may not happen.

use crate::environment::EnvironmentId;
use core::fmt;
use exo_abi::boot_page::FrameRun;

/// Why frames cannot be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameError {
    /// A run of no frames.
    EmptyRun,
    /// The alignment is not a power of two.
    Alignment,
    /// No run of free frames is long enough at that alignment.
    NoRun,
    /// A run reaches beyond the table.
    OutsideTable,
    /// A frame has been declared before.
    Declared {
        /// Its number.
        frame: u64,
    },
    /// The owner to be is not a running environment.
    Owner,
}

impl fmt::Display for FrameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::EmptyRun => f.write_str("a run has no frames"),
            Self::Alignment => f.write_str("the alignment is not a power of two"),
            Self::NoRun => f.write_str("no run of free frames is long enough at that alignment"),
            Self::OutsideTable => f.write_str("a run reaches beyond the machine's frames"),
            Self::Declared { frame } => write!(f, "frame {frame} has been declared before"),
            Self::Owner => f.write_str("the owner to be is not a running environment"),
        }
    }
}

impl core::error::Error for FrameError {}

/// Frames that have just got an owner. The owner must not see the dirty ones before they are zeroed.
#[must_use = "dirty frames must be zeroed before their new owner sees them"]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allocation {
    /// The frames.
    pub run: FrameRun,
    /// How many of them are dirty; where it is not 0, zero them all.
    pub dirty: u64,
}

/// Frames on their way out. Flush them from every CPU, then give this back to
/// [`Core::finish_release`](crate::Core::finish_release).
#[must_use = "quarantined frames stay so until the release is finished"]
#[derive(Debug, PartialEq, Eq)]
pub struct Release {
    pub(super) owner: EnvironmentId,
    pub(super) frames: u64,
}

impl Release {
    /// The environment that had the frames.
    #[must_use]
    pub fn owner(&self) -> EnvironmentId {
        self.owner
    }

    /// How many frames.
    #[must_use]
    pub fn frames(&self) -> u64 {
        self.frames
    }
}
