//! How many virtual CPUs each space has: it does not end before them.

use crate::shootdown::{MAX_SPACES, SpaceNumber};
use core::sync::atomic::{AtomicU32, Ordering};

static OCCUPANTS: [AtomicU32; MAX_SPACES as usize] = [const { AtomicU32::new(0) }; MAX_SPACES as usize];

fn of(space: SpaceNumber) -> &'static AtomicU32 {
    &OCCUPANTS[usize::from(space.number())]
}

/// Whether a space has any.
pub(super) fn any(space: SpaceNumber) -> bool {
    // Acquire: the last one has left the CPU before the space ends. Nobody makes one meanwhile, since that borrows the space.
    of(space).load(Ordering::Acquire) != 0
}

/// A virtual CPU's place in its space.
#[derive(Debug)]
pub(crate) struct Occupant(SpaceNumber);

impl Occupant {
    pub(crate) fn of(space: &super::GuestSpace) -> Self {
        of(space.number).fetch_add(1, Ordering::Relaxed); // the borrow orders it before the space's end
        Self(space.number)
    }

    pub(crate) const fn space(&self) -> SpaceNumber {
        self.0
    }
}

impl Drop for Occupant {
    fn drop(&mut self) {
        of(self.0).fetch_sub(1, Ordering::Release);
    }
}
