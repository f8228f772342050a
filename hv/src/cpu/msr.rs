//! Model-specific registers, read and written so that one that does not exist is an answer, not a crash.

use core::arch::{asm, global_asm};

/// Where RDMSR and WRMSR may fault: `interrupts` resumes at the second of a pair after #GP at the first.
pub(super) fn recovery(fault: u64) -> Option<u64> {
    let pairs = [
        (&raw const guarded_rdmsr, &raw const guarded_rdmsr_failed),
        (&raw const guarded_wrmsr, &raw const guarded_wrmsr_failed),
    ];
    pairs.iter().find(|(at, _)| at.addr() as u64 == fault).map(|(_, to)| to.addr() as u64)
}

unsafe extern "C" {
    static guarded_rdmsr: u8;
    static guarded_rdmsr_failed: u8;
    static guarded_wrmsr: u8;
    static guarded_wrmsr_failed: u8;
    fn read_msr_guarded(register: u32, value: *mut u64) -> u64;
    fn write_msr_guarded(register: u32, value: u64) -> u64;
}

global_asm!(
    r#"
    .text
    .global read_msr_guarded, write_msr_guarded
    .global guarded_rdmsr, guarded_rdmsr_failed, guarded_wrmsr, guarded_wrmsr_failed
read_msr_guarded:
    mov ecx, edi
guarded_rdmsr:
    rdmsr
    shl rdx, 32
    mov eax, eax
    or rax, rdx
    mov [rsi], rax
    mov eax, 1
    ret
guarded_rdmsr_failed:
    xor eax, eax
    ret
write_msr_guarded:
    mov ecx, edi
    mov rax, rsi
    mov rdx, rsi
    shr rdx, 32
guarded_wrmsr:
    wrmsr
    mov eax, 1
    ret
guarded_wrmsr_failed:
    xor eax, eax
    ret
"#
);

/// Reads a register; `None` where the CPU has none of this number. Needs the kernel's own IDT.
#[must_use]
pub fn read_guarded(register: u32) -> Option<u64> {
    let mut value = 0;
    // SAFETY: reading an MSR has no effect that the kernel relies on not happening; #GP is recovered from.
    (unsafe { read_msr_guarded(register, &raw mut value) } != 0).then_some(value)
}

/// Writes a register; `false` where the CPU refuses the register or the value. Needs the kernel's own IDT.
///
/// # Safety
/// As for [`write`].
#[must_use]
pub unsafe fn write_guarded(register: u32, value: u64) -> bool {
    // SAFETY: the caller vouches for the effect; #GP is recovered from.
    unsafe { write_msr_guarded(register, value) != 0 }
}

/// Reads a register that this CPU is known to have.
#[must_use]
pub fn read(register: u32) -> u64 {
    let (low, high): (u32, u32);
    // SAFETY: reading an MSR has no effect; one that does not exist is #GP and a kernel panic, not corruption.
    unsafe { asm!("rdmsr", in("ecx") register, out("eax") low, out("edx") high, options(nomem, nostack)) };
    u64::from(high) << 32 | u64::from(low)
}

/// Writes a register that this CPU is known to have.
///
/// # Safety
/// The value keeps what the kernel relies on: 64-bit mode, its GS base, its APIC.
pub unsafe fn write(register: u32, value: u64) {
    let (low, high) = (value & 0xffff_ffff, value >> 32);
    // SAFETY: the caller vouches for the effect.
    unsafe { asm!("wrmsr", in("ecx") register, in("rax") low, in("rdx") high, options(nostack)) };
}

/// Numbers of the registers that the kernel uses (SDM Vol. 4).
pub mod number {
    /// IA32_APIC_BASE.
    pub const APIC_BASE: u32 = 0x1b;
    /// IA32_TIME_STAMP_COUNTER.
    pub const TSC: u32 = 0x10;
    /// IA32_SYSENTER_CS.
    pub const SYSENTER_CS: u32 = 0x174;
    /// IA32_SYSENTER_ESP.
    pub const SYSENTER_ESP: u32 = 0x175;
    /// IA32_SYSENTER_EIP.
    pub const SYSENTER_EIP: u32 = 0x176;
    /// IA32_PAT.
    pub const PAT: u32 = 0x277;
    /// IA32_TSC_DEADLINE.
    pub const TSC_DEADLINE: u32 = 0x6e0;
    /// First MSR of the x2APIC registers.
    pub const X2APIC: u32 = 0x800;
    /// IA32_EFER.
    pub const EFER: u32 = 0xc000_0080;
    /// IA32_STAR.
    pub const STAR: u32 = 0xc000_0081;
    /// IA32_LSTAR.
    pub const LSTAR: u32 = 0xc000_0082;
    /// IA32_CSTAR.
    pub const CSTAR: u32 = 0xc000_0083;
    /// IA32_FMASK.
    pub const FMASK: u32 = 0xc000_0084;
    /// IA32_FS_BASE.
    pub const FS_BASE: u32 = 0xc000_0100;
    /// IA32_GS_BASE.
    pub const GS_BASE: u32 = 0xc000_0101;
    /// IA32_KERNEL_GS_BASE.
    pub const KERNEL_GS_BASE: u32 = 0xc000_0102;
    /// IA32_TSC_AUX.
    pub const TSC_AUX: u32 = 0xc000_0103;
}
