//! The manager: a tree of tables of four levels, edited by ranges.

use super::Flags;
use super::MapError;
use super::empty::EmptyTables;
use super::flush::Flush;
use super::memory::TableMemory;
use super::walk::{ADDRESS, Leaf, Place, span, with_flags};

/// Bytes of a small page.
pub const SMALL: u64 = 4096;
/// Bytes of a large page.
pub const LARGE: u64 = 2 << 20;
/// Bytes that a virtual address can tell apart.
const SPACE: u64 = 1 << 48;

/// What a page is mapped to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Mapping {
    /// The page's first address.
    pub address: u64,
    /// The physical address of its first byte.
    pub physical: u64,
    /// Its flags, accessed and dirty among them.
    pub flags: Flags,
    /// Its bytes, [`SMALL`], [`LARGE`] or 1 GiB.
    pub bytes: u64,
}

/// A page table and the memory that it lives in.
#[derive(Debug)]
pub struct PageTable<M> {
    pub(super) root: u64,
    pub(super) memory: M,
}

/// The address with its upper bits as the CPU wants them.
pub(super) const fn canonical(address: u64) -> u64 {
    if address & SPACE >> 1 == 0 { address & (SPACE - 1) } else { address | !(SPACE - 1) }
}

/// Checks a range and takes its end as an address of 48 bits.
pub(super) fn checked(address: u64, bytes: u64) -> Result<(u64, u64), MapError> {
    if !address.is_multiple_of(SMALL) || !bytes.is_multiple_of(SMALL) {
        return Err(MapError::Misaligned);
    }
    let start = address & (SPACE - 1);
    let half = if start < SPACE / 2 { SPACE / 2 } else { SPACE };
    let end = start.checked_add(bytes).filter(|&end| end <= half && canonical(address) == address);
    Ok((start, end.ok_or(MapError::NotCanonical)?))
}

impl<M: TableMemory> PageTable<M> {
    /// An empty one; `None` where the memory has no frame for it.
    #[must_use]
    pub fn new(mut memory: M) -> Option<Self> {
        let root = memory.take()?;
        Some(Self { root, memory })
    }

    /// The table whose root lies at a physical address.
    ///
    /// # Safety
    /// (1) The root and every table below it are held by `memory`; (2) nobody else edits them meanwhile.
    #[must_use]
    pub const unsafe fn at(root: u64, memory: M) -> Self {
        Self { root: root & ADDRESS, memory }
    }

    /// The physical address of its root, for CR3.
    #[must_use]
    pub const fn root(&self) -> u64 {
        self.root
    }

    /// The memory that it lives in.
    pub const fn memory(&mut self) -> &mut M {
        &mut self.memory
    }

    /// What an address is mapped to.
    #[must_use]
    pub fn query(&self, address: u64) -> Option<Mapping> {
        let Place { leaf, word, level, .. } = self.find(address & (SPACE - 1));
        leaf.then(|| {
            let Leaf { physical, flags } = Leaf::of(word, level);
            let bytes = span(level);
            Mapping { address: canonical(address & (SPACE - 1) & !(bytes - 1)), physical, flags, bytes }
        })
    }

    /// Calls `visit` with every page that a range touches, in ascending order.
    ///
    /// # Errors
    /// [`MapError::Misaligned`], [`MapError::NotCanonical`].
    pub fn visit(&self, address: u64, bytes: u64, mut visit: impl FnMut(Mapping)) -> Result<(), MapError> {
        let (mut at, end) = checked(address, bytes)?;
        while at < end {
            let Place { level, .. } = self.find(at);
            if let Some(mapping) = self.query(at) {
                visit(mapping);
            }
            at = (at & !(span(level) - 1)) + span(level);
        }
        Ok(())
    }

    /// Maps a range to as many bytes from a physical address on, with pages of at most `largest` bytes.
    ///
    /// # Errors
    /// [`MapError::Occupied`] where something is mapped there; [`MapError::NoFrame`] where no frame is left for a table. Nothing is
    /// mapped then.
    ///
    /// # Safety
    /// Where the table is or comes into force: the mapping must not open a second way to memory that a reference assumes to be
    /// its own.
    pub unsafe fn map(
        &mut self,
        address: u64,
        physical: u64,
        bytes: u64,
        flags: Flags,
        largest: u64,
    ) -> Result<Flush, MapError> {
        let (start, end) = checked(address, bytes)?;
        if !physical.is_multiple_of(SMALL) || physical & !ADDRESS != 0 {
            return Err(MapError::Misaligned);
        }
        let mut occupied = false;
        self.visit(address, bytes, |_| occupied = true)?;
        if occupied {
            return Err(MapError::Occupied);
        }
        let (mut flush, mut at) = (Flush::default(), start);
        while at < end {
            let target = physical + (at - start);
            let fits = largest >= LARGE && (at | target).is_multiple_of(LARGE) && end - at >= LARGE;
            let level = if fits && self.find(at).level >= 2 { 2 } else { 1 };
            match self.make_way(at, level, flags, &mut flush) {
                // SAFETY: the place is of this tree.
                Ok((table, index)) => unsafe {
                    self.memory.update(table, index, |_| with_flags(target, flags, level));
                },
                Err(error) => {
                    // Only what was mapped just now lies between, in pages that are no larger: nothing is split.
                    let _ = self.remove(start, at, &mut flush);
                    return Err(error);
                }
            }
            at += span(level);
        }
        Ok(flush)
    }

