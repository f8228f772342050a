//! Thin wrappers of the instructions that a library OS runs in its own ring 0. What they cost is the exit budget.

use core::arch::asm;
use core::arch::x86_64::CpuidResult;

/// MSRs by number.
pub mod msr {
    #![allow(missing_docs)] // the names are the manual's
    pub const EFER: u32 = 0xc000_0080;
    pub const STAR: u32 = 0xc000_0081;
    pub const LSTAR: u32 = 0xc000_0082;
    pub const CSTAR: u32 = 0xc000_0083;
    pub const FMASK: u32 = 0xc000_0084;
    pub const FS_BASE: u32 = 0xc000_0100;
    pub const GS_BASE: u32 = 0xc000_0101;
    pub const KERNEL_GS_BASE: u32 = 0xc000_0102;
}

/// CPUID. The kernel answers it.
#[must_use]
pub fn cpuid(leaf: u32, subleaf: u32) -> CpuidResult {
    // Older compilers count this among the unsafe functions.
    #[allow(unused_unsafe)]
    // SAFETY: every 64-bit CPU has the instruction, and it touches no memory.
    unsafe {
        core::arch::x86_64::__cpuid_count(leaf, subleaf)
    }
}

/// The time stamp counter.
#[inline(always)]
#[must_use]
pub fn read_tsc() -> u64 {
    let (low, high): (u64, u64);
    // SAFETY: reads a counter.
    unsafe { asm!("rdtsc", out("rax") low, out("rdx") high, options(nomem, nostack, preserves_flags)) };
    high << 32 | low
}

/// An MSR. A general protection fault where the environment may not read it.
#[must_use]
pub fn read_msr(number: u32) -> u64 {
    let (low, high): (u64, u64);
    // SAFETY: reading an MSR that a guest may read has no effect on memory.
    unsafe {
        asm!("rdmsr", in("ecx") number, out("rax") low, out("rdx") high, options(nomem, nostack, preserves_flags))
    };
    high << 32 | low
}

/// Writes an MSR.
///
/// # Safety
/// What the MSR governs (segment bases, SYSCALL entry) must be right for the code that runs next.
pub unsafe fn write_msr(number: u32, value: u64) {
    // SAFETY: the caller answers for the effect.
    unsafe {
        asm!("wrmsr", in("ecx") number, in("rax") value, in("rdx") value >> 32, options(nostack, preserves_flags))
    };
}

macro_rules! control_register {
    ($read:ident $write:ident $name:literal) => {
        #[doc = concat!("Reads ", $name, ".")]
        #[inline(always)]
        #[must_use]
        pub fn $read() -> u64 {
            let value;
            // SAFETY: reading a control register has no effect.
            unsafe { asm!(concat!("mov {}, ", $name), out(reg) value, options(nomem, nostack, preserves_flags)) };
            value
        }

        #[doc = concat!("Writes ", $name, ".")]
        ///
        /// # Safety
        /// What the register governs must be right for the code that runs next.
        #[inline(always)]
        pub unsafe fn $write(value: u64) {
            // SAFETY: the caller answers for the effect.
            unsafe { asm!(concat!("mov ", $name, ", {}"), in(reg) value, options(nostack, preserves_flags)) };
        }
    };
}

control_register!(read_cr0 write_cr0 "cr0");
control_register!(read_cr2 write_cr2 "cr2");
control_register!(read_cr3 write_cr3 "cr3");
control_register!(read_cr4 write_cr4 "cr4");
control_register!(read_cr8 write_cr8 "cr8");

/// Forgets what the TLB knows of one page.
#[inline(always)]
pub fn invalidate_page(address: u64) {
    // SAFETY: forgetting a translation changes nothing; an address that is not canonical has none (SDM Vol. 2, INVLPG).
    unsafe { asm!("invlpg [{}]", in(reg) address, options(nostack, preserves_flags)) };
}

/// Exchanges GS base and kernel GS base.
///
/// # Safety
/// Nobody may rely on the current GS base.
#[inline(always)]
pub unsafe fn swap_gs() {
    // SAFETY: the caller answers for the effect.
    unsafe { asm!("swapgs", options(nostack, preserves_flags)) };
}

/// Clears CR0.TS.
#[inline(always)]
pub fn clear_task_switched() {
    // SAFETY: with TS clear the vector instructions work; nothing in this library counts on their faulting.
    unsafe { asm!("clts", options(nomem, nostack, preserves_flags)) };
}

/// Raises a breakpoint exception.
#[inline(always)]
pub fn breakpoint() {
    // SAFETY: the library's IDT handles the exception.
    unsafe { asm!("int3", options(nostack)) };
}

/// Lets interrupts through. The library's IDT takes every vector.
pub fn enable_interrupts() {
    // SAFETY: every vector has a stub; a handler for those expected is the caller's affair.
    unsafe { asm!("sti", options(nostack)) };
}

/// Keeps interrupts out.
pub fn disable_interrupts() {
    // SAFETY: delays interrupts, nothing else.
    unsafe { asm!("cli", options(nostack)) };
}

/// Waits for an interrupt.
pub fn halt() {
    // SAFETY: waits, nothing else.
    unsafe { asm!("hlt", options(nostack)) };
}
