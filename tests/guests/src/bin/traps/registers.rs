//! What an exception leaves alone, and what its handler can change.

use crate::exceptions::{count, taken};
use crate::{COUNT, Item, Random, item, nothing, same};
use alloc::string::String;
use core::arch::asm;
use exo_user::exceptions::{self, Breakpoint, ExceptionFrame, Interrupted, InvalidOpcode};

pub const ITEMS: &[Item] = &[
    item("registers-and-red-zone", nothing, fast_keeps_everything),
    item("registers-and-red-zone-full", nothing, full_keeps_everything),
    item("any-register-changed", nothing, any_register),
];

/// Spoils what a function may spoil, flags included, and steps over the two bytes of UD2.
pub fn spoil(_: InvalidOpcode, interrupted: &mut Interrupted) {
    count();
    // SAFETY: changes only what is declared; the direction flag is put back.
    unsafe {
        asm!("xor eax, eax", "mov ecx, 1", "mov edx, 2", "mov esi, 3", "mov edi, 4", "mov r8d, 5", "mov r9d, 6",
            "mov r10d, 7", "mov r11d, 8", "std", "cld",
            out("rax") _, out("rcx") _, out("rdx") _, out("rsi") _, out("rdi") _, out("r8") _, out("r9") _,
            out("r10") _, out("r11") _);
    }
    interrupted.rip += 2;
}

fn step_over(_: InvalidOpcode, frame: &mut ExceptionFrame) {
    count();
    frame.rip += 2;
}

/// Fills the registers and the red zone with numbers made of `seed`, raises UD2 with the direction flag set, and says how many numbers
/// and flags are not what they were.
pub fn raise(seed: u64) -> u64 {
    let wrong: u64;
    // SAFETY: rbx and rbp are put back, the stack pointer is not moved, all else is declared. The handler steps over UD2.
    unsafe {
        asm!(
            "push rbx", "push rbp",
            // The red zone of a leaf function: 128 bytes below its stack pointer.
            "4: mov [rsp + rcx * 8 - 136], rax", "add rax, 1", "dec rcx", "jnz 4b",
            "mov rbx, rax", "lea rcx, [rax + 1]", "lea rdx, [rax + 2]", "lea rsi, [rax + 3]", "lea rdi, [rax + 4]",
            "lea rbp, [rax + 5]", "lea r8, [rax + 6]", "lea r9, [rax + 7]", "lea r10, [rax + 8]", "lea r11, [rax + 9]",
            "lea r12, [rax + 10]", "lea r13, [rax + 11]", "lea r14, [rax + 12]", "lea r15, [rax + 13]",
            "std", "stc",
            "ud2",
            // Carry and direction must have survived; flags are looked at without the stack.
            "sbb rbx, rax",
            "not rbx", // 0 where carry was set
            "sub rcx, rax", "xor rcx, 1", "or rbx, rcx", "sub rdx, rax", "xor rdx, 2", "or rbx, rdx",
            "sub rsi, rax", "xor rsi, 3", "or rbx, rsi", "sub rdi, rax", "xor rdi, 4", "or rbx, rdi",
            "mov rdi, rsp",
            "scasb",
            "cld",
            "sub rdi, rsp",
            "not rdi", // 0 where it went down
            "or rbx, rdi",
            "sub rbp, rax", "xor rbp, 5", "or rbx, rbp", "sub r8, rax", "xor r8, 6", "or rbx, r8",
            "sub r9, rax", "xor r9, 7", "or rbx, r9", "sub r10, rax", "xor r10, 8", "or rbx, r10",
            "sub r11, rax", "xor r11, 9", "or rbx, r11", "sub r12, rax", "xor r12, 10", "or rbx, r12",
            "sub r13, rax", "xor r13, 11", "or rbx, r13", "sub r14, rax", "xor r14, 12", "or rbx, r14",
            "sub r15, rax", "xor r15, 13", "or rbx, r15",
            "mov ecx, 1",
            "5: sub rax, 1", "mov rdx, [rsp + rcx * 8 - 136]", "xor rdx, rax", "or rbx, rdx", "inc ecx", "cmp ecx, 17", "jne 5b",
            "mov rdx, rbx",
            "pop rbp", "pop rbx",
            inout("rax") seed => _, inout("rcx") 16_u64 => _, out("rdx") wrong,
            out("rsi") _, out("rdi") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _, out("r12") _, out("r13") _,
            out("r14") _, out("r15") _,
        );
    }
    wrong
}

fn keeps_everything() -> Result<u64, String> {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..COUNT {
        let seed = random.next();
        same("differences", raise(seed), 0)?;
    }
    Ok(taken())
}

fn fast_keeps_everything() -> Result<u64, String> {
    exceptions::handle(spoil);
    keeps_everything()
}

fn full_keeps_everything() -> Result<u64, String> {
    exceptions::handle_fully(step_over);
    keeps_everything()
}

/// Sets every register to a number of its own.
fn set_all(_: Breakpoint, frame: &mut ExceptionFrame) {
    count();
    let base = frame.rax;
    let ExceptionFrame { r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax, .. } = frame;
    let all = [rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15];
    (0..).zip(all).for_each(|(number, register)| *register = base ^ (number << 32));
    frame.rflags |= 1;
}

fn any_register() -> Result<u64, String> {
    exceptions::handle_fully(set_all);
    for round in 0..COUNT {
        let mut seen = [0_u64; 16];
        // SAFETY: the array has room for 16 words; rbx and rbp are put back. It is found again on the stack, for no register keeps its
        // place.
        unsafe {
            asm!(
                "push rbx", "push rbp", "push rdi",
                "clc",
                "int3",
                "push r15", "push r14", "push r13", "push r12", "push r11", "push r10", "push r9", "push r8",
                "push rbp", "push rdi", "push rsi", "push rdx", "push rcx", "push rbx", "push rax",
                "setc al", "movzx eax, al",
                "mov rdi, [rsp + 120]",
                "mov [rdi + 120], rax",
                "mov ecx, 15",
                "4: pop rax", "mov [rdi], rax", "add rdi, 8", "dec ecx", "jnz 4b",
                "pop rdi", "pop rbp", "pop rbx",
                inout("rax") round => _, in("rdi") &raw mut seen,
                out("rcx") _, out("rdx") _, out("rsi") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _,
                out("r12") _, out("r13") _, out("r14") _, out("r15") _,
            );
        }
        let mut wanted = [1; 16];
        (0..).zip(&mut wanted[..15]).for_each(|(number, place)| *place = round ^ (number << 32));
        same("registers and carry", seen, wanted)?;
    }
    Ok(taken())
}
