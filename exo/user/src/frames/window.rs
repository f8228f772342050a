//! The physical window: memory under its physical address, and the tables that map it.

use super::{Frame, allocate_here, pool};
use crate::page_table::{Flags, Flush, LARGE, MapError, PageTable, SMALL, TableMemory, with_current_in};
use core::sync::atomic::{AtomicU64, Ordering};
use exo_abi::boot_page::FrameRun;
use exo_abi::layout::{FRAME_SIZE, PHYSICAL_WINDOW};
use spin::Mutex;

static WINDOW: AtomicU64 = AtomicU64::new(PHYSICAL_WINDOW);
/// Frames for tables of the window, kept because it must grow when the pool is empty. A run needs at most two on each level.
static KEPT: Mutex<[Option<Frame>; 4]> = Mutex::new([const { None }; 4]);

pub(super) fn initialise(window: u64) {
    WINDOW.store(window, Ordering::Relaxed);
}

pub(super) fn keep_tables() {
    for place in KEPT.lock().iter_mut().filter(|place| place.is_none()) {
        *place = allocate_here();
    }
}

/// A pointer to a virtual address that is known as a number.
#[must_use]
#[allow(clippy::cast_possible_truncation)] // guests are 64-bit
pub fn pointer<T>(address: u64) -> *mut T {
    core::ptr::with_exposed_provenance_mut(address as usize)
}

/// Where a physical address is in the physical window. The pointer is good only for frames that the
/// environment holds.
#[must_use]
pub fn window(physical: u64) -> *mut u8 {
    pointer(WINDOW.load(Ordering::Relaxed).wrapping_add(physical))
}

/// Maps frames in the physical window that are not mapped there yet, writable. Where the window has nothing near them it maps
/// all 2 MiB around them: an address there that is not the environment's is the kernel's to stop, as everywhere.
///
/// # Errors
/// [`MapError::NoFrame`] where no frame is left for a table.
pub fn extend_window(run: FrameRun) -> Result<(), MapError> {
    let window = WINDOW.load(Ordering::Relaxed);
    // SAFETY: the library's own tables lie in the window, and a library OS that makes others keeps the window in them.
    unsafe { with_current_in(WithKept, |table| extend(table, window, run).map(|flush| _ = flush.here())) }
}

/// Maps frames in a window at `window` of any table, as [`extend_window`] does.
pub(crate) fn extend(table: &mut PageTable<impl TableMemory>, window: u64, run: FrameRun) -> Result<Flush, MapError> {
    let flags = Flags::PRESENT | Flags::WRITABLE | Flags::NO_EXECUTE;
    let mut flush = Flush::default();
    let (mut at, end) = (run.first * FRAME_SIZE, (run.first + run.count) * FRAME_SIZE);
    while at < end {
        let large = at & !(LARGE - 1);
        // SAFETY: the window is the one place where every frame is mapped; nobody takes a reference from it that is not his.
        let mapped = unsafe { table.map(window + large, large, LARGE, flags, LARGE) };
        match mapped {
            Err(MapError::Occupied) => fill(table, window, at..end.min(large + LARGE), flags, &mut flush)?,
            other => flush.merge(other?),
        }
        at = large + LARGE;
    }
    Ok(flush)
}

/// Maps the small pages of a part of the window that are missing.
fn fill(
    table: &mut PageTable<impl TableMemory>,
    window: u64,
    range: core::ops::Range<u64>,
    flags: Flags,
    flush: &mut Flush,
) -> Result<(), MapError> {
    for at in range.step_by(4096) {
        if table.query(window + at).is_none() {
            // SAFETY: as above.
            flush.merge(unsafe { table.map(window + at, at, SMALL, flags, SMALL) }?);
        }
    }
    Ok(())
}

/// Frames of the pool's own bits.
#[derive(Debug)]
pub(super) struct WindowWords;

impl pool::Words for WindowWords {
    unsafe fn read(&self, frame: u64, index: usize) -> u64 {
        // SAFETY: the caller promises a frame of the pool, which the window maps.
        unsafe { window(frame * FRAME_SIZE).cast::<u64>().add(index).read() }
    }

    unsafe fn write(&mut self, frame: u64, index: usize, word: u64) {
        // SAFETY: as for `read`.
        unsafe { window(frame * FRAME_SIZE).cast::<u64>().add(index).write(word) }
    }
}

/// Page tables in frames of the pool, edited through the physical window.
#[derive(Debug)]
pub struct WindowTables;

/// # Safety
/// The table is the environment's and lies in the window; `index` is less than 512.
unsafe fn table_word(table: u64, index: usize) -> &'static AtomicU64 {
    // SAFETY: the caller promises the place; tables are only used as atomic words.
    unsafe { &*window(table + index as u64 * 8).cast() }
}

impl TableMemory for WindowTables {
    unsafe fn read(&self, table: u64, index: usize) -> u64 {
        // SAFETY: the caller promises a table of the environment's, which the window maps.
        unsafe { table_word(table, index) }.load(Ordering::Relaxed)
    }

    unsafe fn update(&mut self, table: u64, index: usize, change: impl Fn(u64) -> u64) -> u64 {
        // SAFETY: as for `read`.
        let word = unsafe { table_word(table, index) };
        let mut before = word.load(Ordering::Relaxed);
        while let Err(now) = word.compare_exchange(before, change(before), Ordering::SeqCst, Ordering::Relaxed) {
            before = now;
        }
        before
    }

    fn take(&mut self) -> Option<u64> {
        allocate_here().map(empty_table)
    }

    unsafe fn give(&mut self, table: u64) {
        // SAFETY: the caller promises a frame that `take` leaked, and that nobody uses it.
        drop(unsafe { Frame::from_leaked(table) });
    }
}

fn empty_table(mut frame: Frame) -> u64 {
    frame.bytes().fill(0);
    frame.leak()
}

/// The same, with the frames that are kept for the window.
struct WithKept;

impl TableMemory for WithKept {
    unsafe fn read(&self, table: u64, index: usize) -> u64 {
        // SAFETY: the caller's promise is the same.
        unsafe { WindowTables.read(table, index) }
    }

    unsafe fn update(&mut self, table: u64, index: usize, change: impl Fn(u64) -> u64) -> u64 {
        // SAFETY: the caller's promise is the same.
        unsafe { WindowTables.update(table, index, change) }
    }

    fn take(&mut self) -> Option<u64> {
        let kept = || KEPT.lock().iter_mut().find_map(Option::take);
        allocate_here().or_else(kept).map(empty_table)
    }

    unsafe fn give(&mut self, table: u64) {
        // SAFETY: the caller's promise is the same.
        unsafe { WindowTables.give(table) }
    }
}
