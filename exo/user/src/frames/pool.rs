//! Which frames the library holds, which of them are free, and which were taken away while somebody used them.
//!
//! Two bits for each frame, in frames of its own: one for each 64 MiB of physical addresses in which the environment holds anything.

mod search;
mod state;
#[cfg(test)]
pub(crate) mod tests;

pub use state::{State, Words};

use exo_abi::boot_page::FrameRun;

/// Frames that one frame of bits describes.
const CHUNK: u64 = 1 << 14;
/// Words of one plane of bits.
const PLANE: usize = 256;
/// Chunks that are kept: 64 GiB of physical addresses. What lies beyond is not for the pool.
const CHUNKS: usize = 1024;

#[derive(Clone, Copy, Debug)]
struct Chunk {
    /// The frame of its bits; 0 where there is none. Frame 0 is never an environment's.
    bits: u64,
    free: u64,
}

/// The frames that the library holds.
#[derive(Debug)]
pub struct Pool<W> {
    words: W,
    chunks: [Chunk; CHUNKS],
    free: u64,
    lost: u64,
    /// No frame before this one is free.
    first: u64,
}

const fn one(frame: u64) -> FrameRun {
    FrameRun { first: frame, count: 1 }
}

fn split(frame: u64) -> Option<(usize, usize, u64)> {
    let chunk = usize::try_from(frame / CHUNK).ok().filter(|&chunk| chunk < CHUNKS)?;
    let inside = frame % CHUNK;
    Some((chunk, usize::try_from(inside / 64).ok()?, 1 << (inside % 64)))
}

impl<W: Words> Pool<W> {
    /// An empty one.
    pub const fn new(words: W) -> Self {
        Self { words, chunks: [Chunk { bits: 0, free: 0 }; CHUNKS], free: 0, lost: 0, first: 0 }
    }

    /// How many frames are free.
    pub const fn free(&self) -> u64 {
        self.free
    }

    /// How many frames are lost and still in use.
    pub const fn lost(&self) -> u64 {
        self.lost
    }

    fn planes(&self, bits: u64, word: usize) -> (u64, u64) {
        // SAFETY: the frame of a chunk's bits is the pool's own, and a plane has this many words.
        unsafe { (self.words.read(bits, word), self.words.read(bits, PLANE + word)) }
    }

    /// What is known of a frame.
    pub fn state(&self, frame: u64) -> State {
        let place = split(frame).filter(|&(chunk, ..)| self.chunks[chunk].bits != 0);
        place.map_or(State::Unknown, |(chunk, word, bit)| {
            let (held, rests) = self.planes(self.chunks[chunk].bits, word);
            State::of(held & bit != 0, rests & bit != 0)
        })
    }

    /// Sets the state of frames, word by word. Where a chunk has no bits, nothing is known of its frames.
    fn set(&mut self, run: FrameRun, state: State) {
        let (mut at, end) = (run.first, run.first.saturating_add(run.count));
        while let Some((chunk, word, bit)) = split(at).filter(|_| at < end) {
            let next = (at / 64 + 1) * 64;
            let above = if next <= end { 0 } else { !0 << (end % 64) };
            if self.chunks[chunk].bits != 0 {
                self.set_word(chunk, word, !(bit - 1) & !above, state);
            }
            at = next;
        }
    }

    fn set_word(&mut self, chunk: usize, word: usize, mask: u64, state: State) {
        let bits = self.chunks[chunk].bits;
        let (held, rests) = self.planes(bits, word);
        let with = |plane: u64, on: bool| if on { plane | mask } else { plane & !mask };
        let (is_held, is_at_rest) = state.bits();
        // SAFETY: as for `planes`.
        unsafe {
            self.words.write(bits, word, with(held, is_held));
            self.words.write(bits, PLANE + word, with(rests, is_at_rest));
        }
        let were_free = u64::from((held & rests & mask).count_ones());
        let are_free = if state == State::Free { u64::from(mask.count_ones()) } else { 0 };
        self.lost -= u64::from((!held & rests & mask).count_ones());
        self.lost += if state == State::Lost { u64::from(mask.count_ones()) } else { 0 };
        self.chunks[chunk].free = self.chunks[chunk].free + are_free - were_free;
        self.free = self.free + are_free - were_free;
        if are_free != 0 {
            self.first = self.first.min(chunk as u64 * CHUNK + word as u64 * 64);
        }
    }

