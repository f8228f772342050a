//! Filling a fresh VMCS: controls, host state, and the state in which a guest begins.

use super::capability::CapabilityMsrs;
use super::controls::{PrimaryControls, SecondaryControls, fixed_cr0, fixed_cr4};
use super::fields;
use super::operation::{Machine, Operation};
use super::run::vmx_exit;
use super::vcpu::{EntryState, OutOfFrames};
use super::vmcs::Current;
use crate::addr::FrameNumber;
use crate::cpu::{interrupts, local, msr, page_table};
use crate::guest_space::GuestSpace;
use crate::pool::KernelFrame;
use core::num::NonZeroU16;
use spin::Once;
use x86_64::registers::control::{Cr0, Cr4};

/// The selector of a fresh guest's code segment; its data segments' is the next.
const CODE_SELECTOR: u16 = 8;
/// CR0 bits that a guest cannot change: PE, ET, NE, NW, CD, PG.
pub const CR0_PINNED: u64 = 1 | 1 << 4 | 1 << 5 | 1 << 29 | 1 << 30 | 1 << 31;
const CR0_GUEST: u64 = 1 | 1 << 1 | 1 << 4 | 1 << 5 | 1 << 16 | 1 << 31; // PE, MP, ET, NE, WP, PG
/// CR4 bits that a guest may change where the CPU has them: VME, PVI, TSD, DE, PSE, PAE, PGE, PCE, OSFXSR, OSXMMEXCPT,
/// UMIP, FSGSBASE, PCIDE, OSXSAVE, SMEP, SMAP. The CPU itself refuses to clear PAE in 64-bit mode.
pub const CR4_FREE: u64 = 0b1_1011_1111 | 1 << 9 | 1 << 10 | 1 << 11 | 1 << 16 | 1 << 17 | 1 << 18 | 1 << 20 | 1 << 21;
const CR4_GUEST: u64 = 1 << 5 | 1 << 6 | 1 << 7 | 1 << 9 | 1 << 10; // PAE, MCE, PGE, OSFXSR, OSXMMEXCPT
const CR4_VMXE: u64 = 1 << 13;
/// EFER bits that a guest begins with: SCE, LME, LMA, NXE.
pub const EFER_GUEST: u64 = 1 | 1 << 8 | 1 << 10 | 1 << 11;
/// The PAT's reset value (SDM Vol. 3, 12.12.4).
const PAT_RESET: u64 = 0x0007_0406_0007_0406;
/// #DB, #AC and #MC exit: the first two because their delivery can loop for ever, the last because it is the host's.
const EXCEPTIONS: u32 = 1 << 1 | 1 << 17 | 1 << 18;

/// CR4 bits that a guest of this machine may change.
pub fn cr4_free(msrs: &CapabilityMsrs) -> u64 {
    CR4_FREE & fixed_cr4(msrs, u64::MAX)
}

static MSR_BITMAP: Once<Option<KernelFrame>> = Once::new();

/// The one MSR bitmap (SDM 25.6.9): every access exits but those to FS base, GS base and kernel GS base.
fn msr_bitmap() -> Option<FrameNumber> {
    let frame = MSR_BITMAP.call_once(|| {
        let frame = KernelFrame::take()?;
        let bytes = frame.pointer::<u8>();
        // SAFETY: the frame has been taken and nobody else refers to it.
        unsafe { bytes.write_bytes(0xff, 4096) };
        for register in [msr::number::FS_BASE, msr::number::GS_BASE, msr::number::KERNEL_GS_BASE] {
            let bit = (register & 0x1fff) as usize;
            for half in [1024, 3072] {
                // SAFETY: the halves for reads and writes of the high MSRs begin at 1024 and 3072, of 1024 bytes each.
                unsafe { *bytes.add(half + bit / 8) &= !(1 << (bit % 8)) };
            }
        }
        Some(frame)
    });
    frame.as_ref().map(KernelFrame::number)
}

