//! Pointing the CPU's own structures at memory that the environment does not hold, or wrecking them.

use super::{Case, TRIPLE_FAULT, VIOLATION, Verdict, must_be, must_fault, must_pass};
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
    Case::new(
        "cr3-values",
        super::EXITS,
        cr3_values,
        "loads CR3 with every reserved bit, with bit 63 and with process-context identifiers, and with tables changed behind its back",
    ),
];

const FOREIGN: u64 = 0x20_0000;
const WINDOW: u64 = 0x1000_2000_0000;
const PRESENT: u64 = 1;

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

fn load(root: u64) -> Result<(), crate::faults::Fault> {
    attempt!("mov cr3, {operand}", operand = in(reg) root)
}

fn must_refuse(root: u64, bits: impl Iterator<Item = u64>) -> Verdict {
    for bit in bits {
        must_fault(format_args!("CR3 with bit {bit}"), GENERAL_PROTECTION, load(root | 1 << bit))?;
        must_be(format_args!("CR3 after bit {bit}"), cpu::read_cr3(), root)?;
    }
    Ok(())
}

/// The same whether the kernel has these loads exit, to count them, or not.
fn cr3_values(_boot: &'static BootPage) -> Verdict {
    const PCID: u32 = 1 << 17;
    const PCIDE: u64 = 1 << 17;
    const KEEP: u64 = 1 << 63;
    let physical_bits = u64::from(cpu::cpuid(0x8000_0008, 0).eax & 0xff);
    let root = cpu::read_cr3();
    must_refuse(root, physical_bits..64)?;
    let (Some(mut first), Some(mut second)) = (frames::allocate(), frames::allocate()) else {
        return Err("no frames".into());
    };
    (first.bytes()[0], second.bytes()[0]) = (1, 2);
    // SAFETY: nothing else is mapped here, and the frames outlive the page.
    unsafe { page_table::map(WINDOW, first.physical(), Flags::PRESENT) }
        .map_err(|error| alloc::format!("cannot map: {error}"))?;
    let look = || {
        // SAFETY: mapped just now.
        u64::from(unsafe { frames::pointer::<u8>(WINDOW).read_volatile() })
    };
    must_be("the page", look(), 1)?;
    // SAFETY: nobody else uses the page.
    unsafe { page_table::entry(WINDOW).set(second.physical() | PRESENT) };
    must_pass("CR3 as it was", load(root))?;
    must_be("the page after its entry was changed and CR3 loaded", look(), 2)?;
    if cpu::cpuid(1, 0).ecx & PCID == 0 {
        println!("saw the faults that there must be; this CPU has no process-context identifiers");
        return Ok(());
    }
    // SAFETY: CR3 holds the identifier 0.
    unsafe { cpu::write_cr4(cpu::read_cr4() | PCIDE) };
    for (value, held) in [(root | 5, root | 5), (root | KEEP | 7, root | 7), (root | 0xfff, root | 0xfff), (root, root)]
    {
        must_pass(format_args!("CR3 = {value:#x}"), load(value))?;
        must_be("CR3", cpu::read_cr3(), held)?;
    }
    must_refuse(root, physical_bits..63)?;
    must_pass("CR3 as it was", load(root))?;
    // SAFETY: as above.
    unsafe { cpu::write_cr4(cpu::read_cr4() & !PCIDE) };
    println!("saw the faults and the values that there must be");
    Ok(())
}