    fn keep_bits(&mut self, chunk: usize, frame: u64) {
        for index in 0..2 * PLANE {
            // SAFETY: the caller gives the frame to the pool.
            unsafe { self.words.write(frame, index, 0) };
        }
        self.chunks[chunk].bits = frame;
        self.set(one(frame), State::Used);
    }

    /// Puts new frames in, free. Where a chunk has no bits yet, its first frame is used for them. How many went in: less than all
    /// where some lie beyond what the pool keeps.
    pub fn insert(&mut self, run: FrameRun) -> u64 {
        let (mut at, end) = (run.first, run.first.saturating_add(run.count));
        while let Some((chunk, ..)) = split(at).filter(|_| at < end) {
            let next = end.min((at / CHUNK + 1) * CHUNK);
            if self.chunks[chunk].bits == 0 {
                self.keep_bits(chunk, at);
                at += 1;
            }
            self.set(FrameRun { first: at, count: next - at }, State::Free);
            at = next;
        }
        at - run.first
    }

    /// Notes frames that somebody uses and that never were free here; `false`, and nothing, where no frame is left for the bits.
    pub fn hold(&mut self, run: FrameRun) -> bool {
        let end = run.first.saturating_add(run.count);
        let chunks = run.first / CHUNK..end.div_ceil(CHUNK);
        for chunk in chunks.filter_map(|chunk| usize::try_from(chunk).ok()) {
            if self.chunks.get(chunk).is_some_and(|chunk| chunk.bits == 0) {
                let Some(frame) = self.take(1, 1) else { return false };
                self.keep_bits(chunk, frame);
            }
        }
        self.set(run, State::Used);
        true
    }

    /// Takes `count` free frames in a row, the first a multiple of `alignment`: the lowest there are.
    pub fn take(&mut self, count: u64, alignment: u64) -> Option<u64> {
        if count == 0 {
            return None;
        }
        let mut at = self.first;
        loop {
            let free = self.next_free(at)?;
            if at == self.first {
                self.first = free;
            }
            at = free.next_multiple_of(alignment.max(1));
            let row = self.free_from(at, count);
            if row == count {
                self.set(FrameRun { first: at, count }, State::Used);
                return Some(at);
            }
            at += row + 1;
        }
    }

    /// Somebody no longer uses frames. One that was lost is forgotten. `false` where one was not in use; the others come back.
    pub fn give_back(&mut self, run: FrameRun) -> bool {
        let mut all = true;
        for frame in run.first..run.first + run.count {
            match self.state(frame) {
                State::Used => self.set(one(frame), State::Free),
                State::Lost => self.set(one(frame), State::Unknown),
                State::Free | State::Unknown => all = false,
            }
        }
        all
    }

    /// Takes the lowest run of free frames out that lies in a range and of which each is one to be `let_go`, at most `most` frames: they
    /// are not the library's any more.
    pub fn withdraw(
        &mut self,
        range: core::ops::Range<u64>,
        most: u64,
        let_go: impl Fn(u64) -> bool,
    ) -> Option<FrameRun> {
        let mut first = self.next_free(range.start).filter(|_| most != 0)?;
        while first < range.end && !let_go(first) {
            first = self.next_free(first + 1)?;
        }
        let free = self.free_from(first, most.min(range.end.saturating_sub(first)));
        let count = (first..first + free).take_while(|&frame| let_go(frame)).count() as u64;
        let run = FrameRun { first, count };
        self.forget(run);
        (count != 0).then_some(run)
    }

    /// Nobody uses these frames, and they are not the library's any more.
    pub fn forget(&mut self, run: FrameRun) {
        self.set(run, State::Unknown);
    }

    /// A frame was taken away.
    pub fn lose(&mut self, frame: u64) {
        match self.state(frame) {
            State::Free => self.set(one(frame), State::Unknown),
            State::Used => self.set(one(frame), State::Lost),
            State::Unknown | State::Lost => {}
        }
    }
}
