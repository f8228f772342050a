//! The address space of a program: its areas, and the page table that follows them.

use super::map::MOST_AREAS;
use super::table::Table;
use super::{Area, Backing, PAGE, Protection};
use crate::errno::{Errno, Result};
use crate::file::File;
use crate::machine;
use alloc::collections::BTreeMap;
use alloc::rc::Rc;
use alloc::vec::Vec;
use core::cell::Cell;
use core::ops::Range;

/// The end of what programs can use, as on Linux: the last page of the lower half stays free.
pub const USER_END: u64 = 0x7fff_ffff_f000;
/// What page tables of programs are for.
const LOWER_HALF: u64 = 1 << 47;
/// The lowest address that a program gets unless it insists (Linux: vm.mmap_min_addr).
pub(super) const LOWEST: u64 = 0x1_0000;
/// Where mappings begin, downwards: the stack has room above.
const MAP_TOP: u64 = 0x7fff_f7ff_f000;
/// Between a stack that grows and what lies below it (Linux: stack_guard_gap).
pub(super) const GUARD: u64 = 256 * PAGE;

/// Where things of the program are, for /proc and brk(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // pairs of first address and end
pub struct Layout {
    pub code: (u64, u64),
    pub data: (u64, u64),
    /// Where the heap begins, and where it ends now.
    pub heap: (u64, u64),
    /// The stack pointer at the beginning.
    pub stack: u64,
    pub arguments: (u64, u64),
    pub environment: (u64, u64),
    pub auxiliary: (u64, u64),
}

/// Where a search for a free range goes on: looking at all areas each time would take longer the more there are.
#[derive(Clone, Copy, Debug)]
struct Room {
    below: u64,
    /// Above it there is no larger one.
    largest_hole: u64,
}

impl Default for Room {
    fn default() -> Self {
        Self { below: MAP_TOP, largest_hole: 0 }
    }
}

/// The address space of a program. Threads share it.
#[derive(Debug)]
pub struct AddressSpace {
    pub(super) areas: BTreeMap<u64, Area>,
    pub(super) table: Table,
    room: Cell<Room>,
    /// Where things are.
    pub layout: Layout,
    /// The most bytes that the stack may have.
    pub stack_limit: u64,
    /// The most bytes that all areas may have.
    pub limit: u64,
    /// The most bytes that the heap and data may have.
    pub data_limit: u64,
}

