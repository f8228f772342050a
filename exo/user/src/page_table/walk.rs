//! Entries, and the way down to them.

use super::Flags;
use super::MapError;
use super::flush::Flush;
use super::memory::{ENTRIES, TableMemory};
use super::tree::{PageTable, canonical};

/// The bits of an entry that are an address.
pub(super) const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
const PRESENT: u64 = Flags::PRESENT.bits();
const HUGE: u64 = Flags::HUGE_PAGE.bits();
/// What every table entry allows: the leaf decides.
pub(super) const PASS: u64 = Flags::PRESENT.bits() | Flags::WRITABLE.bits();

/// Bytes that an entry of a level maps; the root is level 4.
pub(super) const fn span(level: u32) -> u64 {
    4096 << (9 * (level - 1))
}

/// Which entry of a table of a level an address uses.
#[allow(clippy::cast_possible_truncation)] // less than 512
pub(super) const fn index(address: u64, level: u32) -> usize {
    (address >> (12 + 9 * (level - 1))) as usize % ENTRIES
}

/// Whether an entry leads to a table.
pub(super) const fn is_table(word: u64, level: u32) -> bool {
    level > 1 && word & PRESENT != 0 && word & HUGE == 0
}

const fn is_leaf(word: u64, level: u32) -> bool {
    word & PRESENT != 0 && (level == 1 || word & HUGE != 0)
}

/// An entry that maps a page, taken apart.
pub(super) struct Leaf {
    pub(super) physical: u64,
    pub(super) flags: Flags,
}

impl Leaf {
    pub(super) const fn of(word: u64, level: u32) -> Self {
        let physical = word & ADDRESS & !(span(level) - 1);
        Self { physical, flags: Flags::from_bits_retain(word & !ADDRESS & !HUGE) }
    }
}

/// The entry of a page.
pub(super) fn with_flags(physical: u64, flags: Flags, level: u32) -> u64 {
    physical | (flags.bits() & !ADDRESS & !HUGE) | if level > 1 { HUGE } else { 0 }
}

/// Where the way down ends: at a page, or at an entry that is not present.
pub(super) struct Place {
    pub(super) table: u64,
    pub(super) index: usize,
    pub(super) level: u32,
    pub(super) word: u64,
    pub(super) leaf: bool,
}

impl<M: TableMemory> PageTable<M> {
    pub(super) fn find(&self, at: u64) -> Place {
        let (mut table, mut level) = (self.root, 4);
        loop {
            let index = index(at, level);
            // SAFETY: `table` is the root or an entry of this tree led to it.
            let word = unsafe { self.memory.read(table, index) };
            if !is_table(word, level) {
                return Place { table, index, level, word, leaf: is_leaf(word, level) };
            }
            (table, level) = (word & ADDRESS, level - 1);
        }
    }

    /// The entry for an address in a table of `level`, with the tables on the way to it made and passing what `flags` need.
    /// Where a page lies on the way, it is larger than a page of that level.
    pub(super) fn make_way(
        &mut self,
        at: u64,
        level: u32,
        flags: Flags,
        flush: &mut Flush,
    ) -> Result<(u64, usize), MapError> {
        let wanted = PASS | (flags & Flags::USER_ACCESSIBLE).bits();
        let mut table = self.root;
        for above in (level + 1..=4).rev() {
            let index = index(at, above);
            // SAFETY: `table` is the root or an entry of this tree led to it.
            let word = unsafe { self.memory.read(table, index) };
            if is_leaf(word, above) {
                return Err(MapError::LargePage);
            }
            let below =
                if is_table(word, above) { word & ADDRESS } else { self.memory.take().ok_or(MapError::NoFrame)? };
            if !is_table(word, above) || word & wanted != wanted {
                // SAFETY: as above; permissions only grow, and only as far as each leaf below grants, and a new table is empty.
                unsafe {
                    self.memory.update(table, index, |old| {
                        below | wanted | old & !ADDRESS & !HUGE & (old & PRESENT).wrapping_neg()
                    })
                };
                if is_table(word, above) {
                    // Without this, a CPU may fault once for a permission that is there.
                    flush.add_everything();
                }
            }
            table = below;
        }
        Ok((table, index(at, level)))
    }

