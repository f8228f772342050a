//! Pointing the CPU's own structures at memory that the environment does not hold, or wrecking them.

use super::{Case, TRIPLE_FAULT, VIOLATION, Verdict, must_fault};
use crate::attempt;
use core::arch::asm;
use exo_user::abi::boot_page::BootPage;
use exo_user::exceptions::vector::{GENERAL_PROTECTION, PAGE_FAULT};
use exo_user::page_table::{self, Flags};
use exo_user::{cpu, frames, println};
use x86_64::VirtAddr;
use x86_64::instructions::tables::{lgdt, lidt};
use x86_64::structures::DescriptorTablePointer;

pub const CASES: &[Case] = &[
    Case::new("foreign-page-table", VIOLATION, foreign_page_table, "loads CR3 with the kernel's memory"),
    Case::new("foreign-table-entry", VIOLATION, foreign_table_entry, "has a page-table entry lead to a foreign table"),
    Case::new("foreign-idt", VIOLATION, foreign_idt, "takes an exception through an IDT in foreign memory"),
    Case::new("foreign-gdt", VIOLATION, foreign_gdt, "loads a segment from a GDT in foreign memory"),
    Case::new("foreign-stack", VIOLATION, foreign_stack, "pushes onto a stack in foreign memory"),
    Case::new("smashed-page-tables", TRIPLE_FAULT, smash, "clears its own top-level page table"),
    Case::new("reserved-bits", super::EXITS, reserved_bits, "sets reserved bits in page-table entries and CR3"),
];

const FOREIGN: u64 = 0x20_0000;
const WINDOW: u64 = 0x1000_2000_0000;

fn map_foreign() -> Verdict {
    // SAFETY: nothing else is mapped here.
    unsafe { page_table::map(WINDOW, FOREIGN, Flags::PRESENT | Flags::WRITABLE) }
        .map_err(|error| alloc::format!("cannot map: {error}"))
}

fn foreign_page_table(_boot: &'static BootPage) -> Verdict {
    // SAFETY: the kernel must end the environment at the next instruction fetch.
    unsafe { cpu::write_cr3(FOREIGN) };
    Ok(())
}

fn foreign_table_entry(_boot: &'static BootPage) -> Verdict {
    map_foreign()?;
    // The top-level entry of another corner of the address space.
    let address = 0x2000_0000_0000;
    let entry = page_table::entry(address);
    // SAFETY: nothing is mapped there.
    unsafe { entry.set(FOREIGN | 7) };
    let seen = attempt!("mov rax, [rsi]", in("rsi") address, out("rax") _);
    println!("saw {seen:?}");
    Ok(())
}

fn foreign_idt(_boot: &'static BootPage) -> Verdict {
    map_foreign()?;
    // SAFETY: the kernel must end the environment when the exception is delivered.
    unsafe { lidt(&DescriptorTablePointer { limit: 0xfff, base: VirtAddr::new(WINDOW) }) };
    cpu::breakpoint();
    Ok(())
}

fn foreign_gdt(_boot: &'static BootPage) -> Verdict {
    map_foreign()?;
    // SAFETY: the kernel must end the environment when the descriptor is read.
    unsafe { lgdt(&DescriptorTablePointer { limit: 0xfff, base: VirtAddr::new(WINDOW) }) };
    let seen = attempt!("mov fs, ax", in("ax") 0x100);
    println!("saw {seen:?}");
    Ok(())
}

fn foreign_stack(_boot: &'static BootPage) -> Verdict {
    map_foreign()?;
    // SAFETY: rsp is put back; the kernel must stop the push.
    unsafe { asm!("mov r8, rsp", "mov rsp, r9", "push 1", "mov rsp, r8", in("r9") WINDOW + 0x800, out("r8") _) };
    Ok(())
}

fn smash(_boot: &'static BootPage) -> Verdict {
    let top = frames::window(cpu::read_cr3() & !0xfff);
    // The reload comes from the same block, so that nothing is fetched or pushed in between.
    // SAFETY: the environment ends here, and only it.
    unsafe {
        asm!(
            "rep stosq",
            "mov cr3, {root}",
            root = in(reg) cpu::read_cr3(),
            inout("rdi") top => _,
            inout("rcx") 512_u64 => _,
            in("rax") 0_u64,
        );
    }
    Ok(())
}

fn reserved_bits(_boot: &'static BootPage) -> Verdict {
    const PRESENT: u64 = 1;
    let physical_bits = cpu::cpuid(0x8000_0008, 0).eax & 0xff;
    let mut frame = frames::allocate().ok_or("no frame")?;
    frame.bytes().fill(0);
    let physical = frame.leak();
    // SAFETY: nothing else is mapped here.
    unsafe { page_table::map(WINDOW, physical, Flags::PRESENT) }.map_err(|error| alloc::format!("{error}"))?;
    let entry = page_table::entry(WINDOW);
    for bit in physical_bits..52 {
        // SAFETY: nobody uses the page.
        unsafe { entry.set(physical | PRESENT | 1 << bit) };
        cpu::invalidate_page(WINDOW);
        let seen = attempt!("mov rax, [rsi]", in("rsi") WINDOW, out("rax") _);
        must_fault(format_args!("entry with bit {bit}"), PAGE_FAULT, seen)?;
        let root = cpu::read_cr3() | 1 << bit;
        must_fault(
            format_args!("CR3 with bit {bit}"),
            GENERAL_PROTECTION,
            attempt!("mov cr3, {operand}", operand = in(reg) root),
        )?;
    }
    println!("saw a fault for each bit from {physical_bits} to 51");
    Ok(())
}
