//! The environment's own frames that are free, handed out in boot-page order.
//!
//! The kernel gave them all at the start, so taking one makes no call.

use core::mem::ManuallyDrop;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_abi::boot_page::{BootPage, FrameRun, MAX_RUNS};
use exo_abi::layout::{FRAME_SIZE, PHYSICAL_WINDOW};
use spin::Mutex;

/// Bytes in a frame, as an array length.
pub const FRAME_BYTES: usize = 4096;

static WINDOW: AtomicU64 = AtomicU64::new(PHYSICAL_WINDOW);
static FREE: Mutex<Free> = Mutex::new(Free { runs: [FrameRun { first: 0, count: 0 }; MAX_RUNS], returned: None });

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

/// A free frame that somebody holds; dropping it gives it back.
#[derive(Debug)]
pub struct Frame {
    number: u64,
}

impl Frame {
    /// The frame's physical address.
    #[must_use]
    pub const fn physical(&self) -> u64 {
        self.number * FRAME_SIZE
    }

    /// The frame's bytes, which hold whatever was there before.
    #[must_use]
    pub fn bytes(&mut self) -> &mut [u8; FRAME_BYTES] {
        // SAFETY: (1) the environment owns the frame and the window maps it writable; (2) a `Frame` is made once
        // for each free frame, so `&mut self` is the only way here; (3) any bytes are valid.
        unsafe { &mut *window(self.physical()).cast() }
    }

    /// Keeps the frame for ever; its physical address.
    #[must_use]
    pub fn leak(self) -> u64 {
        ManuallyDrop::new(self).physical()
    }
}

impl Drop for Frame {
    fn drop(&mut self) {
        let mut free = FREE.lock();
        // The list of returned frames runs through their own first words: no memory is needed to give one back.
        let next = free.returned.unwrap_or(0);
        self.bytes()[..8].copy_from_slice(&next.to_ne_bytes());
        free.returned = Some(self.number);
    }
}

struct Free {
    runs: [FrameRun; MAX_RUNS],
    /// First of the frames that came back; 0 ends the list (frame 0 is never an environment's).
    returned: Option<u64>,
}

impl Free {
    fn take(&mut self, count: u64) -> Option<u64> {
        let run = self.runs.iter_mut().find(|run| run.count >= count)?;
        let first = run.first;
        run.first += count;
        run.count -= count;
        Some(first)
    }
}

pub(crate) fn initialise(boot: &BootPage) {
    WINDOW.store(boot.physical_window, Ordering::Relaxed);
    let mut free = FREE.lock();
    free.returned = None;
    let mut used = boot.used_frames;
    for (slot, run) in free.runs.iter_mut().zip(boot.runs()) {
        let skipped = used.min(run.count);
        used -= skipped;
        *slot = FrameRun { first: run.first + skipped, count: run.count - skipped };
    }
}

/// Takes one free frame.
#[must_use]
pub fn allocate() -> Option<Frame> {
    let mut free = FREE.lock();
    if let Some(number) = free.returned {
        let mut frame = Frame { number };
        let mut next = [0; 8];
        next.copy_from_slice(&frame.bytes()[..8]);
        free.returned = Some(u64::from_ne_bytes(next)).filter(|&next| next != 0);
        return Some(frame);
    }
    free.take(1).map(|number| Frame { number })
}

/// Takes `count` consecutive frames for ever, as one piece of memory in the physical window.
#[must_use]
pub fn allocate_contiguous(count: u64) -> Option<&'static mut [u8]> {
    let first = FREE.lock().take(count)?;
    let length = usize::try_from(count.checked_mul(FRAME_SIZE)?).ok()?;
    // SAFETY: as for `Frame::bytes`; the frames are never given back, so the memory lives as long as the environment.
    Some(unsafe { core::slice::from_raw_parts_mut(window(first * FRAME_SIZE), length) })
}

/// How many frames were never taken. Frames that came back are not counted.
#[must_use]
pub fn untouched() -> u64 {
    FREE.lock().runs.iter().map(|run| run.count).sum()
}

/// The environment's own page tables, through the physical window.
#[derive(Debug)]
pub struct WindowTables(());

impl WindowTables {
    pub(crate) const fn new() -> Self {
        Self(())
    }
}

impl crate::page_table::TableMemory for WindowTables {
    unsafe fn read(&self, table: u64, index: usize) -> u64 {
        // SAFETY: the caller promises a table of the environment's, which the window maps.
        unsafe { table_word(table, index) }.load(Ordering::Relaxed)
    }

    unsafe fn update(&mut self, table: u64, index: usize, change: impl Fn(u64) -> u64) -> u64 {
        // SAFETY: the caller promises a table of the environment's, which the window maps.
        let word = unsafe { table_word(table, index) };
        let mut before = word.load(Ordering::Relaxed);
        while let Err(now) = word.compare_exchange(before, change(before), Ordering::SeqCst, Ordering::Relaxed) {
            before = now;
        }
        before
    }

    fn take(&mut self) -> Option<u64> {
        let mut table = allocate()?;
        table.bytes().fill(0);
        Some(table.leak())
    }

    unsafe fn give(&mut self, table: u64) {
        drop(Frame { number: table / FRAME_SIZE });
    }
}

/// # Safety
/// The table is the environment's and lies in the window; `index` is less than 512.
unsafe fn table_word(table: u64, index: usize) -> &'static AtomicU64 {
    // SAFETY: the caller promises the place; tables are only used as atomic words.
    unsafe { &*window(table + index as u64 * 8).cast() }
}
