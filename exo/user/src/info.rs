//! What the kernel shows every environment: the machine, the frame table, the table of environments, the slice vectors, and
//! the environment's own page. Reading makes no call.
//!
//! The kernel writes while the environment reads. Each function returns a copy of one record; two records, and the words of
//! one that is being changed, need not be from the same moment. Whoever acts on what was read learns from the call's error.

mod runs;
#[cfg(test)]
mod tests;

pub use runs::{FreeRuns, free_runs_of};

use crate::environment_id::EnvironmentId;
use crate::frames;
use core::mem::offset_of;
use core::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use exo_abi::boot_page::{BootPage, FrameRun};
use exo_abi::environment_page::{EnvironmentPage, REPOSSESSIONS, Repossession, Request};
use exo_abi::info::{
    EnvironmentRecord, FrameRecord, MAX_ENVIRONMENTS, SLICE_POSITIONS, SYSTEM_MAGIC, SliceRecord, SliceVector,
    SystemPage,
};
use zerocopy::FromBytes;

/// Physical addresses; 0 before the library is set up.
static SYSTEM: AtomicU64 = AtomicU64::new(0);
static ENVIRONMENT: AtomicU64 = AtomicU64::new(0);
static INDEX: AtomicU32 = AtomicU32::new(0);
static GENERATION: AtomicU32 = AtomicU32::new(0);
/// What the system page says for the life of the machine.
static FRAME_COUNT: AtomicU64 = AtomicU64::new(0);
static FRAME_TABLE: AtomicU64 = AtomicU64::new(0);

pub(crate) fn initialise(boot: &BootPage) {
    INDEX.store(boot.environment_index, Ordering::Relaxed);
    GENERATION.store(boot.environment_generation, Ordering::Relaxed);
    ENVIRONMENT.store(boot.environment_page_physical, Ordering::Relaxed);
    SYSTEM.store(boot.system_page_physical, Ordering::Relaxed);
    if let Some(system) = system() {
        FRAME_TABLE.store(system.frame_table, Ordering::Relaxed);
        FRAME_COUNT.store(system.frame_count, Ordering::Relaxed);
    }
}

/// A copy of what lies at a physical address.
///
/// # Safety
/// The address must be in a page that the kernel shows for the life of the environment, mapped in the window, and as a `T`
/// lies there.
unsafe fn read<T: FromBytes>(physical: u64) -> T {
    // SAFETY: the caller promises the place. Volatile, because the compiler cannot see the kernel write; any bytes are a `T`.
    unsafe { frames::window(physical).cast::<T>().read_volatile() }
}

/// The environment that this is.
#[must_use]
pub fn own_id() -> EnvironmentId {
    EnvironmentId { index: INDEX.load(Ordering::Relaxed), generation: GENERATION.load(Ordering::Relaxed) }
}

/// The machine, and what revocation has done; `None` where the kernel shows no such page.
#[must_use]
pub fn system() -> Option<SystemPage> {
    let physical = SYSTEM.load(Ordering::Relaxed);
    // SAFETY: the boot page names this frame as the system page.
    let page: SystemPage = unsafe { (physical != 0).then(|| read(physical)) }?;
    (page.magic == SYSTEM_MAGIC).then_some(page)
}

/// How many frames the frame table describes.
#[must_use]
pub fn frame_count() -> u64 {
    FRAME_COUNT.load(Ordering::Relaxed)
}

/// The record of a frame, by number.
#[must_use]
pub fn frame(number: u64) -> Option<FrameRecord> {
    let place = FRAME_TABLE.load(Ordering::Relaxed) + number.checked_mul(size_of::<FrameRecord>() as u64)?;
    // SAFETY: the system page says that the table has so many records, and where; the kernel shows all that it names.
    unsafe { (number < frame_count()).then(|| read(place)) }
}

/// What a frame is, one of [`frame_state`](exo_abi::info::frame_state): much less to read than all of its record.
#[must_use]
pub fn state_of_frame(number: u64) -> Option<u8> {
    let place = FRAME_TABLE.load(Ordering::Relaxed) + number.checked_mul(size_of::<FrameRecord>() as u64)?;
    // SAFETY: as for `frame`; the state is a byte of the record.
    unsafe { (number < frame_count()).then(|| read(place + offset_of!(FrameRecord, state) as u64)) }
}

