//! The stacks that exceptions run on: an area for each virtual CPU, with its TSS at the bottom.
//!
//! Every vector enters through the interrupt stack table, so nothing is ever pushed below the interrupted code's stack pointer: its
//! red zone is safe, and so is whatever that pointer happens to be (in the first instructions of a SYSCALL entry it is ring 3's).
//! An entry of that table is a fixed address, though, and a second exception would overwrite the first one's stack. So the entry code
//! moves the pointer in the TSS to the next stack down, and the way out moves it back. A nested exception therefore gets a stack of
//! its own, with a page that is not mapped below it, [`LEVELS`] deep; the next one cannot be delivered, and is a double fault.
//!
//! Why nothing comes between the CPU's push and the move: interrupts are off, and the instructions of the entry touch this stack and
//! the TSS only. What can come nevertheless is an NMI, a machine check, or a #DB (MOV SS delays one past an INT into the entry of its
//! handler). Those three and the double fault have stacks of their own, and move the common pointer too before they do anything
//! that can fault: if they came in the gap, the frame that lies above is safe; if they did not, one stack is left out. They move their own
//! pointer as well, below it nothing is mapped, so that one of them inside itself is a double fault, or the end, and not a
//! corrupted stack. What the common pointer was when they came is kept: a handler that goes on elsewhere may leave them behind as well,
//! see [`Local::continue_on`]. On the way out the pointer is moved back before IRET, so an IRET that itself faults (a frame that cannot be
//! loaded) has its frame overwritten: the handler of that fault cannot repeat it, and puts another context there or ends.
//! For ring 3 nothing is different: the table holds for every change of ring.
//!
//! Areas have fixed addresses, one for each virtual CPU, and each virtual CPU has an IDT of its own to stubs that name its area's. So the
//! entry code needs no register to find the TSS, and no segment register, of which the library OS or its programs may make other
//! use. Where a frame is at hand the area is found by clearing its address's lower bits, for an area is aligned to its size.

use super::local::Local;
use super::table;
use crate::frames::{self, pointer};
use crate::page_table::{Flags, MapError, SMALL, translate, with_current};
use crate::{cpu, vcpu};
use core::sync::atomic::Ordering;
use exo_abi::layout::FRAME_SIZE;

/// How many exceptions nest, each on a stack of its own.
pub const LEVELS: u64 = 8;
/// Bytes of each stack.
pub const STACK_BYTES: u64 = 4 * FRAME_SIZE;

/// Where the areas lie: in the highest 2 GiB, so that an instruction can name a place there by itself, above the image.
pub(super) const AREAS: u64 = 0xffff_ffff_e000_0000;
const _: () = assert!(AREAS.cast_signed() >= i32::MIN as i64);
/// Bytes of an area, to which it is aligned.
pub(super) const AREA: u64 = 1 << 20;
/// From one stack to the next. What a stack does not take of it is below it and not mapped.
pub(super) const STRIDE: u64 = 32 << 10;
/// The end of the first stack for nested exceptions, as an offset. Below the last are more strides of nothing than pointers can
/// be moved at the same time.
pub(super) const MAIN_TOP: u64 = 24 * STRIDE;
const MAIN_BOTTOM: u64 = MAIN_TOP - LEVELS * STRIDE;

/// Entries of the interrupt stack table, counted from 0 as the `x86_64` crate does.
pub(super) const DOUBLE_FAULT: usize = 0;
pub(super) const NMI: usize = 1;
pub(super) const MACHINE_CHECK: usize = 2;
pub(super) const DEBUG: usize = 3;
pub(super) const MAIN: usize = 4;

/// Ends of the stacks, by entry of the table, as offsets.
pub(super) const TOPS: [u64; 5] = [32 * STRIDE, 31 * STRIDE, 30 * STRIDE, 29 * STRIDE, MAIN_TOP];

/// Which of the stacks that are not for nested exceptions `rsp` is on, by its entry of the table.
pub(super) fn special(area: u64, rsp: u64) -> Option<usize> {
    // A stack that nothing lies on yet has its pointer at its end.
    let below = |top: u64| (area + top).wrapping_sub(rsp) <= STACK_BYTES;
    TOPS.into_iter().take(MAIN).position(below)
}

/// The stack for an exception that interrupts code on stack `rsp`: the next one down from a stack for nested exceptions, the first
/// from anywhere else but the special stacks.
pub(super) const fn next_stack(area: u64, rsp: u64) -> u64 {
    let inside = rsp.wrapping_sub(area + 1);
    if inside >= MAIN_BOTTOM && inside < MAIN_TOP { area + (inside & !(STRIDE - 1)) } else { area + MAIN_TOP }
}

/// How many stacks are in use when the next one is at `main`.
pub(super) const fn depth(area: u64, main: u64) -> u64 {
    (area + MAIN_TOP).saturating_sub(main) / STRIDE
}

/// Whether an address lies in an area and belongs to no stack: a handler's stack has grown beyond its end.
pub(super) const fn is_between(address: u64) -> bool {
    let inside = (address % AREA) % STRIDE;
    address >= AREAS && address < AREAS + AREA * exo_abi::info::MAX_VCPUS as u64 && inside < STRIDE - STACK_BYTES
}

pub(super) const fn area(vcpu: usize) -> u64 {
    AREAS + vcpu as u64 * AREA
}

/// Maps fresh frames.
fn map(at: u64, bytes: u64) -> Result<(), MapError> {
    let frames = frames::allocate_contiguous(bytes / FRAME_SIZE).ok_or(MapError::NoFrame)?;
    frames.fill(0);
    let physical = translate(frames.as_ptr() as u64).ok_or(MapError::NoFrame)?;
    let flags = Flags::PRESENT | Flags::WRITABLE | Flags::NO_EXECUTE;
    // SAFETY: the frames are the area's for ever, no reference to them is left, and nothing else is mapped there.
    unsafe { with_current(|table| table.map(at, physical, bytes, flags, SMALL).map(|flush| _ = flush.here())) }
}

/// Makes the area of a virtual CPU, where it is not there yet: 50 frames.
///
/// # Errors
/// [`MapError::NoFrame`].
pub(crate) fn prepare(vcpu: usize) -> Result<(), MapError> {
    let area = area(vcpu);
    if translate(area).is_some() {
        return Ok(());
    }
    let nested = (0..LEVELS).map(|level| MAIN_TOP - level * STRIDE);
    for top in nested.chain(TOPS.into_iter().take(MAIN)) {
        map(area + top - STACK_BYTES, STACK_BYTES)?;
    }
    map(area, 2 * FRAME_SIZE)?;
    // SAFETY: the pages were mapped a moment ago, are zeros, which a table may be, and nobody uses them yet.
    unsafe {
        pointer::<Local>(area).write(Local::new(area));
        table::fill(vcpu, &*pointer(area + FRAME_SIZE));
    }
    Ok(())
}

/// The area of a virtual CPU that has been prepared and begins to run.
pub(crate) fn begin(vcpu: usize) -> &'static Local {
    let local = pointer::<Local>(area(vcpu));
    let page = frames::window(vcpu::pages_of(vcpu).faults.load(Ordering::Acquire));
    // SAFETY: the page is there; nobody but this virtual CPU, which has no exceptions yet, uses it.
    unsafe {
        (*local).set_fault_page(page.addr() as u64);
        &*local
    }
}

/// Whether an address that a page fault named is beyond the end of a handler's stack.
pub(super) fn overflowed() -> bool {
    is_between(cpu::read_cr2())
}
