//! The record of one frame, and how many frames are in each state.

use crate::environment::EnvironmentId;

/// What a frame is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum FrameState {
    /// Not memory that may ever be given out.
    #[default]
    Unusable,
    /// The kernel's own.
    Kernel,
    /// Nobody's.
    Free {
        /// Every byte is zero.
        clean: bool,
    },
    /// An environment's.
    Owned(EnvironmentId),
    /// Taken from an environment that ended, but a CPU may still hold a translation to it.
    Quarantined(EnvironmentId),
}

/// The record of one frame.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameRecord {
    pub(super) state: FrameState,
}

impl FrameRecord {
    /// A record that says nothing yet: to fill the storage of a [`FrameTable`].
    pub const UNUSABLE: Self = Self { state: FrameState::Unusable };
}

/// How many frames are in each state.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FrameCounts {
    /// In [`FrameState::Unusable`].
    pub unusable: u64,
    /// In [`FrameState::Kernel`].
    pub kernel: u64,
    /// Free and zeroed.
    pub free_clean: u64,
    /// Free and to be zeroed before anybody sees them.
    pub free_dirty: u64,
    /// In [`FrameState::Owned`].
    pub owned: u64,
    /// In [`FrameState::Quarantined`].
    pub quarantined: u64,
}

impl FrameCounts {
    pub(crate) fn of(&mut self, state: FrameState) -> &mut u64 {
        match state {
            FrameState::Unusable => &mut self.unusable,
            FrameState::Kernel => &mut self.kernel,
            FrameState::Free { clean: true } => &mut self.free_clean,
            FrameState::Free { clean: false } => &mut self.free_dirty,
            FrameState::Owned(_) => &mut self.owned,
            FrameState::Quarantined(_) => &mut self.quarantined,
        }
    }
}
