//! The first page of an area of stacks: what belongs to one virtual CPU, and the pointers to its stacks.

use super::stacks::{AREA, MAIN, MAIN_TOP, STRIDE, TOPS, area, depth, next_stack, special};
use crate::frames::pointer;
use crate::vcpu;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_abi::fault_page::FaultPage;
use x86_64::VirtAddr;
use x86_64::structures::tss::TaskStateSegment;

/// It lies at the beginning of its area. The TSS lies so that the entries of its table are aligned.
#[repr(C)]
#[derive(Debug)]
pub struct Local {
    pad: u32,
    // Its table of stacks is written by the entry code and through `table`.
    tss: UnsafeCell<TaskStateSegment>,
    fault_page: u64,
    /// The common pointer, as it was when each of the special stacks came into use.
    entered: [AtomicU64; MAIN],
}

/// Where the TSS has its table (SDM Vol. 3, 8.7).
const TABLE_IN_TSS: usize = 0x24;
const TABLE: usize = core::mem::offset_of!(Local, tss) + TABLE_IN_TSS;
/// Where the common entry of the table is, from the beginning of the area.
pub(super) const MAIN_OFFSET: usize = TABLE + MAIN * 8;
const _: () = assert!(TABLE.is_multiple_of(8) && TOPS[0] == AREA);

impl Local {
    /// Of an area on which nothing has run.
    pub(super) fn new(area: u64) -> Self {
        let mut tss = TaskStateSegment::new();
        for (index, top) in TOPS.into_iter().enumerate() {
            tss.interrupt_stack_table[index] = VirtAddr::new_truncate(area + top);
        }
        // Nothing enters ring 0 without the table; what is put in a gate of another IDT may.
        tss.privilege_stack_table[0] = VirtAddr::new_truncate(area + MAIN_TOP);
        Self { pad: 0, tss: UnsafeCell::new(tss), fault_page: 0, entered: [const { AtomicU64::new(0) }; MAIN] }
    }

    pub(super) const fn set_fault_page(&mut self, address: u64) {
        self.fault_page = address;
    }

    /// The area that a frame on one of its stacks lies in.
    ///
    /// # Safety
    /// The frame is one that the entry code made.
    #[inline(always)]
    pub(super) unsafe fn of<T>(frame: &T) -> &'static Self {
        let area = core::ptr::from_ref(frame).addr() as u64 & !(AREA - 1);
        // SAFETY: the entry code makes frames on stacks of an area, whose first page this is and stays.
        unsafe { &*pointer(area) }
    }

    /// The area of the virtual CPU that runs this.
    ///
    /// # Safety
    /// It has been [prepared](super::stacks::prepare).
    pub(super) unsafe fn current() -> &'static Self {
        // SAFETY: the caller promises that the page is there, and it stays.
        unsafe { &*pointer(area(vcpu::current())) }
    }

    fn area(&self) -> u64 {
        core::ptr::from_ref(self).addr() as u64
    }

    /// Where this virtual CPU is told of accesses to memory that the environment does not hold.
    #[inline(always)]
    pub(super) fn fault_page(&self) -> *mut FaultPage {
        pointer(self.fault_page)
    }

    pub(crate) const fn tss(&self) -> *const TaskStateSegment {
        self.tss.get()
    }

    fn table(&self, index: usize) -> &AtomicU64 {
        // SAFETY: one of the seven words of the table, aligned, which only this virtual CPU uses, here and in the entry code.
        unsafe { &*self.tss.get().byte_add(TABLE_IN_TSS + index * 8).cast::<AtomicU64>() }
    }

    pub(super) fn pointer_of(&self, index: usize) -> u64 {
        self.table(index).load(Ordering::Relaxed)
    }

    fn set(&self, index: usize, top: u64) {
        self.table(index).store(top, Ordering::Relaxed);
    }

    /// Moves the common pointer down, as the entry code does.
    pub(super) fn lower_main(&self) {
        self.set(MAIN, self.pointer_of(MAIN) - STRIDE);
    }

    /// A special stack comes into use.
    pub(super) fn enter(&self, index: usize) {
        self.entered[index].store(self.pointer_of(MAIN), Ordering::Relaxed);
        self.lower_main();
        self.set(index, self.pointer_of(index) - STRIDE);
    }

    /// It is left for the context that it interrupted.
    pub(super) fn leave(&self, index: usize) {
        self.set(index, self.pointer_of(index) + STRIDE);
        self.set(MAIN, self.pointer_of(MAIN) + STRIDE);
    }

    /// Makes the pointers right for a context on stack `rsp` that runs next, other than the one that was interrupted: all stacks above
    /// its own are free again, special ones too if the context is from before they came into use.
    pub(super) fn continue_on(&self, rsp: u64) {
        let entered = |index: usize| self.entered[index].load(Ordering::Relaxed);
        let main = match special(self.area(), rsp) {
            Some(index) => entered(index) - STRIDE,
            None => next_stack(self.area(), rsp),
        };
        self.set(MAIN, main);
        for (index, top) in TOPS.into_iter().take(MAIN).enumerate() {
            let in_use = self.pointer_of(index) != self.area() + top;
            if in_use && main >= entered(index) {
                self.set(index, self.area() + top);
            }
        }
    }

    /// How many stacks for nested exceptions are in use.
    pub(super) fn depth(&self) -> u64 {
        depth(self.area(), self.pointer_of(MAIN))
    }
}
