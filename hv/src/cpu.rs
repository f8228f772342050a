//! The processor itself: identification, privileged instructions, descriptor tables, interrupts, APIC, timers.

pub mod apic;
pub mod calendar;
pub mod descriptors;
pub mod interrupts;
pub mod io_apic;
pub mod legacy_pic;
pub mod local;
pub mod msr;
pub mod start;
pub mod time;
pub mod vector_state;

use crate::addr::HostPhysical;
use core::arch::asm;
use x86_64::registers::control::{Cr0, Cr0Flags, Cr4, Cr4Flags};

pub use local::{CpuIndex, MAX_CPUS, index_or_zero};

/// The time-stamp counter.
#[must_use]
pub fn tsc() -> u64 {
    // SAFETY: every x86-64 CPU has RDTSC, and the kernel runs in ring 0 where CR4.TSD does not matter.
    unsafe { x86::time::rdtsc() }
}

/// CPUID: EAX, EBX, ECX, EDX.
#[must_use]
pub fn cpuid(leaf: u32, subleaf: u32) -> [u32; 4] {
    let result = core::arch::x86_64::__cpuid_count(leaf, subleaf);
    [result.eax, result.ebx, result.ecx, result.edx]
}

/// Stops this CPU for good.
pub fn halt_for_ever() -> ! {
    loop {
        // SAFETY: with interrupts off HLT only waits; an NMI is served and the loop goes on.
        unsafe { asm!("cli", "hlt", options(nomem, nostack)) };
    }
}

/// Waits for an interrupt with interrupts on, and returns with them off again. The handlers only note vectors.
pub fn wait_for_interrupt() {
    // SAFETY: STI takes effect after the next instruction, so an interrupt between the two cannot be slept through;
    // the handlers (`interrupts`) save every register.
    unsafe { asm!("sti", "hlt", "cli", options(nostack)) };
}

/// Loads the top-level page table.
///
/// # Safety
/// The table maps the kernel's code, its data, this stack and the window where they are now.
pub unsafe fn load_page_table(root: HostPhysical) {
    // SAFETY: the caller vouches for the table.
    unsafe { asm!("mov cr3, {}", in(reg) root.as_u64(), options(nostack)) };
}

/// The top-level page table of this CPU.
#[must_use]
pub fn page_table() -> HostPhysical {
    let root: u64;
    // SAFETY: reading CR3 has no effect.
    unsafe { asm!("mov {}, cr3", out(reg) root, options(nomem, nostack)) };
    HostPhysical::new(root & 0x000f_ffff_ffff_f000)
}

/// The page-fault address register, which the VMCS does not switch.
#[must_use]
pub fn read_cr2() -> u64 {
    let value: u64;
    // SAFETY: reading CR2 has no effect.
    unsafe { asm!("mov {}, cr2", out(reg) value, options(nomem, nostack)) };
    value
}

/// Loads the page-fault address register.
pub fn write_cr2(value: u64) {
    // SAFETY: the kernel reads CR2 only in its own page-fault report.
    unsafe { asm!("mov cr2, {}", in(reg) value, options(nomem, nostack)) };
}

/// Switches on what the kernel relies on: write protection, numeric errors, SSE state instructions, and
/// SMEP, SMAP, FSGSBASE and XSAVE where the CPU has them. Interrupts stay off.
pub fn enable_features() {
    let [_, _, leaf1_ecx, _] = cpuid(1, 0);
    let [_, leaf7_ebx, _, _] = cpuid(7, 0);
    let mut cr4 = Cr4Flags::PHYSICAL_ADDRESS_EXTENSION
        | Cr4Flags::PAGE_GLOBAL
        | Cr4Flags::OSFXSR
        | Cr4Flags::OSXMMEXCPT_ENABLE
        | Cr4Flags::MACHINE_CHECK_EXCEPTION;
    cr4.set(Cr4Flags::OSXSAVE, leaf1_ecx & 1 << 26 != 0);
    cr4.set(Cr4Flags::SUPERVISOR_MODE_EXECUTION_PROTECTION, leaf7_ebx & 1 << 7 != 0);
    cr4.set(Cr4Flags::SUPERVISOR_MODE_ACCESS_PREVENTION, leaf7_ebx & 1 << 20 != 0);
    let cr0 = Cr0Flags::PROTECTED_MODE_ENABLE
        | Cr0Flags::PAGING
        | Cr0Flags::WRITE_PROTECT
        | Cr0Flags::NUMERIC_ERROR
        | Cr0Flags::EXTENSION_TYPE
        | Cr0Flags::MONITOR_COPROCESSOR;
    // SAFETY: paging and 64-bit mode stay as they are; the kernel maps nothing as user memory, holds no vector state
    // of its own, and has a machine-check handler or, before that, nothing to lose.
    unsafe {
        Cr0::write(cr0);
        Cr4::write(cr4);
    }
}
