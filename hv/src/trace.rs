//! The last exits of a vCPU: what a report of its end shows.

/// How many exits are kept.
pub const LENGTH: usize = 16;

/// One exit that reached the run loop.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry {
    /// When, in TSC ticks.
    pub ticks: u64,
    /// The exit reason field.
    pub reason: u32,
    /// The exit qualification.
    pub qualification: u64,
    /// Where the guest was.
    pub rip: u64,
}

/// A ring of the last exits.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    entries: [Entry; LENGTH],
    written: usize,
}

impl Trace {
    /// Notes an exit.
    pub fn push(&mut self, entry: Entry) {
        self.entries[self.written % LENGTH] = entry;
        self.written += 1;
    }

    /// The exits that are kept, newest first.
    pub fn newest_first(&self) -> impl Iterator<Item = &Entry> {
        let kept = self.written.min(LENGTH);
        (0..kept).map(move |age| &self.entries[(self.written - 1 - age) % LENGTH])
    }
}
