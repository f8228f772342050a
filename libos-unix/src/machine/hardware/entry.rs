//! The way in by SYSCALL and the way back.
//!
//! Registers go straight into the context of the thread that runs; there is one stack for the library OS, which is empty whenever a program
//! runs. The handler is called from here, and where it has a result and nobody wants attention that is all. SYSRET goes back where the
//! registers are as SYSCALL left them, else IRET.

use super::context::{Context, Registers};
use crate::process::Thread;
use crate::syscall::{Call, HANDLERS, Made};
use crate::unix::Unix;
use alloc::rc::Rc;
use core::mem::{MaybeUninit, offset_of};
use core::sync::atomic::{AtomicBool, AtomicPtr, AtomicU64, Ordering};
use exo_user::cpu::{self, msr};
use exo_user::segments;

/// The registers of the thread that runs.
static CONTEXT: AtomicPtr<Registers> = AtomicPtr::new(core::ptr::null_mut());
/// The thread that runs, without a share: the system holds one for as long.
static THREAD: super::Single<MaybeUninit<Rc<Thread>>> = super::Single::new(MaybeUninit::uninit());
/// What its calls are made with.
static CALL: super::Single<MaybeUninit<Call<'static>>> = super::Single::new(MaybeUninit::uninit());
/// The program's stack pointer, for a few instructions.
static PROGRAM_STACK: AtomicU64 = AtomicU64::new(0);
/// The stack of the library OS, from its top.
static STACK: AtomicU64 = AtomicU64::new(0);

// Code and stack segment are in the context from the beginning, and programs have no others. The order of the registers is that of
// `ExceptionFrame`. A handler gives its answer in rax and rdx.
core::arch::global_asm!(
    ".pushsection .text.unix_entry,\"ax\",@progbits",
    ".balign 64",
    "unix_system_call:",
    "mov [rip + {program_stack}], rsp",
    "mov rsp, [rip + {context}]",
    "mov [rsp + {rip}], rcx",
    "mov [rsp + {rflags}], r11",
    "mov [rsp + {rax}], rax",
    "mov [rsp + {rbx}], rbx",
    "mov [rsp + {rcx}], rcx",
    "mov [rsp + {rdx}], rdx",
    "mov [rsp + {rsi}], rsi",
    "mov [rsp + {rdi}], rdi",
    "mov [rsp + {rbp}], rbp",
    "mov [rsp + {r8}], r8",
    "mov [rsp + {r9}], r9",
    "mov [rsp + {r10}], r10",
    "mov [rsp + {r11}], r11",
    "mov [rsp + {r12}], r12",
    "mov [rsp + {r13}], r13",
    "mov [rsp + {r14}], r14",
    "mov [rsp + {r15}], r15",
    "mov rcx, [rip + {program_stack}]",
    "mov [rsp + {rsp}], rcx",
    "mov rsp, [rip + {stack}]",
    "cmp rax, {handlers_end}",
    "jae 4f",
    "2:",
    "lea rcx, [rip + {handlers}]",
    "lea rdi, [rip + {call}]",
    "call [rcx + rax * 8]",
    "mov rcx, [rip + {unix}]",
    // No result, or attention: either is rare.
    "or al, [rcx + {attention}]",
    "jnz 5f",
    "mov rsp, [rip + {context}]",
    "mov rax, rdx",
    // Whoever is called has kept the others.
    "3:",
    "mov r11, [rsp + {r11}]",
    "mov r10, [rsp + {r10}]",
    "mov r9, [rsp + {r9}]",
    "mov r8, [rsp + {r8}]",
    "mov rdi, [rsp + {rdi}]",
    "mov rsi, [rsp + {rsi}]",
    "mov rdx, [rsp + {rdx}]",
    "mov rcx, [rsp + {rcx}]",
    "mov rsp, [rsp + {rsp}]",
    "sysretq",
    // Nobody makes this call; nor the one with the highest number.
    "4:",
    "mov eax, {handlers_end} - 1",
    "jmp 2b",
    "5:",
    // Without attention.
    "mov edi, eax",
    "and edi, {stops}",
    "mov rsi, rdx",
    "call {after_call}",
    "test al, al",
    "jz unix_return",
    "mov rsp, [rip + {context}]",
    "mov rax, [rsp + {rax}]",
    "jmp 3b",
    "unix_return:",
    "mov rsp, [rip + {context}]",
    "mov byte ptr [rsp + {is_replaced}], 0",
    "pop r15", "pop r14", "pop r13", "pop r12", "pop r11", "pop r10", "pop r9", "pop r8", "pop rbp",
    "pop rdi", "pop rsi", "pop rdx", "pop rcx", "pop rbx", "pop rax",
    "add rsp, 16",
    "iretq",
    ".popsection",
    program_stack = sym PROGRAM_STACK,
    context = sym CONTEXT,
    stack = sym STACK,
    handlers = sym HANDLERS,
    handlers_end = const HANDLERS.len(),
    call = sym CALL,
    unix = sym super::UNIX,
    attention = const Unix::ATTENTION,
    after_call = sym after_call,
    stops = const Made::STOPS,
    is_replaced = const Context::IS_REPLACED,
    rip = const offset_of!(Registers, rip),
    rflags = const offset_of!(Registers, rflags),
    rax = const offset_of!(Registers, rax),
    rbx = const offset_of!(Registers, rbx),
    rcx = const offset_of!(Registers, rcx),
    rdx = const offset_of!(Registers, rdx),
    rsi = const offset_of!(Registers, rsi),
    rdi = const offset_of!(Registers, rdi),
    rbp = const offset_of!(Registers, rbp),
    r8 = const offset_of!(Registers, r8),
    r9 = const offset_of!(Registers, r9),
    r10 = const offset_of!(Registers, r10),
    r11 = const offset_of!(Registers, r11),
    r12 = const offset_of!(Registers, r12),
    r13 = const offset_of!(Registers, r13),
    r14 = const offset_of!(Registers, r14),
    r15 = const offset_of!(Registers, r15),
    rsp = const offset_of!(Registers, rsp),
);

