//! Guest spaces as shootdowns name them.

/// Most guest spaces that one word can name.
pub const MAX_SPACES: u8 = 64;

/// Which guest space, for shootdowns: below [`MAX_SPACES`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SpaceNumber(u8);

impl SpaceNumber {
    /// The space with this number; `None` where there is none.
    #[must_use]
    pub const fn new(number: u8) -> Option<Self> {
        if number < MAX_SPACES { Some(Self(number)) } else { None }
    }

    /// The number.
    #[must_use]
    pub const fn number(self) -> u8 {
        self.0
    }

    /// Its bit in a set of spaces.
    #[must_use]
    pub const fn bit(self) -> u64 {
        1 << self.0
    }
}
