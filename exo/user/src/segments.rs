//! The environment's own GDT and TSS. The kernel describes the first segments in hidden state only, so nothing
//! that loads a segment, and no exception, works before this.

use crate::exceptions::stacks;
use exo_abi::info::MAX_VCPUS;
use spin::Once;
use x86_64::PrivilegeLevel;
use x86_64::instructions::segmentation::{CS, DS, ES, SS, Segment};
use x86_64::instructions::tables::load_tss;
use x86_64::structures::gdt::{Descriptor, GlobalDescriptorTable, SegmentSelector};

/// Ring-0 code.
pub const KERNEL_CODE: SegmentSelector = SegmentSelector::new(1, PrivilegeLevel::Ring0);
/// Ring-0 data.
pub const KERNEL_DATA: SegmentSelector = SegmentSelector::new(2, PrivilegeLevel::Ring0);
/// Ring-3 data; it stands before the code because SYSRET wants it so.
pub const USER_DATA: SegmentSelector = SegmentSelector::new(3, PrivilegeLevel::Ring3);
/// Ring-3 code.
pub const USER_CODE: SegmentSelector = SegmentSelector::new(4, PrivilegeLevel::Ring3);
/// The task state segment.
pub const TASK_STATE: SegmentSelector = SegmentSelector::new(5, PrivilegeLevel::Ring0);
/// Nobody loads it: its limit is the number of the virtual CPU, for [`crate::vcpu::current`].
pub(crate) const VCPU_NUMBER: SegmentSelector = SegmentSelector::new(7, PrivilegeLevel::Ring0);

/// What STAR must hold for SYSCALL and SYSRET to use these segments.
pub const STAR: u64 = ((KERNEL_DATA.0 as u64 | 3) << 48) | ((KERNEL_CODE.0 as u64) << 32);

static GDT: [Once<GlobalDescriptorTable>; MAX_VCPUS] = [const { Once::new() }; MAX_VCPUS];

/// A data segment whose limit is a number.
const fn number_segment(number: u64) -> Descriptor {
    const PRESENT_DATA: u64 = 0x90 << 40;
    Descriptor::UserSegment(PRESENT_DATA | number & 0xffff)
}

/// Makes, for the first time, and loads the tables of virtual CPU `vcpu`, which runs this and whose stacks have been prepared.
pub(crate) fn load(vcpu: usize) {
    let tss = stacks::begin(vcpu).tss();
    let gdt = GDT[vcpu].call_once(|| {
        let mut gdt = GlobalDescriptorTable::new();
        gdt.append(Descriptor::kernel_code_segment());
        gdt.append(Descriptor::kernel_data_segment());
        gdt.append(Descriptor::user_data_segment());
        gdt.append(Descriptor::user_code_segment());
        // SAFETY: the segment stays where it is for ever, in an area of its own.
        gdt.append(unsafe { Descriptor::tss_segment_unchecked(tss) });
        gdt.append(number_segment(vcpu as u64));
        gdt
    });
    gdt.load();
    // SAFETY: the table just loaded holds these segments, flat and with the privilege that each register needs.
    unsafe {
        CS::set_reg(KERNEL_CODE);
        SS::set_reg(KERNEL_DATA);
        DS::set_reg(KERNEL_DATA);
        ES::set_reg(KERNEL_DATA);
        load_tss(TASK_STATE);
    }
}