/// Says that a thread has the CPU from now on.
pub(super) fn set_thread(thread: &Rc<Thread>) {
    let place = thread.context.place();
    // Exec comes here in the middle of a call of the same thread, which nothing may change for.
    if CONTEXT.swap(place, Ordering::Relaxed) == place && CALLS.load(Ordering::Relaxed) {
        return;
    }
    // SAFETY: null, or what `run` has stored for good.
    let Some(unix) = (unsafe { super::UNIX.load(Ordering::Relaxed).as_ref() }) else { return };
    // SAFETY: (1) the copy is never dropped, and the system holds a share while the thread has the CPU; (2) the place is only
    // read by the calls of that thread, of which none is being made, for another one had the CPU; (3) it stays.
    let thread: &'static Rc<Thread> = unsafe { (*THREAD.0.get()).write(core::ptr::read(core::ptr::from_ref(thread))) };
    CALL.with(|call| _ = call.write(Call { unix, thread }));
    CALLS.store(true, Ordering::Relaxed);
}

/// What calls are made with is there.
static CALLS: AtomicBool = AtomicBool::new(false);

/// A call has no result yet, or somebody wants attention. Whether the same thread goes on, with registers as the call left them but for rax.
extern "C" fn after_call(stops: u64, value: u64) -> bool {
    let before = CONTEXT.load(Ordering::Relaxed);
    // SAFETY: a call has been made, so this was written; it changes when another thread has the CPU.
    let thread = unsafe { (*CALL.0.get()).assume_init_ref() }.thread;
    super::after_call(thread, Made::from_words(stops, value));
    // Another one may have the CPU by now, and that one be gone.
    let now = CONTEXT.load(Ordering::Relaxed);
    // SAFETY: `set_thread` stored the place of the registers in the context of a thread, which is there while it has the CPU.
    before == now && !unsafe { Context::of(now) }.is_replaced()
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
    // SAFETY: the registers are those of a thread in ring 3; nobody counts on what lies on the stack of the library OS, which is no
    // stack of an exception.
    unsafe { core::arch::asm!("jmp unix_return", options(noreturn)) }
}
