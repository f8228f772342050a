//! Filling a child's frames as the kernel's loader fills those of an environment of the manifest: image, stack, boot page, page
//! tables, in the first run.

use super::{ChildError, Plan};
use crate::frames::{self, WindowTables};
use crate::image::ImagePage;
use crate::page_table::{Flags, MapError, PageTable, SMALL, TableMemory};
use crate::{EnvironmentId, info};
use core::mem::offset_of;
use exo_abi::ABI_VERSION;
use exo_abi::boot_page::{BootPage, FrameRun, ListedCapability, MAGIC, MAX_RUNS};
use exo_abi::layout::{FRAME_SIZE, PHYSICAL_WINDOW, STACK_SIZE, STACK_TOP};
use zerocopy::{FromZeros, IntoBytes};

/// Memory of a child that is being filled: a window on its frames, and the next that is not used yet.
pub(super) struct Space<'f, W> {
    runs: &'f [FrameRun],
    next: u64,
    memory: W,
}

/// Writing physical memory.
pub(super) trait Write {
    /// Copies bytes to a physical address in the child's frames.
    fn write(&mut self, physical: u64, bytes: &[u8]);
}

/// Where the child begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Filled {
    /// Physical address of its top-level table.
    pub(super) page_table: u64,
    /// Its stack pointer.
    pub(super) stack: u64,
    boot_page: u64,
}

impl Write for WindowTables {
    fn write(&mut self, physical: u64, bytes: &[u8]) {
        // SAFETY: whoever makes a space promises that its frames are in the window and that nobody refers to them; `fill` writes
        // nowhere else.
        unsafe { bytes.as_ptr().copy_to_nonoverlapping(frames::window(physical), bytes.len()) };
    }
}

impl<'f> Space<'f, WindowTables> {
    /// # Safety
    /// The frames are bound to be read and written, mapped in the window, and nobody refers to them as long as this exists.
    pub(super) const unsafe fn new(runs: &'f [FrameRun]) -> Self {
        Self::over(runs, WindowTables)
    }
}

impl<'f, W: Write> Space<'f, W> {
    pub(super) const fn over(runs: &'f [FrameRun], memory: W) -> Self {
        Self { runs, next: 0, memory }
    }

    #[cfg(test)]
    pub(super) fn into_memory(self) -> W {
        self.memory
    }

    fn first_run(&self) -> FrameRun {
        self.runs.first().copied().unwrap_or_default()
    }

    /// The physical address of the next `count` frames of the first run.
    fn take_frames(&mut self, count: u64) -> Option<u64> {
        let run = self.first_run();
        let first = self.next;
        self.next = first.checked_add(count).filter(|&next| next <= run.count)?;
        Some((run.first + first) * FRAME_SIZE)
    }

    fn take_zeros(&mut self, count: u64) -> Option<u64> {
        let first = self.take_frames(count)?;
        for frame in 0..count {
            self.memory.write(first + frame * FRAME_SIZE, &[0; frames::FRAME_BYTES]);
        }
        Some(first)
    }

    /// Writes down where the child's event page is, once there is one.
    pub(super) fn tell_event_page(&mut self, filled: &Filled, physical: u64) {
        let place = filled.boot_page + offset_of!(BootPage, event_page_physical) as u64;
        self.memory.write(place, physical.as_bytes());
    }
}

impl<W: Write + TableMemory> TableMemory for Space<'_, W> {
    unsafe fn read(&self, table: u64, index: usize) -> u64 {
        // SAFETY: the caller's promise is the same.
        unsafe { self.memory.read(table, index) }
    }

    unsafe fn update(&mut self, table: u64, index: usize, change: impl Fn(u64) -> u64) -> u64 {
        // SAFETY: the caller's promise is the same.
        unsafe { self.memory.update(table, index, change) }
    }

    fn take(&mut self) -> Option<u64> {
        self.take_zeros(1)
    }

    unsafe fn give(&mut self, _table: u64) {}
}

const WRITABLE: Flags = Flags::PRESENT.union(Flags::WRITABLE).union(Flags::NO_EXECUTE);

