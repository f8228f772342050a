//! One CPU's linear vector of slices.
//!
//! Time goes round the vector in order of position. A slice whose owner cannot run goes to the next position whose
//! owner can: a fixed rule that anybody can foresee, not a policy.

use crate::environment::EnvironmentId;

/// Positions in a CPU's vector.
pub const SLICE_POSITIONS: usize = 64;

/// The vector. Positions without an owner take no time.
#[derive(Clone, Copy, Debug)]
pub struct SliceVector {
    owners: [Option<EnvironmentId>; SLICE_POSITIONS],
    position: usize,
}

/// Why a position cannot be given out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SliceError {
    /// No such position exists.
    Position,
    /// Another environment has the position.
    Taken,
}

/// The slice that runs next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slice {
    /// Its position in the vector.
    pub position: usize,
    /// Its owner.
    pub owner: EnvironmentId,
}

impl SliceVector {
    /// A vector in which nobody has a slice. The first slice to run is the one at the lowest position.
    #[must_use]
    pub const fn new() -> Self {
        Self { owners: [None; SLICE_POSITIONS], position: SLICE_POSITIONS - 1 }
    }

    /// The owners by position.
    #[must_use]
    pub fn owners(&self) -> &[Option<EnvironmentId>] {
        &self.owners
    }

    /// The position that ran last.
    #[must_use]
    pub fn position(&self) -> usize {
        self.position
    }

    /// How many positions have no owner.
    #[must_use]
    pub fn free(&self) -> usize {
        self.owners.iter().filter(|owner| owner.is_none()).count()
    }

    /// How many slices `owner` has in each round.
    #[must_use]
    pub fn held(&self, owner: EnvironmentId) -> usize {
        self.owners.iter().filter(|&&other| other == Some(owner)).count()
    }

    /// Gives a free position to an owner.
    ///
    /// # Errors
    /// A position that does not exist or has an owner.
    pub fn add(&mut self, position: usize, owner: EnvironmentId) -> Result<(), SliceError> {
        match self.owners.get_mut(position) {
            None => Err(SliceError::Position),
            Some(Some(_)) => Err(SliceError::Taken),
            Some(free) => {
                *free = Some(owner);
                Ok(())
            }
        }
    }

    /// Takes a position away from its owner, who is returned.
    pub fn remove(&mut self, position: usize) -> Option<EnvironmentId> {
        self.owners.get_mut(position)?.take()
    }

    /// Moves on to the next position in vector order whose owner can run; the last resort is the position that ran
    /// last. `None`, and no move, where nobody can run.
    pub fn next(&mut self, runnable: impl Fn(EnvironmentId) -> bool) -> Option<Slice> {
        let order = (1..=SLICE_POSITIONS).map(|step| (self.position + step) % SLICE_POSITIONS);
        let mut slices = order.filter_map(|position| Some(Slice { position, owner: self.owners[position]? }));
        let slice = slices.find(|slice| runnable(slice.owner))?;
        self.position = slice.position;
        Some(slice)
    }

    /// Takes all positions of an owner away.
    pub(crate) fn remove_all(&mut self, owner: EnvironmentId) {
        for place in self.owners.iter_mut().filter(|place| **place == Some(owner)) {
            *place = None;
        }
    }

    /// Gives the `count` lowest free positions to an owner. There must be so many.
    pub(crate) fn add_lowest(&mut self, owner: EnvironmentId, count: usize) {
        for place in self.owners.iter_mut().filter(|place| place.is_none()).take(count) {
            *place = Some(owner);
        }
    }
}

impl Default for SliceVector {
    fn default() -> Self {
        Self::new()
    }
}
