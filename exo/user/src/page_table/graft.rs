//! Tables that somebody else keeps and edits, put into a tree.

use super::flush::Flush;
use super::memory::TableMemory;
use super::tree::{PageTable, checked};
use super::walk::{PASS, span};
use super::{Flags, MapError};

fn each(start: u64, end: u64, step: u64) -> impl Iterator<Item = u64> {
    core::iter::successors(Some(start), move |at| at.checked_add(step)).take_while(move |&at| at < end)
}

impl<M: TableMemory> PageTable<M> {
    /// Has the tables from `first` on, one frame after the other, map a range as its last level but `level - 1`. `flags` are what their
    /// entries may need of the tables above.
    ///
    /// # Errors
    /// [`MapError::Misaligned`] where the range is not one of whole tables; [`MapError::Occupied`] where there is a table already;
    /// [`MapError::NoFrame`]. The tree maps what it did then.
    ///
    /// # Safety
    /// (1) The tables are of that level, and stay until they are [taken out](Self::ungraft); (2) as for [`map`](Self::map), whatever is
    /// put into them.
    pub(crate) unsafe fn graft(
        &mut self,
        address: u64,
        bytes: u64,
        level: u32,
        first: u64,
        flags: Flags,
    ) -> Result<Flush, MapError> {
        let step = span(level + 1);
        let (start, end) = checked(address, bytes)?;
        if !start.is_multiple_of(step) || !end.is_multiple_of(step) {
            return Err(MapError::Misaligned);
        }
        let mut flush = Flush::default();
        for at in each(start, end, step) {
            let place = self.find(at);
            if place.leaf || place.level <= level {
                return Err(MapError::Occupied);
            }
            self.make_way(at, level + 1, flags, &mut flush)?;
        }
        let pass = PASS | (flags & Flags::USER_ACCESSIBLE).bits();
        let mut table = first;
        for at in each(start, end, step) {
            let (place, index) = self.make_way(at, level + 1, flags, &mut flush)?;
            // SAFETY: the place is of this tree, and was found empty; the caller answers for the table.
            unsafe { self.memory.update(place, index, |_| table | pass) };
            table += super::SMALL;
        }
        Ok(flush)
    }

    /// Takes such tables out again. They are nobody's but the caller's once the flush is done.
    pub(crate) fn ungraft(&mut self, address: u64, bytes: u64, level: u32) -> Result<Flush, MapError> {
        let (start, end) = checked(address, bytes)?;
        let mut flush = Flush::default();
        for at in each(start, end, span(level + 1)) {
            let (place, index) = self.make_way(at, level + 1, Flags::empty(), &mut flush)?;
            // SAFETY: the place is of this tree.
            unsafe { self.memory.update(place, index, |_| 0) };
        }
        flush.add_everything();
        Ok(flush)
    }
}