    /// Calls `edit` with every page that a range touches: the memory, an address in the page, and its entry.
    pub(super) fn each_leaf(&mut self, start: u64, end: u64, mut edit: impl FnMut(&mut M, u64, &Place)) {
        let mut at = start;
        while at < end {
            let place = self.find(at);
            if place.leaf {
                edit(&mut self.memory, at, &place);
            }
            at = (at & !(span(place.level) - 1)) + span(place.level);
        }
    }

    /// Unmaps whole pages.
    pub(super) fn remove(&mut self, start: u64, end: u64, flush: &mut Flush) -> Result<(), MapError> {
        self.each_leaf(start, end, |memory, at, place| {
            // SAFETY: the place is of this tree; the caller answers for the page.
            let before = unsafe { memory.update(place.table, place.index, |_| 0) };
            flush.add(canonical(at), Leaf::of(before, place.level).flags.contains(Flags::GLOBAL));
        });
        Ok(())
    }

    /// Splits the large pages that a range ends inside of.
    pub(super) fn split_ends(&mut self, start: u64, end: u64, flush: &mut Flush) -> Result<(), MapError> {
        if start == end {
            return Ok(());
        }
        self.split_before(start, flush)?;
        self.split_before(end, flush)
    }

    /// Makes a page begin at an address, if one goes across it.
    fn split_before(&mut self, at: u64, flush: &mut Flush) -> Result<(), MapError> {
        // At the end of the space there is nothing to go across.
        while !at.is_multiple_of(1 << 48) {
            let place = self.find(at);
            if !place.leaf || at.is_multiple_of(span(place.level)) {
                break;
            }
            self.split(at, &place, flush)?;
        }
        Ok(())
    }

    /// Replaces a large page by a table of smaller ones that map the same.
    fn split(&mut self, at: u64, place: &Place, flush: &mut Flush) -> Result<(), MapError> {
        let below = self.memory.take().ok_or(MapError::NoFrame)?;
        let level = place.level - 1;
        let Leaf { physical, flags } = Leaf::of(place.word, place.level);
        for index in 0..ENTRIES {
            let part = with_flags(physical + index as u64 * span(level), flags, level);
            // SAFETY: a new table that nobody else knows of.
            unsafe { self.memory.update(below, index, |_| part) };
        }
        let table = below | PASS | (flags & Flags::USER_ACCESSIBLE).bits();
        // SAFETY: the place is of this tree, and the table maps what the page did.
        let before = unsafe { self.memory.update(place.table, place.index, |_| table) };
        // What the CPU has noted since the page was read.
        let late = before & !place.word;
        if late != 0 {
            for index in 0..ENTRIES {
                // SAFETY: the new table is of this tree now.
                unsafe { self.memory.update(below, index, |word| word | late) };
            }
        }
        flush.add(canonical(at), flags.contains(Flags::GLOBAL));
        Ok(())
    }

    /// Lets the tables above a range pass what its leaves allow.
    pub(super) fn pass_upwards(&mut self, start: u64, end: u64, flags: Flags, flush: &mut Flush) {
        let wanted = PASS | (flags & Flags::USER_ACCESSIBLE).bits();
        let mut at = start;
        while at < end {
            let level = self.find(at).level;
            let mut table = self.root;
            for above in (level + 1..=4).rev() {
                let index = index(at, above);
                // SAFETY: the place is of this tree; the word leads to a table, for `find` went through it.
                let before = unsafe {
                    let raise = |word| if is_table(word, above) { word | wanted } else { word };
                    self.memory.update(table, index, raise)
                };
                if is_table(before, above) && before & wanted != wanted {
                    flush.add_everything();
                }
                table = before & ADDRESS;
            }
            at = (at & !(span(level) - 1)) + span(level);
        }
    }
}
