//! Numbers of processes and threads.

use core::cell::Cell;

/// Numbers are below this (Linux: kernel.pid_max).
pub const LIMIT: u32 = 32_768;
/// After the highest number it goes on here.
const AGAIN: u32 = 300;

/// Hands out numbers in ascending order, so that a number comes again as late as possible.
#[derive(Debug)]
pub struct Identifiers {
    next: Cell<u32>,
}

impl Default for Identifiers {
    fn default() -> Self {
        Self { next: Cell::new(1) }
    }
}

impl Identifiers {
    /// A number that is not in use; `None` where all are.
    pub fn take(&self, in_use: impl Fn(u32) -> bool) -> Option<u32> {
        for _ in 0..LIMIT {
            let number = self.next.get();
            self.next.set(if number + 1 >= LIMIT { AGAIN } else { number + 1 });
            if !in_use(number) {
                return Some(number);
            }
        }
        None
    }

    /// The last one handed out.
    #[must_use]
    pub const fn last(&self) -> u32 {
        self.next.get() - 1
    }
}