    /// Unmaps what is mapped in a range. A large page that is in it only in part is split.
    ///
    /// # Errors
    /// [`MapError::NoFrame`] where no frame is left for a split; nothing is unmapped then.
    ///
    /// # Safety
    /// Where the table is in force: nothing may use the pages any more.
    pub unsafe fn unmap(&mut self, address: u64, bytes: u64) -> Result<Flush, MapError> {
        let (start, end) = checked(address, bytes)?;
        let mut flush = Flush::default();
        self.split_ends(start, end, &mut flush)?;
        self.remove(start, end, &mut flush)?;
        Ok(flush)
    }

    /// Gives every page that is mapped in a range other flags; accessed and dirty bits stay. A large page that is in it only in
    /// part is split.
    ///
    /// # Errors
    /// [`MapError::NoFrame`] where no frame is left for a split; nothing is changed then.
    ///
    /// # Safety
    /// Where the table is in force: whoever uses the pages must get on with the new flags.
    pub unsafe fn protect(&mut self, address: u64, bytes: u64, flags: Flags) -> Result<Flush, MapError> {
        let (start, end) = checked(address, bytes)?;
        let mut flush = Flush::default();
        self.split_ends(start, end, &mut flush)?;
        let kept = Flags::ACCESSED | Flags::DIRTY;
        self.each_leaf(start, end, |memory, at, place| {
            let (table, index, level) = (place.table, place.index, place.level);
            let change = |word: u64| {
                let old = Leaf::of(word, level);
                with_flags(old.physical, (old.flags & kept) | (flags - kept), level)
            };
            // SAFETY: the place is of this tree.
            let before = unsafe { memory.update(table, index, change) };
            flush.add(canonical(at), Leaf::of(before, level).flags.contains(Flags::GLOBAL));
        });
        self.pass_upwards(start, end, flags, &mut flush);
        Ok(flush)
    }

    /// Clears `bits`, of [`Flags::ACCESSED`] and [`Flags::DIRTY`], on every page that a range touches, and calls `seen` with each
    /// page on which one of them was set, as it was.
    ///
    /// # Errors
    /// [`MapError::Misaligned`], [`MapError::NotCanonical`].
    pub fn harvest(
        &mut self,
        address: u64,
        bytes: u64,
        bits: Flags,
        mut seen: impl FnMut(Mapping),
    ) -> Result<Flush, MapError> {
        let (start, end) = checked(address, bytes)?;
        let bits = bits & (Flags::ACCESSED | Flags::DIRTY);
        let mut flush = Flush::default();
        self.each_leaf(start, end, |memory, at, place| {
            // SAFETY: the place is of this tree; the bits change nothing but what is reported.
            let before = unsafe { memory.update(place.table, place.index, |word| word & !bits.bits()) };
            let Leaf { physical, flags } = Leaf::of(before, place.level);
            if flags.intersects(bits) {
                let bytes = span(place.level);
                flush.add(canonical(at), flags.contains(Flags::GLOBAL));
                seen(Mapping { address: canonical(at & !(bytes - 1)), physical, flags, bytes });
            }
        });
        Ok(flush)
    }

    /// Takes tables out that map nothing and lie in a range as a whole. Once the flush is done they can be given back.
    ///
    /// # Errors
    /// [`MapError::Misaligned`], [`MapError::NotCanonical`].
    pub fn take_out_empty_tables(&mut self, address: u64, bytes: u64) -> Result<(EmptyTables, Flush), MapError> {
        let (start, end) = checked(address, bytes)?;
        let mut empty = EmptyTables::default();
        self.prune(self.root, 4, 0, (start, end), &mut empty);
        let mut flush = Flush::default();
        if !empty.is_empty() {
            flush.add_everything();
        }
        Ok((empty, flush))
    }

    /// Gives back tables that were taken out, now that no CPU holds a way to them.
    pub fn give_back(&mut self, empty: EmptyTables, _flushed: super::Flushed) {
        empty.give(&mut self.memory);
    }
}
