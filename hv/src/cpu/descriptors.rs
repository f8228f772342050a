//! Each CPU's GDT and TSS: flat segments, and stacks of their own for NMI, #DF and #MC.

use crate::pool::KernelFrame;
use crate::stack::{Stack, StackError};
use core::mem::MaybeUninit;
use x86_64::VirtAddr;
use x86_64::instructions::segmentation::{CS, DS, ES, FS, GS, SS, Segment};
use x86_64::instructions::tables::{load_tss, sgdt};
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable, SegmentSelector};
use x86_64::structures::tss::TaskStateSegment;

/// Index in the TSS of the stack that NMI uses.
pub const NMI_STACK: u8 = 0;
/// Index in the TSS of the stack that #DF uses.
pub const DOUBLE_FAULT_STACK: u8 = 1;
/// Index in the TSS of the stack that #MC uses.
pub const MACHINE_CHECK_STACK: u8 = 2;
/// Frames in each of these stacks.
const STACK_FRAMES: u64 = 4;

/// The host's selectors and bases, as a VMCS needs them.
#[derive(Clone, Copy, Debug)]
pub struct HostSegments {
    /// Selector of the code segment.
    pub code: u16,
    /// Selector of the data segments.
    pub data: u16,
    /// Selector of the TSS.
    pub task: u16,
    /// Base of the GDT.
    pub gdt_base: u64,
    /// Base of the TSS.
    pub task_base: u64,
}

#[repr(C)]
struct Tables {
    gdt: GlobalDescriptorTable,
    task: TaskStateSegment,
}

/// Builds this CPU's tables in a kernel frame that is never given back, and loads them.
///
/// # Errors
/// [`StackError`] where the kernel's memory does not suffice.
pub fn initialise() -> Result<HostSegments, StackError> {
    let frame = KernelFrame::take().ok_or(StackError::NoFrames)?;
    const { assert!(size_of::<Tables>() <= 4096) };
    let place: *mut MaybeUninit<Tables> = frame.pointer();
    core::mem::forget(frame);
    // SAFETY: the frame is this function's alone, aligned, large enough and, being forgotten, there for ever.
    let tables: &'static mut Tables =
        unsafe { (*place).write(Tables { gdt: GlobalDescriptorTable::new(), task: TaskStateSegment::new() }) };
    for index in [NMI_STACK, DOUBLE_FAULT_STACK, MACHINE_CHECK_STACK] {
        let stack = Stack::allocate(STACK_FRAMES)?;
        tables.task.interrupt_stack_table[usize::from(index)] = VirtAddr::new(stack.top().as_u64());
    }
    let Tables { gdt, task } = tables;
    let task: &'static TaskStateSegment = task;
    let code = gdt.append(Descriptor::kernel_code_segment());
    let data = gdt.append(Descriptor::kernel_data_segment());
    let task_selector = gdt.append(Descriptor::tss_segment(task));
    let gdt: &'static GlobalDescriptorTable = gdt;
    gdt.load();
    // SAFETY: the selectors are those of the table that has just been loaded; GS is set afterwards (`local`), since
    // loading the selector clears its base.
    unsafe {
        CS::set_reg(code);
        SS::set_reg(data);
        for set in [DS::set_reg, ES::set_reg, FS::set_reg, GS::set_reg] {
            set(SegmentSelector::NULL);
        }
        load_tss(task_selector);
    }
    Ok(HostSegments {
        code: code.0,
        data: data.0,
        task: task_selector.0,
        gdt_base: sgdt().base.as_u64(),
        task_base: core::ptr::from_ref(task).addr() as u64,
    })
}
