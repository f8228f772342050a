//! Looking for frames, word by word.

use super::{CHUNK, Chunk, Pool, State, Words, split};

impl<W: Words> Pool<W> {
    /// The next free frame from `frame` on.
    pub(super) fn next_free(&self, frame: u64) -> Option<u64> {
        let mut at = frame;
        loop {
            let (chunk, word, bit) = split(at)?;
            let Chunk { bits, free } = self.chunks[chunk];
            if bits == 0 || free == 0 {
                at = (at / CHUNK + 1) * CHUNK;
                continue;
            }
            let (held, rests) = self.planes(bits, word);
            let left = held & rests & !(bit - 1);
            if left != 0 {
                return Some(at / 64 * 64 + u64::from(left.trailing_zeros()));
            }
            at = (at / 64 + 1) * 64;
        }
    }

    /// How many frames from `frame` on are free, up to `most`.
    pub(super) fn free_from(&self, frame: u64, most: u64) -> u64 {
        (frame..frame.saturating_add(most)).take_while(|&frame| self.state(frame) == State::Free).count() as u64
    }

    /// The next frame from `frame` on that is held, free or not.
    pub fn next_held(&self, frame: u64) -> Option<u64> {
        let mut at = frame;
        loop {
            let (chunk, word, bit) = split(at)?;
            let bits = self.chunks[chunk].bits;
            if bits == 0 {
                at = (at / CHUNK + 1) * CHUNK;
                continue;
            }
            let left = self.planes(bits, word).0 & !(bit - 1);
            if left != 0 {
                return Some(at / 64 * 64 + u64::from(left.trailing_zeros()));
            }
            at = (at / 64 + 1) * 64;
        }
    }
}
