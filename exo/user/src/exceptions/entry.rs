//! The first and the last instructions of every exception.
//!
//! Two kinds. The fast one saves what a function may change and calls the handler at once: 25 instructions around it, of which one is
//! the CPU's own, 27 where there is an error code. The full one saves everything as an [`ExceptionFrame`]. [`super::stacks`] says what
//! moving the pointer is for.

use super::frame::{ExceptionFrame, Interrupted};
use super::local::MAIN_OFFSET;
use super::stacks::{AREA, AREAS, STRIDE};
use exo_abi::info::MAX_VCPUS;

/// Vectors that can have a handler of the fast kind: the CPU's exceptions.
pub(super) const FAST: usize = 32;
/// Bytes of a stub of the full kind.
const FULL_BYTES: u64 = 16;

/// What a stub of the fast kind calls, with the frame that the CPU pushed, an error code below it.
pub(super) type FastEntry = extern "C" fn(*mut Interrupted);

/// Whether the CPU pushes an error code (SDM Vol. 3, 6.13).
pub(super) const fn has_error_code(vector: u8) -> bool {
    matches!(vector, 8 | 10..=14 | 17 | 21 | 29 | 30)
}

// The CPU aligns its frame to 16 bytes. Five words and nine registers leave the stack aligned for a call, as do six, nine and one for
// nothing; and the full kind's 22.
core::arch::global_asm!(
    ".pushsection .text.ravelin_stubs,\"ax\",@progbits",
    ".balign 16",
    "ravelin_stubs:",
    ".set ravelin_vector, 0",
    ".rept 256",
    ".balign 16",
    ".set ravelin_error_code, ravelin_vector == 8 || (ravelin_vector >= 10 && ravelin_vector <= 14) || ravelin_vector == 17 || ravelin_vector == 21 || ravelin_vector == 29 || ravelin_vector == 30",
    ".if !ravelin_error_code",
    "push 0",
    ".endif",
    "push ravelin_vector",
    ".if ravelin_vector == 1 || ravelin_vector == 2 || ravelin_vector == 8 || ravelin_vector == 18",
    "jmp ravelin_special",
    ".else",
    "jmp ravelin_common",
    ".endif",
    ".set ravelin_vector, ravelin_vector + 1",
    ".endr",
    // For each virtual CPU and vector; where each begins is told by a table.
    ".set ravelin_main, {main}",
    ".rept {vcpus}",
    ".set ravelin_vector, 0",
    ".rept {fast}",
    ".balign 16",
    "9:",
    ".pushsection .rodata.ravelin_stubs,\"a\",@progbits",
    ".if ravelin_vector == 0 && ravelin_main == {main}",
    ".balign 4",
    "ravelin_fast_stubs:",
    ".endif",
    ".long 9b - ravelin_stubs",
    ".popsection",
    ".set ravelin_error_code, ravelin_vector == 8 || (ravelin_vector >= 10 && ravelin_vector <= 14) || ravelin_vector == 17 || ravelin_vector == 21 || ravelin_vector == 29 || ravelin_vector == 30",
    ".if ravelin_error_code",
    "push rax",
    ".endif",
    "push rax", "push rcx", "push rdx", "push rsi", "push rdi", "push r8", "push r9", "push r10", "push r11",
    "sub qword ptr [ravelin_main], {stride}",
    ".if ravelin_error_code",
    "lea rdi, [rsp + 88]",
    ".else",
    "lea rdi, [rsp + 72]",
    ".endif",
    "cld",
    "call [rip + {handlers} + ravelin_vector * 8]",
    "add qword ptr [ravelin_main], {stride}",
    "pop r11", "pop r10", "pop r9", "pop r8", "pop rdi", "pop rsi", "pop rdx", "pop rcx", "pop rax",
    ".if ravelin_error_code",
    "add rsp, 16",
    ".endif",
    "iretq",
    ".set ravelin_vector, ravelin_vector + 1",
    ".endr",
    ".set ravelin_main, ravelin_main + {area}",
    ".endr",
    ".balign 16",
    "ravelin_common:",
    "push rax", "push rbx", "push rcx", "push rdx", "push rsi", "push rdi", "push rbp", "push r8",
    "push r9", "push r10", "push r11", "push r12", "push r13", "push r14", "push r15",
    "mov rbx, rsp",
    "and rbx, -{area}",
    "sub qword ptr [rbx + {main_offset}], {stride}",
    "mov rdi, rsp",
    "cld",
    "call {dispatch}",
    "add qword ptr [rbx + {main_offset}], {stride}",
    "ravelin_restore:",
    "pop r15", "pop r14", "pop r13", "pop r12", "pop r11", "pop r10", "pop r9",
    "pop r8", "pop rbp", "pop rdi", "pop rsi", "pop rdx", "pop rcx", "pop rbx", "pop rax",
    "add rsp, 16",
    "iretq",
    ".balign 16",
    "ravelin_special:",
    "push rax", "push rbx", "push rcx", "push rdx", "push rsi", "push rdi", "push rbp", "push r8",
    "push r9", "push r10", "push r11", "push r12", "push r13", "push r14", "push r15",
    "mov rdi, rsp",
    "cld",
    "call {dispatch_special}",
    "jmp ravelin_restore",
    ".popsection",
    area = const AREA,
    main_offset = const MAIN_OFFSET,
    main = const (AREAS + MAIN_OFFSET as u64).cast_signed(),
    vcpus = const MAX_VCPUS,
    fast = const FAST,
    stride = const STRIDE,
    handlers = sym super::typed::FAST_HANDLERS,
    dispatch = sym super::dispatch,
    dispatch_special = sym super::dispatch_special,
);

const _: () = assert!(core::mem::offset_of!(ExceptionFrame, ss) == 21 * 8 && size_of::<Interrupted>() == 5 * 8);

fn stubs() -> u64 {
    let address: u64;
    // SAFETY: computes the address of the stubs and does nothing else.
    unsafe {
        core::arch::asm!("lea {}, [rip + ravelin_stubs]", out(reg) address, options(nomem, nostack, preserves_flags))
    };
    address
}

/// The stub of a vector that saves everything.
pub(super) fn full(vector: u8) -> u64 {
    stubs() + u64::from(vector) * FULL_BYTES
}

/// The stub of a vector below [`FAST`] that saves little, on a virtual CPU.
pub(super) fn fast(vcpu: usize, vector: u8) -> u64 {
    let table: *const [[u32; FAST]; MAX_VCPUS];
    // SAFETY: computes the address of the table and does nothing else.
    unsafe {
        core::arch::asm!("lea {}, [rip + ravelin_fast_stubs]", out(reg) table, options(nomem, nostack, preserves_flags))
    };
    // SAFETY: the assembler has put a number there for each virtual CPU and vector, and nobody changes them.
    stubs() + u64::from(unsafe { (*table)[vcpu][usize::from(vector)] })
}
