//! The first and the last instructions of every exception.
//!
//! Two kinds. The fast one saves what a function may change and calls the handler at once: 31 instructions around it, of which one is
//! the CPU's own. The full one saves everything as an [`ExceptionFrame`]. [`super::stacks`] says what moving the pointer is for.

use super::frame::{ExceptionFrame, Interrupted};
use super::local::MAIN_OFFSET;
use super::stacks::{AREA, STRIDE};

/// Vectors that can have a handler of the fast kind: the CPU's exceptions.
pub(super) const FAST: usize = 32;
/// Bytes of a stub.
const FULL_BYTES: u64 = 16;
const FAST_BYTES: u64 = 128;

/// What a stub of the fast kind calls.
pub(super) type FastEntry = extern "C" fn(&mut Interrupted);

// The CPU aligns its frame to 16 bytes; with error code and vector or ten registers the stack is aligned for a call. The stubs lie in
// 8 KiB aligned to that, so that the addresses of two stubs differ in the lowest 16 bits only: see `table`.
core::arch::global_asm!(
    ".pushsection .text.ravelin_stubs,\"ax\",@progbits",
    ".macro ravelin_error_code vector",
    ".if !(\\vector == 8 || (\\vector >= 10 && \\vector <= 14) || \\vector == 17 || \\vector == 21 || \\vector == 29 || \\vector == 30)",
    "push 0",
    ".endif",
    ".endm",
    ".balign 8192",
    "ravelin_stubs:",
    ".set ravelin_vector, 0",
    ".rept 256",
    ".balign 16",
    "ravelin_error_code ravelin_vector",
    "push ravelin_vector",
    ".if ravelin_vector == 1 || ravelin_vector == 2 || ravelin_vector == 8 || ravelin_vector == 18",
    "jmp ravelin_special",
    ".else",
    "jmp ravelin_common",
    ".endif",
    ".set ravelin_vector, ravelin_vector + 1",
    ".endr",
    ".set ravelin_vector, 0",
    ".rept 32",
    ".balign 128",
    "ravelin_error_code ravelin_vector",
    "push rax", "push rcx", "push rdx", "push rsi", "push rdi", "push r8", "push r9", "push r10", "push r11", "push rbx",
    "mov rbx, rsp",
    "and rbx, -{area}",
    "sub qword ptr [rbx + {main}], {stride}",
    "lea rdi, [rsp + 80]",
    "cld",
    "call [rip + {handlers} + ravelin_vector * 8]",
    "add qword ptr [rbx + {main}], {stride}",
    "pop rbx", "pop r11", "pop r10", "pop r9", "pop r8", "pop rdi", "pop rsi", "pop rdx", "pop rcx", "pop rax",
    "add rsp, 8",
    "iretq",
    ".set ravelin_vector, ravelin_vector + 1",
    ".endr",
    ".balign 16",
    "ravelin_common:",
    "push rax", "push rbx", "push rcx", "push rdx", "push rsi", "push rdi", "push rbp", "push r8",
    "push r9", "push r10", "push r11", "push r12", "push r13", "push r14", "push r15",
    "mov rbx, rsp",
    "and rbx, -{area}",
    "sub qword ptr [rbx + {main}], {stride}",
    "mov rdi, rsp",
    "cld",
    "call {dispatch}",
    "add qword ptr [rbx + {main}], {stride}",
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
    main = const MAIN_OFFSET,
    stride = const STRIDE,
    handlers = sym super::typed::FAST_HANDLERS,
    dispatch = sym super::dispatch,
    dispatch_special = sym super::dispatch_special,
);

const _: () = assert!(core::mem::offset_of!(ExceptionFrame, ss) == 21 * 8 && size_of::<Interrupted>() == 6 * 8);

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

/// The stub of a vector below [`FAST`] that saves little.
pub(super) fn fast(vector: u8) -> u64 {
    stubs() + 256 * FULL_BYTES + u64::from(vector) * FAST_BYTES
}
