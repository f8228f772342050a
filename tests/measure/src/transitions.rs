//! How many transitions a run costs, where something counts them.

/// Transitions since some moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// VM exits that the guest caused.
    pub exits: u64,
    /// Loads of CR3; `None` where nothing counts them.
    pub cr3: Option<u64>,
}

impl Counts {
    /// What was added since `before`.
    #[must_use]
    pub fn since(self, before: Counts) -> Counts {
        let cr3 = self.cr3.zip(before.cr3).map(|(after, before)| after.wrapping_sub(before));
        Counts { exits: self.exits.wrapping_sub(before.exits), cr3 }
    }

    /// Adds to what is counted here already.
    pub(crate) fn add(&mut self, more: Counts) {
        self.exits += more.exits;
        self.cr3 = self.cr3.map(|sum| sum + more.cr3.unwrap_or(0));
    }
}

/// What counts transitions. It is asked before and after each run, outside of what is timed.
pub trait Transitions {
    /// Counts so far; `None` where nothing counts.
    fn so_far(&self) -> Option<Counts>;
}

/// Nothing counts: a program under Linux.
#[derive(Clone, Copy, Debug)]
pub struct Uncounted;

impl Transitions for Uncounted {
    fn so_far(&self) -> Option<Counts> {
        None
    }
}
