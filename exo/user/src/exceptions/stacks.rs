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
//! corrupted stack. On the way out the pointer is moved back before IRET, so an IRET that itself faults (a frame that cannot be
//! loaded) has its frame overwritten: the handler of that fault cannot repeat it, and puts another context there or ends.
//! For ring 3 nothing is different: the table holds for every change of ring.
//!
//! An area is aligned to its size. The entry code finds the TSS by clearing the lower bits of rsp, without a segment register, of
//! which the library OS or its programs may make other use.

use crate::frames::{self, pointer};
use crate::page_table::{Flags, MapError, SMALL, translate, with_current};
use crate::{cpu, vcpu};
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_abi::fault_page::FaultPage;
use exo_abi::layout::FRAME_SIZE;
use x86_64::VirtAddr;
use x86_64::structures::tss::TaskStateSegment;

/// How many exceptions nest, each on a stack of its own.
pub const LEVELS: u64 = 8;
/// Bytes of each stack.
pub const STACK_BYTES: u64 = 4 * FRAME_SIZE;

/// Where the areas lie: above the first stack, in the part that its page tables map anyway.
const AREAS: u64 = 0xffff_ff80_0100_0000;
/// Bytes of an area, to which it is aligned.
pub(super) const AREA: u64 = 1 << 20;
/// From one stack to the next. What a stack does not take of it is below it and not mapped.
pub(super) const STRIDE: u64 = 32 << 10;
/// The end of the first stack for nested exceptions, as an offset. Below the last are more strides of nothing than pointers can
/// be moved at the same time.
const MAIN_TOP: u64 = 24 * STRIDE;
const MAIN_BOTTOM: u64 = MAIN_TOP - LEVELS * STRIDE;

/// Entries of the interrupt stack table, counted from 0 as the `x86_64` crate does.
pub(super) const DOUBLE_FAULT: usize = 0;
pub(super) const NMI: usize = 1;
pub(super) const MACHINE_CHECK: usize = 2;
pub(super) const DEBUG: usize = 3;
pub(super) const MAIN: usize = 4;

/// Ends of the stacks, by entry of the table, as offsets.
const TOPS: [u64; 5] = [32 * STRIDE, 31 * STRIDE, 30 * STRIDE, 29 * STRIDE, MAIN_TOP];

/// The first page of an area. The TSS lies so that the entries of its table are aligned.
#[repr(C)]
#[derive(Debug)]
pub struct Local {
    vcpu: u32,
    // Its table of stacks is written by the entry code and through `table`.
    tss: UnsafeCell<TaskStateSegment>,
    fault_page: u64,
}

/// Where the TSS has its table (SDM Vol. 3, 8.7).
const TABLE_IN_TSS: usize = 0x24;
const TABLE: usize = core::mem::offset_of!(Local, tss) + TABLE_IN_TSS;
/// Where the common entry of the table is, from the beginning of the area.
pub(super) const MAIN_OFFSET: usize = TABLE + MAIN * 8;
const _: () = assert!(TABLE.is_multiple_of(8) && TOPS[0] == AREA);

/// The stack for an exception that interrupts code on stack `rsp`: the next one down from a stack for nested exceptions, the first
/// from anywhere else.
pub(super) const fn next_stack(area: u64, rsp: u64) -> u64 {
    // A stack that nothing lies on yet has its pointer at its end.
    let inside = rsp.wrapping_sub(area + 1);
    if inside >= MAIN_BOTTOM && inside < MAIN_TOP { area + (inside & !(STRIDE - 1)) } else { area + MAIN_TOP }
}

/// How many stacks are in use when the next one is at `main`.
const fn depth(area: u64, main: u64) -> u64 {
    (area + MAIN_TOP).saturating_sub(main) / STRIDE
}

/// Whether an address lies in an area and belongs to no stack: a handler's stack has grown beyond its end.
pub(super) const fn is_between(address: u64) -> bool {
    let inside = (address % AREA) % STRIDE;
    address >= AREAS && address < AREAS + AREA * exo_abi::info::MAX_VCPUS as u64 && inside < STRIDE - STACK_BYTES
}

