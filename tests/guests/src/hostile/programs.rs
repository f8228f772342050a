//! What ring-3 programs try, and code that changes itself.

use super::{Case, EXITS, Verdict, must_be};
use crate::{code, user_mode};
use alloc::format;
use core::arch::asm;
use exo_user::abi::boot_page::BootPage;
use exo_user::exceptions::{self, vector};
use exo_user::page_table::{self, Flags};
use exo_user::{cpu, frames, println};

pub const CASES: &[Case] = &[
    Case::new("vmcall-ring3", EXITS, vmcall, "has a ring-3 program make calls with its library OS's authority"),
    Case::new("privileged-ring3", EXITS, privileged, "has ring-3 programs execute privileged instructions"),
    Case::new("alignment-check", EXITS, alignment_check, "takes 1000 alignment checks in ring 3"),
    Case::new(
        "self-modifying",
        EXITS,
        self_modifying,
        "changes its own code 1000 times, in place and through an alias",
    ),
    Case::new("overwritten-boot-page", EXITS, overwrite_boot_page, "overwrites its boot page, which is its own"),
];

fn load(program: &[u8]) -> Verdict {
    user_mode::load(program).map_err(|error| format!("cannot load the program: {error}"))
}

fn vmcall(_boot: &'static BootPage) -> Verdict {
    exceptions::set_handler(vector::INVALID_OPCODE, user_mode::leave);
    // Null, exit, a console write, and a number that no call has.
    for number in [0, 1, 2, 5, 1 << 40] {
        load(code!("mov rax, rdi", "mov rdi, 99", "vmcall", "int 0x80"))?;
        let left = user_mode::run(number, 0);
        must_be(format_args!("exception for call {number}"), left.vector, vector::INVALID_OPCODE.into())?;
        must_be("rip", left.rip, user_mode::CODE_AT + 10)?;
        must_be("rax", left.rax, number)?;
    }
    println!("saw an invalid opcode for each");
    Ok(())
}

fn privileged(_boot: &'static BootPage) -> Verdict {
    const OSXSAVE: u64 = 1 << 18;
    exceptions::set_handler(vector::GENERAL_PROTECTION, user_mode::leave);
    let programs = [
        ("HLT", code!("hlt", "int 0x80")),
        ("CLI", code!("cli", "int 0x80")),
        ("MOV CR3", code!("mov cr3, rax", "int 0x80")),
        ("MOV CR8", code!("mov cr8, rax", "int 0x80")),
        ("MOV DR7", code!("mov dr7, rax", "int 0x80")),
        ("MOV from DR6", code!("mov rax, dr6", "int 0x80")),
        ("LMSW", code!("lmsw ax", "int 0x80")),
        ("RDMSR", code!("mov ecx, 0xc0000080", "rdmsr", "int 0x80")),
        ("WRMSR", code!("wrmsr", "int 0x80")),
        ("XSETBV", code!("mov eax, 1", "xor ecx, ecx", "xor edx, edx", "xsetbv", "int 0x80")),
        ("RDPMC", code!("xor ecx, ecx", "rdpmc", "int 0x80")),
        ("INVD", code!("invd", "int 0x80")),
        ("LGDT", code!("lgdt [rsp - 16]", "int 0x80")),
        ("INVLPG", code!("invlpg [rsp]", "int 0x80")),
        ("WBINVD", code!("wbinvd", "int 0x80")),
        ("SWAPGS", code!("swapgs", "int 0x80")),
        ("IN", code!("in al, 0x64", "int 0x80")),
        ("OUT", code!("out 0x64, al", "int 0x80")),
        ("INT", code!("int 0x90", "int 0x80")),
    ];
    // SAFETY: only makes XSETBV exist.
    unsafe { cpu::write_cr4(cpu::read_cr4() | OSXSAVE) };
    for (name, program) in programs {
        load(program)?;
        let left = user_mode::run(0, 0);
        must_be(format_args!("exception for {name}"), left.vector, vector::GENERAL_PROTECTION.into())?;
    }
    println!("saw a general protection fault for each");
    Ok(())
}

fn alignment_check(_boot: &'static BootPage) -> Verdict {
    const ALIGNMENT_MASK: u64 = 1 << 18;
    // SAFETY: the checks concern ring 3 only.
    unsafe { cpu::write_cr0(cpu::read_cr0() | ALIGNMENT_MASK) };
    exceptions::set_handler(vector::ALIGNMENT_CHECK, user_mode::leave);
    load(code!("pushfq", "or dword ptr [rsp], 0x40000", "popfq", "mov eax, [rsp - 63]", "int 0x80"))?;
    for _ in 0..1000 {
        let left = user_mode::run(0, 0);
        must_be("exception", left.vector, vector::ALIGNMENT_CHECK.into())?;
        must_be("error code", left.error_code, 0)?;
    }
    println!("saw 1000 alignment checks");
    Ok(())
}

const CODE: u64 = 0x1000_5000_0000;
const ALIAS: u64 = 0x1000_5000_1000;

/// `mov eax, N; ret`: N is at the second byte.
fn write_constant(page: u64, constant: u32) {
    let [a, b, c, d] = constant.to_le_bytes();
    let bytes = [0xb8, a, b, c, d, 0xc3];
    // SAFETY: the page is mapped writable, for this case only.
    unsafe { frames::pointer::<[u8; 6]>(page).write_volatile(bytes) };
}

fn run_constant() -> u32 {
    let value: u32;
    // A serialising instruction, as the manual asks for after changing code: here IRET's cheaper cousin, MOV CR2.
    // SAFETY: the page holds `mov eax, N; ret`.
    unsafe { asm!("mov rcx, cr2", "mov cr2, rcx", "call {}", in(reg) CODE, out("eax") value, out("rcx") _) };
    value
}

fn self_modifying(_boot: &'static BootPage) -> Verdict {
    let frame = frames::allocate().ok_or("no frame")?.leak();
    for page in [CODE, ALIAS] {
        // SAFETY: nothing else is mapped here.
        unsafe { page_table::map(page, frame, Flags::PRESENT | Flags::WRITABLE) }
            .map_err(|error| format!("cannot map the code: {error}"))?;
    }
    for constant in 0..1000 {
        write_constant(if constant % 2 == 0 { CODE } else { ALIAS }, constant);
        must_be("what the code returned", run_constant().into(), constant.into())?;
    }
    println!("saw every change");
    Ok(())
}

fn overwrite_boot_page(boot: &'static BootPage) -> Verdict {
    let words: *mut u64 = frames::window(boot.boot_page_physical).cast();
    for index in 0..512 {
        // SAFETY: the frame is the environment's; nothing reads the page afterwards.
        unsafe { words.add(index).write_volatile(u64::MAX) };
    }
    println!("saw nothing: what the kernel knows, it does not read from here");
    Ok(())
}
