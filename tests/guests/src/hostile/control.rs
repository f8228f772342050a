//! Control-register bits that are not the guest's.

use super::{Case, EXITS, Verdict, must_be, must_fault, must_pass};
use crate::attempt;
use core::arch::asm;
use exo_user::abi::boot_page::BootPage;
use exo_user::exceptions::vector::GENERAL_PROTECTION;
use exo_user::{cpu, println};

pub const CASES: &[Case] = &[
    Case::new("cr0-pinned", EXITS, cr0_pinned, "changes each pinned bit of CR0"),
    Case::new("lmsw", EXITS, lmsw, "tries to leave protected mode by LMSW"),
    Case::new("cr4-vmxe", EXITS, |_| cr4_bits(&[("VMXE", 13)]), "sets CR4.VMXE"),
    Case::new("cr4-bits", EXITS, |_| cr4_bits(&CR4_BITS), "changes each other bit of CR4 that is not the guest's"),
    Case::new("cr8-garbage", EXITS, cr8_garbage, "writes reserved bits of CR8"),
    Case::new("xsetbv-garbage", EXITS, xsetbv_garbage, "executes XSETBV with impossible values"),
];

const CR4_BITS: [(&str, u32); 10] = [
    ("PAE", 5),
    ("MCE", 6),
    ("LA57", 12),
    ("SMXE", 14),
    ("reserved 15", 15),
    ("PKE", 22),
    ("CET", 23),
    ("PKS", 24),
    ("reserved 31", 31),
    ("reserved 40", 40),
];

fn cr0_pinned(_boot: &'static BootPage) -> Verdict {
    let value = cpu::read_cr0();
    for (name, changed) in [
        ("PE cleared", value & !1),
        ("NE cleared", value & !(1 << 5)),
        ("PG cleared", value & !(1 << 31)),
        ("CD set", value | 1 << 30),
        ("CD and NW set", value | 3 << 29),
        ("NW set", value | 1 << 29),
        ("bit 32 set", value | 1 << 32),
    ] {
        must_fault(name, GENERAL_PROTECTION, attempt!("mov cr0, {operand}", operand = in(reg) changed))?;
        must_be(format_args!("CR0 after {name}"), cpu::read_cr0(), value)?;
    }
    println!("saw a general protection fault for each");
    Ok(())
}

/// LMSW can set PE but not clear it, so nothing may happen, not even a fault.
fn lmsw(_boot: &'static BootPage) -> Verdict {
    const LOW: u64 = 0xe;
    let value = cpu::read_cr0();
    let low: u32 = if value & 1 << 3 == 0 { 0 } else { 1 << 3 };
    must_pass("LMSW without PE", attempt!("lmsw {operand:x}", operand = in(reg) low))?;
    must_be("CR0 but for MP, EM and TS", cpu::read_cr0() & !LOW, value & !LOW)?;
    println!("saw no change");
    Ok(())
}

fn cr4_bits(bits: &[(&str, u32)]) -> Verdict {
    let value = cpu::read_cr4();
    for &(name, bit) in bits {
        let changed = value ^ (1 << bit);
        must_fault(
            format_args!("CR4.{name} changed"),
            GENERAL_PROTECTION,
            attempt!("mov cr4, {operand}", operand = in(reg) changed),
        )?;
        must_be(format_args!("CR4 after {name}"), cpu::read_cr4(), value)?;
    }
    println!("saw a general protection fault for each");
    Ok(())
}

fn cr8_garbage(_boot: &'static BootPage) -> Verdict {
    for value in [16_u64, 1 << 32, u64::MAX] {
        must_fault(
            format_args!("CR8 = {value:#x}"),
            GENERAL_PROTECTION,
            attempt!("mov cr8, {operand}", operand = in(reg) value),
        )?;
    }
    println!("saw a general protection fault for each");
    Ok(())
}

fn xsetbv(register: u32, value: u64) -> Result<(), crate::faults::Fault> {
    attempt!("xsetbv", in("ecx") register, in("rax") value & 0xffff_ffff, in("rdx") value >> 32)
}

fn xsetbv_garbage(_boot: &'static BootPage) -> Verdict {
    const XSAVE: u32 = 1 << 26;
    const OSXSAVE: u64 = 1 << 18;
    if cpu::cpuid(1, 0).ecx & XSAVE == 0 {
        println!("saw that this CPU has no XSAVE");
        return Ok(());
    }
    // SAFETY: only makes XSETBV and XGETBV exist.
    unsafe { cpu::write_cr4(cpu::read_cr4() | OSXSAVE) };
    let leaf = cpu::cpuid(0xd, 0);
    let allowed = u64::from(leaf.edx) << 32 | u64::from(leaf.eax);
    for value in [0, 2, 4, 5, 1 | 1 << 62, 1 | 1 << 63, allowed | !allowed, 1 | 1 << 3, 1 | 1 << 5] {
        must_fault(format_args!("XCR0 = {value:#x}"), GENERAL_PROTECTION, xsetbv(0, value))?;
    }
    for register in [1, 2, 0x8000_0000, u32::MAX] {
        must_fault(format_args!("XCR{register} = 1"), GENERAL_PROTECTION, xsetbv(register, 1))?;
    }
    for value in [1, 3, 7].into_iter().filter(|value| value & !allowed == 0) {
        must_pass(format_args!("XCR0 = {value:#x}"), xsetbv(0, value))?;
        let (low, high): (u64, u64);
        // SAFETY: reads a register that CR4.OSXSAVE makes readable.
        unsafe { asm!("xgetbv", in("ecx") 0, out("rax") low, out("rdx") high, options(nomem, nostack)) };
        must_be("XCR0", high << 32 | low, value)?;
    }
    println!("saw the faults and the values that there must be; XCR0 may be {allowed:#x}");
    Ok(())
}
