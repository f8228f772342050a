//! The way in by SYSCALL and the way back.
//!
//! Registers go straight into the context of the thread that runs; there is one stack for the library OS, which is empty whenever a program
//! runs. SYSRET goes back where the registers are as SYSCALL left them, else IRET.

use super::context::{Registers, USER_CODE, USER_DATA};
use crate::process::Thread;
use alloc::rc::Rc;
use core::mem::{ManuallyDrop, offset_of};
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use exo_user::cpu::{self, msr};
use exo_user::segments;

/// The registers of the thread that runs.
static CONTEXT: AtomicPtr<Registers> = AtomicPtr::new(core::ptr::null_mut());
/// The thread that runs. The system holds a share of it for as long.
static CURRENT: AtomicPtr<Thread> = AtomicPtr::new(core::ptr::null_mut());
/// The program's stack pointer, for two instructions.
static PROGRAM_STACK: AtomicU64 = AtomicU64::new(0);
/// The stack of the library OS, from its top.
static STACK: AtomicU64 = AtomicU64::new(0);

// The order of the registers is that of `ExceptionFrame`.
core::arch::global_asm!(
    ".pushsection .text.unix_entry,\"ax\",@progbits",
    ".balign 64",
    "unix_system_call:",
    "mov [rip + {program_stack}], rsp",
    "mov rsp, [rip + {context}]",
    "add rsp, {bytes}",
    "push {user_data}",
    "push [rip + {program_stack}]",
    "push r11",
    "push {user_code}",
    "push rcx",
    // Neither an error code nor a vector.
    "sub rsp, 16",
    "push rax", "push rbx", "push rcx", "push rdx", "push rsi", "push rdi", "push rbp", "push r8",
    "push r9", "push r10", "push r11", "push r12", "push r13", "push r14", "push r15",
    "mov rsp, [rip + {stack}]",
    "call {system_call}",
    "test al, al",
    "mov rax, [rip + {context}]",
    "jz 2f",
    // Whoever is called has kept the others.
    "mov r11, [rax + {r11}]",
    "mov r10, [rax + {r10}]",
    "mov r9, [rax + {r9}]",
    "mov r8, [rax + {r8}]",
    "mov rdi, [rax + {rdi}]",
    "mov rsi, [rax + {rsi}]",
    "mov rdx, [rax + {rdx}]",
    "mov rcx, [rax + {rcx}]",
    "mov rsp, [rax + {rsp}]",
    "mov rax, [rax + {rax}]",
    "sysretq",
    "2:",
    "unix_return:",
    "mov rsp, rax",
    "pop r15", "pop r14", "pop r13", "pop r12", "pop r11", "pop r10", "pop r9", "pop r8", "pop rbp",
    "pop rdi", "pop rsi", "pop rdx", "pop rcx", "pop rbx", "pop rax",
    "add rsp, 16",
    "iretq",
    ".popsection",
    program_stack = sym PROGRAM_STACK,
    context = sym CONTEXT,
    stack = sym STACK,
    system_call = sym system_call,
    bytes = const size_of::<Registers>(),
    user_data = const USER_DATA,
    user_code = const USER_CODE,
    r11 = const offset_of!(Registers, r11),
    r10 = const offset_of!(Registers, r10),
    r9 = const offset_of!(Registers, r9),
    r8 = const offset_of!(Registers, r8),
    rdi = const offset_of!(Registers, rdi),
    rsi = const offset_of!(Registers, rsi),
    rdx = const offset_of!(Registers, rdx),
    rcx = const offset_of!(Registers, rcx),
    rsp = const offset_of!(Registers, rsp),
    rax = const offset_of!(Registers, rax),
);

/// Says that a thread has the CPU from now on.
pub(super) fn set_thread(thread: &Rc<Thread>) {
    CONTEXT.store(thread.context.place(), Ordering::Relaxed);
    CURRENT.store(Rc::as_ptr(thread).cast_mut(), Ordering::Relaxed);
}

/// A program makes a system call. Whether its registers are as it left them, but for rax.
extern "C" fn system_call() -> bool {
    let current: *const Thread = CURRENT.load(Ordering::Relaxed);
    // SAFETY: `set_thread` stored the pointer of a share that the system keeps while the thread has the CPU; this one is never dropped.
    let thread = ManuallyDrop::new(unsafe { Rc::from_raw(current) });
    thread.context.left_by_call();
    if super::on_system_call(&thread) {
        return true;
    }
    // Another one may have the CPU by now, and this one be gone: then nothing that is still in registers is right.
    let now = CURRENT.load(Ordering::Relaxed);
    // SAFETY: as above, of the thread that has the CPU now.
    now == current.cast_mut() && unsafe { (*now).context.returns_by_sysret() }
}

/// Has SYSCALL come here, with a stack that ends at `stack`.
pub(super) fn install(stack: u64) {
    /// Off when a system call begins: TF, IF, DF, NT, AC.
    const MASKED: u64 = 0x4_4700;
    const SYSTEM_CALLS: u64 = 1;
    STACK.store(stack, Ordering::Relaxed);
    let entry: u64;
    // SAFETY: computes an address; then the MSRs lead to code that expects exactly what SYSCALL leaves.
    unsafe {
        core::arch::asm!("lea {}, [rip + unix_system_call]", out(reg) entry, options(nomem, nostack, preserves_flags));
        cpu::write_msr(msr::STAR, segments::STAR);
        cpu::write_msr(msr::LSTAR, entry);
        cpu::write_msr(msr::FMASK, MASKED);
        cpu::write_msr(msr::EFER, cpu::read_msr(msr::EFER) | SYSTEM_CALLS);
    }
}

/// A context in which `function` begins on the empty stack of the library OS.
pub(super) fn on_own_stack(function: extern "C" fn() -> !) -> Registers {
    // As if it had been called.
    Registers::in_ring_0(function as usize as u64, STACK.load(Ordering::Relaxed) - 8)
}

/// Leaves for the thread that has the CPU; nothing of what runs now is left.
pub(super) fn leave() -> ! {
    let context = CONTEXT.load(Ordering::Relaxed);
    // SAFETY: the registers are those of a thread in ring 3; nobody counts on what lies on the stack of the library OS, which is no
    // stack of an exception.
    unsafe { core::arch::asm!("jmp unix_return", in("rax") context, options(noreturn)) }
}