fn map<M: TableMemory>(table: &mut PageTable<M>, at: u64, to: u64, bytes: u64, flags: Flags) -> Result<(), MapError> {
    // SAFETY: no CPU uses the table before the child runs.
    unsafe { table.map(at, to, bytes, flags, SMALL).map(|flush| _ = flush.not_needed()) }
}

/// Fills the frames and says where the child begins.
pub(super) fn fill<W: Write + TableMemory>(
    space: &mut Space<'_, W>,
    plan: &Plan<'_>,
    id: EnvironmentId,
    listed: &[ListedCapability],
    image: impl Iterator<Item = ImagePage>,
    (image_base, image_size): (u64, u64),
) -> Result<Filled, ChildError> {
    let runs = space.runs;
    let mut table = PageTable::new(&mut *space).ok_or(ChildError::TooSmall)?;
    for page in image {
        let frame = table.memory().take_zeros(1).ok_or(ChildError::TooSmall)?;
        if let Some(content) = page.content {
            // SAFETY: the image's page is mapped, or kept in frames of its own, and does not change.
            let bytes = unsafe { core::slice::from_raw_parts(content, frames::FRAME_BYTES) };
            table.memory().memory.write(frame, bytes);
        }
        map(&mut table, page.address, frame, SMALL, page.flags)?;
    }
    let stack = table.memory().take_zeros(STACK_SIZE / FRAME_SIZE).ok_or(ChildError::TooSmall)?;
    map(&mut table, STACK_TOP - STACK_SIZE, stack, STACK_SIZE, WRITABLE)?;
    let boot_page = table.memory().take_zeros(1).ok_or(ChildError::TooSmall)?;
    for &run in runs.iter().take(MAX_RUNS) {
        let extended = frames::extend(&mut table, PHYSICAL_WINDOW, run)?;
        // SAFETY: as above.
        _ = unsafe { extended.not_needed() };
    }
    let page_table = table.root();
    let mut content = boot_page_of(plan, id, runs, listed);
    (content.image_base, content.image_size) = (image_base, image_size);
    (content.boot_page_physical, content.page_table_physical) = (boot_page, page_table);
    content.used_frames = space.next;
    space.memory.write(boot_page, content.as_bytes());
    // What the code at the child's beginning takes off its stack: the boot page and the program.
    let words = [PHYSICAL_WINDOW + boot_page, plan.main as usize as u64];
    space.memory.write(stack + STACK_SIZE - 16, words.as_bytes());
    Ok(Filled { page_table, stack: STACK_TOP - 16, boot_page })
}

/// What the child is told, as far as it does not depend on where things came to lie.
fn boot_page_of(plan: &Plan<'_>, id: EnvironmentId, runs: &[FrameRun], listed: &[ListedCapability]) -> BootPage {
    let mut content = BootPage::new_zeroed();
    content.magic = MAGIC;
    content.abi_version = ABI_VERSION;
    (content.environment_index, content.environment_generation) = (id.index, id.generation);
    content.cpu = plan.cpu;
    if let Some(system) = info::system() {
        (content.tsc_hertz, content.slice_ticks) = (system.tsc_hertz, system.slice_ticks);
    }
    content.physical_window = PHYSICAL_WINDOW;
    (content.stack_bottom, content.stack_top) = (STACK_TOP - STACK_SIZE, STACK_TOP);
    for (place, &run) in content.runs.iter_mut().zip(runs) {
        *place = run;
        content.run_count += 1;
    }
    for (place, &listed) in content.capabilities.iter_mut().zip(listed) {
        *place = listed;
        content.capability_count += 1;
    }
    content.name_length = put(&mut content.name, plan.name);
    content.arguments_length = put(&mut content.arguments, plan.arguments);
    content
}

/// Copies a text and says how many bytes fit.
fn put(to: &mut [u8], text: &str) -> u32 {
    let count = text.len().min(to.len());
    to[..count].copy_from_slice(&text.as_bytes()[..count]);
    u32::try_from(count).unwrap_or(0)
}
