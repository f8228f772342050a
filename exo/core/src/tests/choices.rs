//! Where the decisions of a sequence come from: a seed, or bytes of a fuzzer.

use std::vec::Vec;

#[derive(Clone, Debug)]
pub(crate) enum Choices<'b> {
    Seed(u64),
    Bytes(&'b [u8]),
}

impl Choices<'_> {
    /// Whether there is nothing left to decide with.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Bytes([]))
    }

    /// Any word; 0 where there are no bytes left.
    pub(crate) fn word(&mut self) -> u64 {
        match self {
            // SplitMix64.
            Self::Seed(state) => {
                *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
                let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
                let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
                mixed ^ (mixed >> 31)
            }
            Self::Bytes(_) => (0..8).fold(0, |word, _| word << 8 | u64::from(self.byte())),
        }
    }

    fn byte(&mut self) -> u8 {
        match self {
            Self::Seed(_) => self.word() as u8,
            Self::Bytes(bytes) => match bytes {
                [first, rest @ ..] => {
                    let first = *first;
                    *bytes = rest;
                    first
                }
                [] => 0,
            },
        }
    }

    /// A number below `limit`.
    pub(crate) fn below(&mut self, limit: u64) -> u64 {
        match limit {
            0 | 1 => 0,
            2..=256 => match self {
                Self::Seed(_) => self.word() % limit,
                Self::Bytes(_) => u64::from(self.byte()) % limit,
            },
            _ => self.word() % limit,
        }
    }

    /// Once in so many times.
    pub(crate) fn once_in(&mut self, times: u64) -> bool {
        self.below(times) == times - 1
    }

    /// One of these.
    pub(crate) fn one<T: Clone>(&mut self, of: &[T]) -> Option<T> {
        of.get(self.below(of.len() as u64) as usize).cloned()
    }

    /// One of what comes.
    pub(crate) fn any<T: Clone>(&mut self, of: impl IntoIterator<Item = T>) -> Option<T> {
        self.one(&of.into_iter().collect::<Vec<_>>())
    }

    /// One of these by weight.
    pub(crate) fn weighted<T: Copy>(&mut self, of: &[(u64, T)]) -> T {
        let mut left = self.below(of.iter().map(|(weight, _)| weight).sum());
        for &(weight, what) in of {
            if left < weight {
                return what;
            }
            left -= weight;
        }
        of[0].1
    }
}
