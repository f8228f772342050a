//! Going where no code can be.

use super::{Case, EXITS, Verdict, must_be, must_fault};
use crate::{attempt, code, user_mode};
use exo_user::abi::boot_page::BootPage;
use exo_user::exceptions;
use exo_user::exceptions::vector::{GENERAL_PROTECTION, STACK_FAULT};
use exo_user::page_table::Flags;
use exo_user::println;
use exo_user::segments::{KERNEL_CODE, KERNEL_DATA, USER_CODE, USER_DATA};

pub const CASES: &[Case] = &[
    Case::new("noncanonical-jump", EXITS, noncanonical_jump, "jumps, calls and returns to non-canonical addresses"),
    Case::new("noncanonical-data", EXITS, noncanonical_data, "reads and pushes at non-canonical addresses"),
    Case::new("iret-garbage", EXITS, iret_garbage, "returns from interrupts to 10000 impossible places"),
    Case::new("sysret-noncanonical", EXITS, sysret, "returns to a non-canonical address by SYSRET"),
    Case::new("edge-of-space", EXITS, edge, "has emulated instructions end on the last byte of the canonical half"),
];

const NONCANONICAL: [u64; 3] = [0x8000_0000_0000, 0xffff_7fff_ffff_ff00, 1 << 63];

fn noncanonical_jump(_boot: &'static BootPage) -> Verdict {
    for target in NONCANONICAL {
        must_fault(
            format_args!("jump to {target:#x}"),
            GENERAL_PROTECTION,
            attempt!("jmp {operand}", operand = in(reg) target),
        )?;
        must_fault(
            format_args!("call of {target:#x}"),
            GENERAL_PROTECTION,
            attempt!("call {operand}", operand = in(reg) target),
        )?;
        must_fault(
            format_args!("return to {target:#x}"),
            GENERAL_PROTECTION,
            attempt!("push {operand}\nret", operand = in(reg) target),
        )?;
    }
    println!("saw a general protection fault for each");
    Ok(())
}

fn noncanonical_data(_boot: &'static BootPage) -> Verdict {
    for address in NONCANONICAL {
        let read = attempt!("mov rax, [rsi]", in("rsi") address, out("rax") _);
        must_fault(format_args!("read of {address:#x}"), GENERAL_PROTECTION, read)?;
        // In ring 3, so that the exception does not need the same stack.
        let program = code!("lea rsp, [rdi + 8]", "push 1", "int 0x80");
        user_mode::load(program).map_err(|error| alloc::format!("{error}"))?;
        exceptions::set_handler(STACK_FAULT, user_mode::leave);
        must_be(format_args!("push at {address:#x}"), user_mode::run(address, 0).vector, STACK_FAULT.into())?;
    }
    println!("saw a fault for each");
    Ok(())
}

/// A small generator: the same garbage in each run.
pub fn next_random(state: &mut u64) -> u64 {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    *state
}

fn iret(words: [u64; 5]) -> Result<(), crate::faults::Fault> {
    let [rip, cs, rflags, rsp, ss] = words;
    attempt!(
        "push r12\npush r11\npush r10\npush r9\npush r8\niretq",
        in("r8") rip, in("r9") cs, in("r10") rflags, in("r11") rsp, in("r12") ss,
    )
}

fn iret_garbage(_boot: &'static BootPage) -> Verdict {
    let (kernel, user): (u64, u64) = (KERNEL_CODE.0.into(), USER_CODE.0.into());
    let (kernel_data, user_data): (u64, u64) = (KERNEL_DATA.0.into(), USER_DATA.0.into());
    let here = edge as *const () as u64;
    let chosen = [
        [NONCANONICAL[0], kernel, 2, 0x1000, kernel_data],
        [here, 0, 2, 0x1000, kernel_data],
        [here, kernel_data, 2, 0x1000, kernel_data],
        [here, 0xfff8, 2, 0x1000, kernel_data],
        [here, 0x28, 2, 0x1000, kernel_data],
        [here, kernel | 1, 2, 0x1000, kernel_data],
        [here, user, 2, 0x1000, kernel_data],
        [here, user, 2, 0x1000, user],
        [here, user, 2, 0x1000, 0],
        [here, kernel, 2, 0x1000, user_data],
    ];
    for words in chosen {
        must_fault(format_args!("IRET to {words:x?}"), GENERAL_PROTECTION, iret(words))?;
    }
    // Selectors of the local table, which there is none of, lead nowhere; everything else is arbitrary.
    let mut state = 0x1234_5678_9abc_def1;
    for _ in 0..10_000 {
        let mut words = [0; 5].map(|_: u64| next_random(&mut state));
        words[1] |= 4;
        must_fault(format_args!("IRET to {words:x?}"), GENERAL_PROTECTION, iret(words))?;
    }
    println!("saw a general protection fault for each");
    Ok(())
}

fn sysret(_boot: &'static BootPage) -> Verdict {
    for target in NONCANONICAL {
        let seen = attempt!("sysretq", in("rcx") target, in("r11") 2_u64);
        must_fault(format_args!("SYSRET to {target:#x}"), GENERAL_PROTECTION, seen)?;
    }
    println!("saw a general protection fault for each");
    Ok(())
}

/// The kernel steps over what it emulates; here the next instruction would be at the first non-canonical address.
fn edge(_boot: &'static BootPage) -> Verdict {
    const PAGE: u64 = 0x7fff_ffff_f000;
    const END: u64 = PAGE + 0x1000;
    let vmcall: &[u8] = &[0x0f, 0x01, 0xc1];
    let wbinvd: &[u8] = &[0x0f, 0x09];
    for instruction in [vmcall, wbinvd] {
        let mut content = [0x90; 4096];
        content[4096 - instruction.len()..].copy_from_slice(instruction);
        user_mode::map_page(PAGE, &content, Flags::WRITABLE).map_err(|error| alloc::format!("{error}"))?;
        let target = END - instruction.len() as u64;
        let seen = attempt!("jmp {operand}", operand = in(reg) target, inout("rax") 0_u64 => _, out("rdx") _);
        must_fault(format_args!("after {instruction:x?}"), GENERAL_PROTECTION, seen)?;
    }
    println!("saw a general protection fault for each");
    Ok(())
}