pub(super) fn controls(
    vmcs: &mut Current<'_>,
    operation: &Operation<'_>,
    space: &GuestSpace,
    vpid: NonZeroU16,
    virtual_apic: FrameNumber,
) -> Result<(), OutOfFrames> {
    let words = &operation.machine.controls;
    let bitmap = msr_bitmap().ok_or(OutOfFrames)?;
    // SAFETY: the control words keep every exit that protects the kernel (`controls`); the EPT is the guest's own; the
    // virtual-APIC page and the MSR bitmap are kernel frames that live as long as the vCPU or for ever.
    unsafe {
        vmcs.write(fields::PIN_BASED_CONTROLS, words.pin);
        vmcs.write(fields::PRIMARY_PROCESSOR_BASED_CONTROLS, words.primary);
        vmcs.write(fields::SECONDARY_PROCESSOR_BASED_CONTROLS, words.secondary);
        vmcs.write(fields::VM_EXIT_CONTROLS, words.exit);
        vmcs.write(fields::VM_ENTRY_CONTROLS, words.entry);
        vmcs.write(fields::EXCEPTION_BITMAP, EXCEPTIONS);
        if words.secondary & SecondaryControls::ENABLE_ENCLS_EXITING.bits() != 0 {
            vmcs.write(fields::ENCLS_EXITING_BITMAP, u64::MAX);
        }
        vmcs.write(fields::PAGE_FAULT_ERROR_CODE_MASK, 0);
        vmcs.write(fields::PAGE_FAULT_ERROR_CODE_MATCH, 0);
        vmcs.write(fields::CR3_TARGET_COUNT, 0);
        vmcs.write(fields::MSR_BITMAP_ADDRESS, bitmap.start().as_u64());
        vmcs.write(fields::VIRTUAL_APIC_ADDRESS, virtual_apic.start().as_u64());
        vmcs.write(fields::TPR_THRESHOLD, 0);
        vmcs.write(fields::EPT_POINTER, space.pointer(&operation.machine.features));
        vmcs.write(fields::VIRTUAL_PROCESSOR_IDENTIFIER, vpid.get());
        vmcs.write(fields::VM_EXIT_MSR_STORE_COUNT, 0);
        vmcs.write(fields::VM_EXIT_MSR_LOAD_COUNT, 0);
        vmcs.write(fields::VM_ENTRY_MSR_LOAD_COUNT, 0);
        vmcs.write(fields::VM_ENTRY_INTERRUPTION_INFORMATION, 0);
        vmcs.write(fields::CR0_GUEST_HOST_MASK, CR0_PINNED);
        vmcs.write(fields::CR0_READ_SHADOW, CR0_GUEST);
        vmcs.write(fields::CR4_GUEST_HOST_MASK, !cr4_free(&operation.machine.msrs));
        vmcs.write(fields::CR4_READ_SHADOW, CR4_GUEST);
    }
    Ok(())
}

/// Has the guest exit when it loads CR3; [`page_table_root`](super::page_table_root) does it then.
pub(super) fn exit_on_cr3_loads(vmcs: &mut Current<'_>) {
    let words = vmcs.read(fields::PRIMARY_PROCESSOR_BASED_CONTROLS) | PrimaryControls::CR3_LOAD_EXITING.bits();
    // SAFETY: one exit more, and every CPU lets this control be 1 (SDM A.3.2: it is of the default1 class).
    unsafe { vmcs.write(fields::PRIMARY_PROCESSOR_BASED_CONTROLS, words) };
}

pub(super) fn host_state(vmcs: &mut Current<'_>, operation: &Operation<'_>) {
    let segments = &operation.segments;
    let (idt_base, _) = interrupts::table();
    // SAFETY: everything is what this CPU uses now and keeps for good; exits arrive at `vmx_exit`, and `vmx_enter` sets
    // the stack pointer.
    unsafe {
        vmcs.write(fields::HOST_CR0, Cr0::read_raw());
        vmcs.write(fields::HOST_CR3, page_table().as_u64());
        vmcs.write(fields::HOST_CR4, Cr4::read_raw());
        vmcs.write(fields::HOST_CS_SELECTOR, segments.code);
        for selector in [fields::HOST_SS_SELECTOR, fields::HOST_DS_SELECTOR, fields::HOST_ES_SELECTOR] {
            vmcs.write(selector, segments.data);
        }
        vmcs.write(fields::HOST_FS_SELECTOR, 0);
        vmcs.write(fields::HOST_GS_SELECTOR, 0);
        vmcs.write(fields::HOST_TR_SELECTOR, segments.task);
        vmcs.write(fields::HOST_FS_BASE, 0);
        vmcs.write(fields::HOST_GS_BASE, local::gs_base(operation.cpu));
        vmcs.write(fields::HOST_TR_BASE, segments.task_base);
        vmcs.write(fields::HOST_GDTR_BASE, segments.gdt_base);
        vmcs.write(fields::HOST_IDTR_BASE, idt_base);
        vmcs.write(fields::HOST_IA32_SYSENTER_CS, 0);
        vmcs.write(fields::HOST_IA32_SYSENTER_ESP, 0);
        vmcs.write(fields::HOST_IA32_SYSENTER_EIP, 0);
        vmcs.write(fields::HOST_IA32_EFER, msr::read(msr::number::EFER));
        vmcs.write(fields::HOST_IA32_PAT, msr::read(msr::number::PAT));
        vmcs.write(fields::HOST_RIP, (&raw const vmx_exit).addr() as u64);
    }
}

const FLAT: u32 = u32::MAX;
const DATA: u32 = 0xc093;

