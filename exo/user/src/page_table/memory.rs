//! Where page tables live.

/// Words in a table.
pub const ENTRIES: usize = 512;

/// Memory of page tables. Tables are named by their physical address.
pub trait TableMemory {
    /// A word of a table.
    ///
    /// # Safety
    /// `table` came from [`take`](Self::take) and was not given back, or is a table that this memory was said to hold, and
    /// `index` is less than [`ENTRIES`].
    unsafe fn read(&self, table: u64, index: usize) -> u64;

    /// Replaces a word of a table by what `change` makes of it, at once as CPUs see it; the old word. `change` is called again
    /// where a CPU has set accessed or dirty bits meanwhile.
    ///
    /// # Safety
    /// As for [`read`](Self::read).
    unsafe fn update(&mut self, table: u64, index: usize, change: impl Fn(u64) -> u64) -> u64;

    /// A table of zeros.
    fn take(&mut self) -> Option<u64>;

    /// Takes a table back that no CPU can reach any more.
    ///
    /// # Safety
    /// It came from [`take`](Self::take), and nobody uses it.
    unsafe fn give(&mut self, table: u64);
}

impl<M: TableMemory> TableMemory for &mut M {
    unsafe fn read(&self, table: u64, index: usize) -> u64 {
        // SAFETY: the caller's promise is the same.
        unsafe { (**self).read(table, index) }
    }

    unsafe fn update(&mut self, table: u64, index: usize, change: impl Fn(u64) -> u64) -> u64 {
        // SAFETY: the caller's promise is the same.
        unsafe { (**self).update(table, index, change) }
    }

    fn take(&mut self) -> Option<u64> {
        (**self).take()
    }

    unsafe fn give(&mut self, table: u64) {
        // SAFETY: the caller's promise is the same.
        unsafe { (**self).give(table) }
    }
}