impl AddressSpace {
    /// One without areas.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new() -> Result<Self> {
        let (stack_limit, limit, data_limit) = (8 << 20, u64::MAX, u64::MAX);
        let table = Table::new()?;
        Ok(Self {
            areas: BTreeMap::new(),
            table,
            room: Cell::default(),
            layout: Layout::default(),
            stack_limit,
            limit,
            data_limit,
        })
    }

    /// What CR3 holds for it.
    #[must_use]
    pub const fn root(&self) -> u64 {
        self.table.root()
    }

    /// Its areas, in ascending order.
    pub fn areas(&self) -> impl Iterator<Item = &Area> {
        self.areas.values()
    }

    /// Bytes of all areas.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.areas.values().map(Area::bytes).sum()
    }

    /// Pages that it has, counted.
    #[must_use]
    pub fn resident_pages(&self) -> u64 {
        let mut pages = 0;
        self.table.each(0..USER_END, |_, _| pages += 1);
        pages
    }

    /// The area that an address lies in.
    #[must_use]
    pub fn area(&self, address: u64) -> Option<&Area> {
        area_of(&self.areas, address)
    }

    /// The first area that ends above an address.
    pub(super) fn next_area(&self, address: u64) -> Option<&Area> {
        self.area(address).or_else(|| self.areas.range(address..).next().map(|(_, area)| area))
    }

    /// Whether nothing lies in a range.
    pub(super) fn is_free(&self, range: &Range<u64>) -> bool {
        self.next_area(range.start).is_none_or(|area| area.start >= range.end)
    }

    /// A free range of so many bytes, as high as possible.
    pub(super) fn free_range(&self, bytes: u64) -> Result<u64> {
        let room = self.room.get();
        let goes_on = room.below < MAP_TOP && bytes > room.largest_hole;
        let found = if goes_on { self.free_range_below(room, bytes) } else { None };
        // What was freed below where it went on it has not seen.
        let found = found.or_else(|| self.free_range_below(Room::default(), bytes));
        let (start, room) = found.ok_or(Errno::ENOMEM)?;
        self.room.set(room);
        Ok(start)
    }

    fn free_range_below(&self, room: Room, bytes: u64) -> Option<(u64, Room)> {
        let Room { below: mut end, mut largest_hole } = room;
        for area in self.areas.range(..room.below).rev().map(|(_, area)| area) {
            let hole = end.saturating_sub(area.end);
            if hole >= bytes {
                break;
            }
            largest_hole = largest_hole.max(hole);
            let gap = if area.grows { GUARD } else { 0 };
            end = end.min(area.start.saturating_sub(gap));
        }
        let start = end.checked_sub(bytes).filter(|&start| start >= LOWEST)?;
        self.is_free(&(start..end)).then_some((start, Room { below: start, largest_hole }))
    }

    /// A range has become free.
    pub(super) fn note_room(&self, range: &Range<u64>) {
        let room = self.room.get();
        self.room.set(Room { below: room.below.max(range.end.min(MAP_TOP)), ..room });
    }

    /// A place for so many bytes.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn room_for(&self, bytes: u64) -> Result<u64> {
        self.free_range(bytes)
    }

    /// Whether there is a page at an address.
    #[must_use]
    pub fn has_page(&self, address: u64) -> bool {
        self.table.leaf(address).is_present()
    }

    /// Whether areas may be cut where a range ends.
    pub(super) fn check_cut(&self, range: &Range<u64>) -> Result<()> {
        let inside = |at: u64| self.area(at).is_some_and(|area| area.start < at);
        let cuts = inside(range.start) || inside(range.end);
        if cuts && (self.areas.len() >= MOST_AREAS || !machine::has_room(0)) { Err(Errno::ENOMEM) } else { Ok(()) }
    }

    /// Cuts the areas that a range ends in, so that it consists of whole areas.
    pub(super) fn cut(&mut self, range: &Range<u64>) {
        for at in [range.start, range.end] {
            let Some(area) = self.area(at).filter(|area| area.start < at).map(|area| area.start) else { continue };
            if let Some(upper) = self.areas.get_mut(&area).map(|area| area.cut(at)) {
                self.areas.insert(at, upper);
            }
        }
    }

    /// Starts of the areas of a range, of which it consists as a whole.
    pub(super) fn starts(&self, range: &Range<u64>) -> Vec<u64> {
        self.areas.range(range.clone()).map(|(&start, _)| start).collect()
    }

    /// Joins areas around and in a range that go on in each other.
    pub(super) fn join(&mut self, range: &Range<u64>) {
        let from = self.areas.range(..range.start).next_back().map_or(range.start, |(&start, _)| start);
        let mut at = from;
        while let Some(area) = self.areas.get(&at).or_else(|| self.areas.range(at..).next().map(|(_, area)| area)) {
            if area.start > range.end {
                return;
            }
            let (start, end) = (area.start, area.end);
            let joins = self.areas.get(&end).is_some_and(|next| area.continues_in(next));
            if joins && let Some(next) = self.areas.remove(&end) {
                if let Some(area) = self.areas.get_mut(&start) {
                    area.end = next.end;
                }
                at = start;
            } else {
                at = end;
            }
        }
    }

    /// Takes whatever is in a range away.
    pub(super) fn remove(&mut self, range: Range<u64>) {
        self.note_room(&range);
        self.cut(&range);
        for start in self.starts(&range) {
            self.areas.remove(&start);
        }
        // Tables that nothing else needs go too.
        let below = self.areas.range(..range.start).next_back().map_or(0, |(_, area)| area.end);
        let above = self.areas.range(range.end..).next().map_or(LOWER_HALF, |(&start, _)| start);
        if self.table.clear(&[range], &(below..above)) {
            machine::flush_all();
        }
    }

    /// Takes the pages of a range away; the areas stay.
    pub(super) fn drop_pages(&mut self, range: Range<u64>) {
        if self.table.clear(&[range], &(0..0)) {
            machine::flush_all();
        }
    }

    /// Takes pages of a file out, from page `first` of it to `end`. What was written privately goes too, as on Linux.
    pub fn withdraw(&mut self, is_it: &impl Fn(&Rc<dyn File>) -> bool, first: u64, end: u64) {
        let mut ranges = Vec::new();
        for area in self.areas.values() {
            if let Backing::File(file, page) = &area.backing
                && is_it(file)
            {
                let address = |index: u64| {
                    let pages = index.saturating_sub(*page);
                    area.start.saturating_add(pages.saturating_mul(PAGE)).min(area.end)
                };
                ranges.push(address(first)..address(end));
            }
        }
        ranges.into_iter().filter(|range| !range.is_empty()).for_each(|range| self.drop_pages(range));
    }

    /// Whether a file is shared here in a way that lets the program write it, now or once it asks.
    pub fn shares_to_write(&self, is_it: &impl Fn(&Rc<dyn File>) -> bool) -> bool {
        self.areas.values().any(|area| match &area.backing {
            Backing::File(file, _) => area.shared && area.most.contains(Protection::WRITE) && is_it(file),
            Backing::Zeros => false,
        })
    }

    /// Whether all of a range allows something.
    #[must_use]
    pub fn allows(&self, range: Range<u64>, wanted: Protection) -> bool {
        let mut at = range.start;
        while at < range.end {
            match self.area(at) {
                Some(area) if area.protection.contains(wanted) => at = area.end,
                _ => return false,
            }
        }
        true
    }
}

/// The area of several that an address lies in.
pub(super) fn area_of(areas: &BTreeMap<u64, Area>, address: u64) -> Option<&Area> {
    areas.range(..=address).next_back().map(|(_, area)| area).filter(|area| address < area.end)
}

impl Drop for AddressSpace {
    fn drop(&mut self) {
        let ranges: Vec<Range<u64>> = self.areas.values().map(|area| area.start..area.end).collect();
        self.table.clear(&ranges, &(0..LOWER_HALF));
    }
}