/// Code and stack of ring 0 in 64-bit mode, with interrupts off, wherever the guest has been before.
pub(super) fn ring_0(g: &mut Current<'_>, rip: u64, rsp: u64) {
    const CODE_64: u32 = 0xa09b;
    g.write_guest(fields::GUEST_RSP, rsp);
    g.write_guest(fields::GUEST_RIP, rip);
    g.write_guest(fields::GUEST_RFLAGS, 2);
    g.write_guest(fields::GUEST_CS_SELECTOR, CODE_SELECTOR);
    g.write_guest(fields::GUEST_CS_BASE, 0);
    g.write_guest(fields::GUEST_CS_LIMIT, FLAT);
    g.write_guest(fields::GUEST_CS_ACCESS_RIGHTS, CODE_64);
    g.write_guest(fields::GUEST_SS_SELECTOR, CODE_SELECTOR + 8);
    g.write_guest(fields::GUEST_SS_BASE, 0);
    g.write_guest(fields::GUEST_SS_LIMIT, FLAT);
    g.write_guest(fields::GUEST_SS_ACCESS_RIGHTS, DATA);
    g.write_guest(fields::GUEST_INTERRUPTIBILITY_STATE, 0);
    g.write_guest(fields::GUEST_ACTIVITY_STATE, 0);
    g.write_guest(fields::GUEST_PENDING_DEBUG_EXCEPTIONS, 0);
}

pub(super) fn guest_state(vmcs: &mut Current<'_>, machine: &Machine, entry: &EntryState) {
    const BUSY_TASK: u32 = 0x8b;
    const UNUSABLE: u32 = 1 << 16;
    let g = vmcs;
    ring_0(g, entry.rip, entry.rsp);
    g.write_guest(fields::GUEST_CR0, fixed_cr0(&machine.msrs, CR0_GUEST));
    g.write_guest(fields::GUEST_CR3, entry.page_table.as_u64());
    g.write_guest(fields::GUEST_CR4, fixed_cr4(&machine.msrs, CR4_GUEST | CR4_VMXE));
    g.write_guest(fields::GUEST_DR7, 0x400);
    for (selector, base, limit, rights) in [
        (fields::GUEST_DS_SELECTOR, fields::GUEST_DS_BASE, fields::GUEST_DS_LIMIT, fields::GUEST_DS_ACCESS_RIGHTS),
        (fields::GUEST_ES_SELECTOR, fields::GUEST_ES_BASE, fields::GUEST_ES_LIMIT, fields::GUEST_ES_ACCESS_RIGHTS),
        (fields::GUEST_FS_SELECTOR, fields::GUEST_FS_BASE, fields::GUEST_FS_LIMIT, fields::GUEST_FS_ACCESS_RIGHTS),
        (fields::GUEST_GS_SELECTOR, fields::GUEST_GS_BASE, fields::GUEST_GS_LIMIT, fields::GUEST_GS_ACCESS_RIGHTS),
    ] {
        g.write_guest(selector, CODE_SELECTOR + 8);
        g.write_guest(base, 0);
        g.write_guest(limit, FLAT);
        g.write_guest(rights, DATA);
    }
    g.write_guest(fields::GUEST_LDTR_SELECTOR, 0);
    g.write_guest(fields::GUEST_LDTR_BASE, 0);
    g.write_guest(fields::GUEST_LDTR_LIMIT, 0);
    g.write_guest(fields::GUEST_LDTR_ACCESS_RIGHTS, UNUSABLE);
    g.write_guest(fields::GUEST_TR_SELECTOR, 0);
    g.write_guest(fields::GUEST_TR_BASE, 0);
    g.write_guest(fields::GUEST_TR_LIMIT, 0);
    g.write_guest(fields::GUEST_TR_ACCESS_RIGHTS, BUSY_TASK);
    g.write_guest(fields::GUEST_GDTR_BASE, 0);
    g.write_guest(fields::GUEST_GDTR_LIMIT, 0);
    g.write_guest(fields::GUEST_IDTR_BASE, 0);
    g.write_guest(fields::GUEST_IDTR_LIMIT, 0);
    g.write_guest(fields::GUEST_IA32_SYSENTER_CS, 0);
    g.write_guest(fields::GUEST_IA32_SYSENTER_ESP, 0);
    g.write_guest(fields::GUEST_IA32_SYSENTER_EIP, 0);
    g.write_guest(fields::GUEST_IA32_EFER, EFER_GUEST);
    g.write_guest(fields::GUEST_IA32_PAT, PAT_RESET);
    g.write_guest(fields::GUEST_IA32_DEBUGCTL, 0);
    g.write_guest(fields::VMCS_LINK_POINTER, u64::MAX);
}
