//! Page tables: a manager for any, and the table in force looked at and edited through the physical window. No edit makes a call.

mod empty;
mod flush;
mod graft;
mod memory;
#[cfg(test)]
pub(crate) mod tests;
mod tree;
mod walk;

pub use empty::EmptyTables;
pub use flush::{Flush, Flushed};
pub use memory::{ENTRIES, TableMemory};
pub use tree::{LARGE, Mapping, PageTable, SMALL};
pub use x86_64::structures::paging::PageTableFlags as Flags;

use crate::frames::{self, WindowTables};
use core::fmt;
use spin::Mutex;
use walk::{ADDRESS, is_table, span, with_flags};

/// Edits of the table in force come one at a time.
static EDITING: Mutex<()> = Mutex::new(());

/// Why a page cannot be mapped, or a range not be edited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// A large page is in the way.
    LargePage,
    /// No frame is left for a table.
    NoFrame,
    /// Something is mapped there.
    Occupied,
    /// An address or a length is no multiple of 4096, or a physical address is beyond what an entry holds.
    Misaligned,
    /// The range is not in one half of the address space.
    NotCanonical,
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MapError::LargePage => "a large page is in the way",
            MapError::NoFrame => "no frame is left for a page table",
            MapError::Occupied => "something is mapped there",
            MapError::Misaligned => "an address or a length is not that of a page",
            MapError::NotCanonical => "the range is not in one half of the address space",
        })
    }
}

impl core::error::Error for MapError {}

/// A place in one of the tables that CR3 leads to.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    place: *mut u64,
    level: u32,
}

impl Entry {
    /// The entry's word.
    #[must_use]
    pub fn get(self) -> u64 {
        // SAFETY: `place` is in a table that CR3 led to, which is the environment's own memory. Volatile: the CPU
        // sets accessed and dirty bits behind the compiler's back.
        unsafe { self.place.read_volatile() }
    }

    /// Where the entry lies, for code that cannot afford the way to it.
    #[must_use]
    pub const fn place(self) -> *mut u64 {
        self.place
    }

    /// Replaces the entry's word. The TLB is the caller's affair.
    ///
    /// # Safety
    /// Everything that is reached through the entry must stay what its users believe it to be.
    pub unsafe fn set(self, word: u64) {
        // SAFETY: as for `get`; the caller answers for the meaning.
        unsafe { self.place.write_volatile(word) }
    }

    /// Bytes that a leaf at this entry's level maps.
    #[must_use]
    pub const fn span(self) -> u64 {
        span(self.level)
    }

    fn is_present(self) -> bool {
        self.get() & Flags::PRESENT.bits() != 0
    }
}

/// The entry that maps `address`, whatever its size, or the first entry on the way that is not present.
#[must_use]
pub fn entry(address: u64) -> Entry {
    let (mut table, mut level) = (crate::cpu::read_cr3() & ADDRESS, 4);
    loop {
        let place = frames::window(table + walk::index(address, level) as u64 * 8).cast();
        let entry = Entry { place, level };
        if !is_table(entry.get(), level) {
            return entry;
        }
        (table, level) = (entry.get() & ADDRESS, level - 1);
    }
}

/// The physical address that `address` is mapped to.
#[must_use]
pub fn translate(address: u64) -> Option<u64> {
    let entry = entry(address);
    let inside = entry.span() - 1;
    entry.is_present().then(|| (entry.get() & ADDRESS & !inside) | (address & inside))
}

/// Does something with the table in force. `edit` must not call for it again.
///
/// # Safety
/// Every table that CR3 leads to lies in the physical window, and only code that goes through this function edits them.
pub unsafe fn with_current<R>(edit: impl FnOnce(&mut PageTable<WindowTables>) -> R) -> R {
    // SAFETY: the caller's promise is the same.
    unsafe { with_current_in(WindowTables, edit) }
}

/// The same with new tables out of `memory`.
///
/// # Safety
/// As for [`with_current`].
pub(crate) unsafe fn with_current_in<M: TableMemory, R>(memory: M, edit: impl FnOnce(&mut PageTable<M>) -> R) -> R {
    let _alone = EDITING.lock();
    // SAFETY: the caller promises the first condition, and with the lock the second.
    edit(&mut unsafe { PageTable::at(crate::cpu::read_cr3(), memory) })
}

/// Does something with any table whose tables lie in the window.
///
/// # Safety
/// As for [`with_current`], for the table at `root`.
pub(crate) unsafe fn with_root<R>(root: u64, edit: impl FnOnce(&mut PageTable<WindowTables>) -> R) -> R {
    let _alone = EDITING.lock();
    // SAFETY: as for `with_current_in`.
    edit(&mut unsafe { PageTable::at(root, WindowTables) })
}

/// Maps the 4 KiB page at `address` to a physical address, whatever it was mapped to, and forgets what the TLB knew of it.
///
/// # Errors
/// [`MapError::LargePage`], [`MapError::NoFrame`].
///
/// # Safety
/// The mapping must not change memory that is in use under `address`, nor open a second way to memory that a
/// reference assumes to be its own. The tables are as [`with_current`] wants them.
pub unsafe fn map(address: u64, physical: u64, flags: Flags) -> Result<(), MapError> {
    // SAFETY: the caller answers for the tables, and for the new meaning of the page.
    unsafe {
        with_current(|table| {
            let mut flush = Flush::default();
            let (place, index) = table.make_way(address, 1, flags, &mut flush)?;
            flush.add(address, false);
            table.memory.update(place, index, |_| with_flags(physical & ADDRESS, flags, 1));
            flush.here();
            Ok(())
        })
    }
}

/// Removes the 4 KiB page at `address`, if there is one.
///
/// # Safety
/// Nothing may use the page any more.
pub unsafe fn unmap(address: u64) {
    let entry = entry(address);
    if entry.level == 1 {
        // SAFETY: the caller promises that the page is not in use.
        unsafe { entry.set(0) };
        crate::cpu::invalidate_page(address);
    }
}
