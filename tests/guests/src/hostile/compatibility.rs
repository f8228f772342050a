//! 32-bit code in ring 0: registers are half as long there, so a call must not count, and the instruction pointer wraps.

use super::{Case, EXITS, Verdict, must_fault};
use crate::{attempt, user_mode};
use alloc::boxed::Box;
use alloc::format;
use exo_user::abi::boot_page::BootPage;
use exo_user::exceptions::vector::{INVALID_OPCODE, PAGE_FAULT};
use exo_user::page_table::Flags;
use exo_user::println;
use x86_64::VirtAddr;
use x86_64::instructions::tables::{lgdt, sgdt};
use x86_64::structures::DescriptorTablePointer;

pub const CASES: &[Case] = &[
    Case::new("vmcall-compatibility", EXITS, vmcall, "makes calls from 32-bit and 16-bit code in ring 0"),
    Case::new("wrap-compatibility", EXITS, wrap, "has an emulated instruction end where 32-bit code wraps"),
];

/// Ring-0 code segments, flat: 32-bit and 16-bit.
const SEGMENTS: [u64; 2] = [0x00cf_9b00_0000_ffff, 0x008f_9b00_0000_ffff];
/// Below 4 GiB, where 32-bit code can be.
const CODE: u64 = 0x40_0000;
/// The same for the stack: outside 64-bit code the stack pointer has 32 bits.
const STACK: u64 = 0x41_0000;
/// Descriptors of the library's GDT: null, four segments and the task's two.
const LIBRARY_ENTRIES: usize = 7;

fn load_segments() {
    let mut table = Box::new([0_u64; LIBRARY_ENTRIES + SEGMENTS.len()]);
    let current = sgdt().base.as_ptr::<[u64; LIBRARY_ENTRIES]>();
    // SAFETY: the library's GDT has so many entries and stays where it is.
    table[..LIBRARY_ENTRIES].copy_from_slice(&unsafe { current.read() });
    table[LIBRARY_ENTRIES..].copy_from_slice(&SEGMENTS);
    let table = Box::leak(table);
    let limit = u16::try_from(size_of_val(table) - 1).unwrap_or(0);
    // SAFETY: the table stays for ever and holds what is loaded at the same places as before.
    unsafe { lgdt(&DescriptorTablePointer { limit, base: VirtAddr::from_ptr(table) }) };
}

fn vmcall(_boot: &'static BootPage) -> Verdict {
    load_segments();
    // VMCALL, then HLT in case it is taken for a call.
    user_mode::map_page(CODE, &[0x0f, 0x01, 0xc1, 0xf4], Flags::WRITABLE).map_err(|error| format!("{error}"))?;
    user_mode::map_page(STACK, &[], Flags::WRITABLE).map_err(|error| format!("{error}"))?;
    for index in 0..SEGMENTS.len() {
        let selector = (LIBRARY_ENTRIES + index) as u64 * 8;
        // A 16-bit segment sees 64 KiB only through 16-bit addresses, but its instruction pointer is as wide.
        let seen = attempt!(
            "mov rsp, {stack}\npush {selector}\npush {target}\nretfq",
            selector = in(reg) selector,
            target = in(reg) CODE,
            stack = in(reg) STACK + 4096,
            in("rax") 0_u64,
            out("rdx") _,
        );
        must_fault(format_args!("call through selector {selector:#x}"), INVALID_OPCODE, seen)?;
    }
    println!("saw an invalid opcode for each");
    Ok(())
}

/// The kernel steps over WBINVD. Its end is the end of what 32-bit code can reach, where the next instruction is at 0; an
/// instruction pointer of more bits would be a state that the CPU refuses.
fn wrap(_boot: &'static BootPage) -> Verdict {
    const LAST_PAGE: u64 = 0xffff_f000;
    load_segments();
    let mut code = [0x90; 4096];
    code[4094..].copy_from_slice(&[0x0f, 0x09]);
    user_mode::map_page(LAST_PAGE, &code, Flags::WRITABLE).map_err(|error| format!("{error}"))?;
    user_mode::map_page(STACK, &[], Flags::WRITABLE).map_err(|error| format!("{error}"))?;
    let seen = attempt!(
        "mov rsp, {stack}\npush {selector}\npush {target}\nretfq",
        selector = in(reg) LIBRARY_ENTRIES as u64 * 8,
        target = in(reg) LAST_PAGE + 4094,
        stack = in(reg) STACK + 4096,
    );
    // Nothing is mapped at 0.
    must_fault("the instruction after the last", PAGE_FAULT, seen)?;
    println!("saw a page fault at 0");
    Ok(())
}
