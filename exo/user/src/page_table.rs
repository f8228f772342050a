//! Looking at and editing the environment's own page tables, through the physical window. No edit makes a call.

use crate::frames;
use core::fmt;
use x86_64::VirtAddr;
use x86_64::instructions::tlb;
pub use x86_64::structures::paging::PageTableFlags as Flags;

const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
const ENTRIES: u64 = 512;

/// Why a page cannot be mapped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MapError {
    /// A large page is in the way.
    LargePage,
    /// No frame is left for a table.
    NoFrame,
}

impl fmt::Display for MapError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            MapError::LargePage => "a large page is in the way",
            MapError::NoFrame => "no frame is left for a page table",
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
        4096 << (9 * (self.level - 1))
    }

    fn is_leaf(self) -> bool {
        let flags = Flags::from_bits_retain(self.get());
        self.level == 1 || flags.contains(Flags::HUGE_PAGE)
    }

    fn is_present(self) -> bool {
        self.get() & Flags::PRESENT.bits() != 0
    }
}

fn entry_in(table: u64, level: u32, address: u64) -> Entry {
    let index = (address >> (12 + 9 * (level - 1))) % ENTRIES;
    Entry { place: frames::window((table & ADDRESS) + index * 8).cast(), level }
}

/// The entry that maps `address`, whatever its size, or the first entry on the way that is not present.
#[must_use]
pub fn entry(address: u64) -> Entry {
    let mut entry = entry_in(crate::cpu::read_cr3(), 4, address);
    while entry.is_present() && !entry.is_leaf() {
        entry = entry_in(entry.get(), entry.level - 1, address);
    }
    entry
}

/// The physical address that `address` is mapped to.
#[must_use]
pub fn translate(address: u64) -> Option<u64> {
    let entry = entry(address);
    let inside = entry.span() - 1;
    entry.is_present().then(|| (entry.get() & ADDRESS & !inside) | (address & inside))
}

/// Maps the 4 KiB page at `address` to a physical address and forgets what the TLB knew of it.
///
/// # Errors
/// See [`MapError`].
///
/// # Safety
/// The mapping must not change memory that is in use under `address`, nor open a second way to memory that a
/// reference assumes to be its own.
pub unsafe fn map(address: u64, physical: u64, flags: Flags) -> Result<(), MapError> {
    // Tables allow everything that a leaf below may; the leaf decides.
    let pass = Flags::PRESENT | Flags::WRITABLE | (flags & Flags::USER_ACCESSIBLE);
    let mut entry = entry_in(crate::cpu::read_cr3(), 4, address);
    while entry.level > 1 {
        if !entry.is_present() {
            let mut table = frames::allocate().ok_or(MapError::NoFrame)?;
            table.bytes().fill(0);
            // SAFETY: nothing was mapped here, and the new table is empty.
            unsafe { entry.set(table.leak()) };
        } else if entry.is_leaf() {
            return Err(MapError::LargePage);
        }
        // SAFETY: only permissions grow, and only as far as each leaf below already grants.
        unsafe { entry.set(entry.get() | pass.bits()) };
        entry = entry_in(entry.get(), entry.level - 1, address);
    }
    // SAFETY: the caller answers for the new meaning of the page.
    unsafe { entry.set((physical & ADDRESS) | flags.bits()) };
    tlb::flush(VirtAddr::new_truncate(address));
    Ok(())
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
        tlb::flush(VirtAddr::new_truncate(address));
    }
}