/// Runs of free frames from frame `from` on, in ascending order, as long as they are in the table.
#[must_use]
pub fn free_runs(from: u64) -> FreeRuns<fn(u64) -> Option<u8>> {
    free_runs_of(from, state_of_frame)
}

/// The free frames, in ascending order.
pub fn free_frames() -> impl Iterator<Item = u64> {
    free_runs(0).flat_map(|FrameRun { first, count }| first..first + count)
}

/// The record at a place of the table of environments, whoever is there.
#[must_use]
pub fn environment_at(index: u32) -> Option<EnvironmentRecord> {
    let table = system()?.environment_table;
    let inside = usize::try_from(index).is_ok_and(|index| index < MAX_ENVIRONMENTS);
    // SAFETY: the system page names the table, which has this many records; the kernel shows it.
    unsafe { inside.then(|| read(table + u64::from(index) * size_of::<EnvironmentRecord>() as u64)) }
}

/// The record of an environment; `None` once its place has been given to another.
#[must_use]
pub fn environment(id: EnvironmentId) -> Option<EnvironmentRecord> {
    environment_at(id.index).filter(|record| record.generation == id.generation)
}

/// The physical address of a part of a CPU's slice vector.
fn in_slice_vector(cpu: u32, offset: usize) -> Option<u64> {
    let system = system().filter(|system| cpu < system.cpus)?;
    Some(system.slice_vectors + u64::from(cpu) * size_of::<SliceVector>() as u64 + offset as u64)
}

/// A position of a CPU's slice vector.
#[must_use]
pub fn slice(cpu: u32, position: usize) -> Option<SliceRecord> {
    let offset = offset_of!(SliceVector, slices) + position.checked_mul(size_of::<SliceRecord>())?;
    let place = in_slice_vector(cpu, offset).filter(|_| position < SLICE_POSITIONS)?;
    // SAFETY: the system page names the vectors, one for each CPU, with this many positions; the kernel shows them.
    Some(unsafe { read(place) })
}

/// A CPU's slice vector by position.
pub fn slices(cpu: u32) -> impl Iterator<Item = (usize, SliceRecord)> {
    (0..SLICE_POSITIONS).map_while(move |position| Some((position, slice(cpu, position)?)))
}

/// The position of a CPU's slice vector that runs, or ran last.
#[must_use]
pub fn running_position(cpu: u32) -> Option<u64> {
    let place = in_slice_vector(cpu, offset_of!(SliceVector, position))?;
    // SAFETY: as for `slice`.
    Some(unsafe { read(place) })
}

/// How many slices have begun on a CPU.
#[must_use]
pub fn slices_begun(cpu: u32) -> Option<u64> {
    let place = in_slice_vector(cpu, offset_of!(SliceVector, begun))?;
    // SAFETY: as for `slice`.
    Some(unsafe { read(place) })
}

/// Reads a part of the environment page.
///
/// # Safety
/// A `T` must lie at the offset.
unsafe fn in_environment_page<T: FromBytes>(offset: usize) -> Option<T> {
    let physical = ENVIRONMENT.load(Ordering::Relaxed);
    // SAFETY: the boot page names this frame as the environment page; the caller answers for the offset.
    unsafe { (physical != 0).then(|| read(physical + offset as u64)) }
}

/// What is asked of this environment, last.
#[must_use]
pub fn request() -> Option<Request> {
    // SAFETY: the offset is the field's.
    unsafe { in_environment_page(offset_of!(EnvironmentPage, request)) }
}

/// What this environment claims from another, last.
#[must_use]
pub fn claim() -> Option<Request> {
    // SAFETY: the offset is the field's.
    unsafe { in_environment_page(offset_of!(EnvironmentPage, claim)) }
}

/// How many entries have been written to the repossession vector since the beginning.
#[must_use]
pub fn repossessed() -> u64 {
    // SAFETY: the offset is the field's.
    unsafe { in_environment_page(offset_of!(EnvironmentPage, repossessed)) }.unwrap_or(0)
}

/// What stands where entry `number` of the repossession vector is, or a later one in its place.
#[must_use]
pub fn repossession(number: u64) -> Option<Repossession> {
    let place = usize::try_from(number % REPOSSESSIONS as u64).ok()?;
    // SAFETY: the vector is an array of this many entries.
    unsafe { in_environment_page(offset_of!(EnvironmentPage, repossessions) + place * size_of::<Repossession>()) }
}
