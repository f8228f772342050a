//! What is known of a frame, and where it is written down.

/// Words of frames.
pub trait Words {
    /// Word `index` (0..512) of a frame.
    ///
    /// # Safety
    /// The frame was inserted into the pool, and the pool uses it.
    unsafe fn read(&self, frame: u64, index: usize) -> u64;

    /// Replaces a word.
    ///
    /// # Safety
    /// As for [`read`](Self::read).
    unsafe fn write(&mut self, frame: u64, index: usize, word: u64);
}

/// What the pool knows of a frame. The bits: held, and at rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing: it is not the environment's, or not the library's.
    Unknown,
    /// Somebody uses it.
    Used,
    /// Nobody uses it.
    Free,
    /// It was taken away while somebody used it. It stays so until he lets go of it: before, it must not come back under
    /// references that are still there.
    Lost,
}

impl State {
    pub(super) const fn bits(self) -> (bool, bool) {
        match self {
            State::Unknown => (false, false),
            State::Used => (true, false),
            State::Free => (true, true),
            State::Lost => (false, true),
        }
    }

    pub(super) const fn of(held: bool, rests: bool) -> Self {
        match (held, rests) {
            (false, false) => State::Unknown,
            (true, false) => State::Used,
            (true, true) => State::Free,
            (false, true) => State::Lost,
        }
    }
}