const fn area(vcpu: usize) -> u64 {
    AREAS + vcpu as u64 * AREA
}

impl Local {
    /// The area that a frame on one of its stacks lies in.
    ///
    /// # Safety
    /// The frame is one that the entry code made.
    pub(super) unsafe fn of<T>(frame: &T) -> &'static Self {
        let area = core::ptr::from_ref(frame).addr() as u64 & !(AREA - 1);
        // SAFETY: the entry code makes frames on stacks of an area, whose first page this is and stays.
        unsafe { &*pointer(area) }
    }

    /// The area of the virtual CPU that runs this.
    ///
    /// # Safety
    /// It has been [prepared](prepare).
    pub(super) unsafe fn current() -> &'static Self {
        // SAFETY: the caller promises that the page is there, and it stays.
        unsafe { &*pointer(area(vcpu::current())) }
    }

    pub(super) fn area(&self) -> u64 {
        core::ptr::from_ref(self).addr() as u64
    }

    /// Where this virtual CPU is told of accesses to memory that the environment does not hold.
    pub(super) fn fault_page(&self) -> *mut FaultPage {
        pointer(self.fault_page)
    }

    fn table(&self, index: usize) -> &AtomicU64 {
        // SAFETY: one of the seven words of the table, aligned, which only this virtual CPU uses, here and in the entry code.
        unsafe { &*self.tss.get().byte_add(TABLE_IN_TSS + index * 8).cast::<AtomicU64>() }
    }

    /// Moves an entry of the table down by a stack.
    pub(super) fn lower(&self, index: usize) {
        self.set(index, self.table(index).load(Ordering::Relaxed) - STRIDE);
    }

    /// Moves it up again.
    pub(super) fn raise(&self, index: usize) {
        self.set(index, self.table(index).load(Ordering::Relaxed) + STRIDE);
    }

    fn set(&self, index: usize, top: u64) {
        self.table(index).store(top, Ordering::Relaxed);
    }

    pub(super) fn set_main(&self, top: u64) {
        self.set(MAIN, top);
    }

    /// How many stacks for nested exceptions are in use.
    pub(super) fn depth(&self) -> u64 {
        depth(self.area(), self.table(MAIN).load(Ordering::Relaxed))
    }

    pub(crate) const fn tss(&self) -> *const TaskStateSegment {
        self.tss.get()
    }
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

/// Makes the area of a virtual CPU, where it is not there yet: 49 frames.
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
    map(area, FRAME_SIZE)?;
    let local = pointer::<Local>(area);
    let number = u32::try_from(vcpu).unwrap_or(0);
    let mut tss = TaskStateSegment::new();
    for (index, top) in TOPS.into_iter().enumerate() {
        tss.interrupt_stack_table[index] = VirtAddr::new_truncate(area + top);
    }
    // Nothing enters ring 0 without the table; what is put in a gate of another IDT may.
    tss.privilege_stack_table[0] = VirtAddr::new_truncate(area + MAIN_TOP);
    // SAFETY: the page was mapped a moment ago and nobody uses it yet.
    unsafe { local.write(Local { vcpu: number, tss: UnsafeCell::new(tss), fault_page: 0 }) };
    Ok(())
}

/// The area of a virtual CPU that has been prepared and begins to run.
pub(crate) fn begin(vcpu: usize) -> &'static Local {
    let local = pointer::<Local>(area(vcpu));
    // SAFETY: the page is there; nobody but this virtual CPU, which has no exceptions yet, uses it.
    unsafe {
        (*local).fault_page = frames::window(vcpu::pages_of(vcpu).faults.load(Ordering::Acquire)).addr() as u64;
        &*local
    }
}

/// Whether an address that a page fault named is beyond the end of a handler's stack.
pub(super) fn overflowed() -> bool {
    is_between(cpu::read_cr2())
}
