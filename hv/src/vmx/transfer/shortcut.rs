//! The assembly that makes transfers: see [`transfer`](super) for what it relies on.

use super::{CALL, NAMES, REPLY, TRANSFER, Transfer};
use crate::cpu::msr;
use crate::shootdown;
use crate::vmx::context::Context;
use crate::vmx::fields;
use crate::vmx::run::leave_unless_plain_call;
use crate::vmx::switched::Switched;
use core::arch::global_asm;
use core::mem::offset_of;

/// Loads what a transfer between two of different classes must switch beyond what every transfer does.
unsafe extern "sysv64" fn load_class(from: *const Context, to: *const Context) {
    // SAFETY: the assembly passes the contexts that it goes from and to, which nobody else uses while a guest runs here.
    let (from, to) = unsafe { (&(*from).switched, &(*to).switched) };
    Switched::exchange(from, to);
}

// Register use below: rdx is the context that the transfer goes from, rsi the one it goes to, rbx the number of the latter.
global_asm!(
    r#"
    .text
    /* Publishes the space that the transfer goes to; leaves if it would have to flush or somebody wants attention. */
    .macro ravelin_publish
    mov rcx, [rsp + 40]
    mov rdi, [rcx + {PUBLISHED}]
    xor rdi, [rdx + {SPACE}]
    xor rdi, [rsi + {SPACE}]
    xchg [rcx + {PUBLISHED}], rdi
    xor rdi, [rdx + {SPACE}]
    cmp [rip + {SHOOTDOWN} + {EPOCH}], rdi
    jne 3f
    cmp byte ptr [rcx + {ATTENTION}], 0
    jne 3f
    lea rcx, [rip + {TRANSFER}]
    mov rdi, [rdx + {NAME}]
    .endm

    /* From here on nothing stands against it: counts the exit, steps over the VMCALL, and makes the other virtual CPU this CPU's. Leaves
       the context that it comes from in rdi. */
    .macro ravelin_switch
    mov rdi, [rdx + {CALLS}]
    inc qword ptr [rdi]
    mov ecx, {INSTRUCTION_LENGTH}
    vmread rdi, rcx
    mov ecx, {RIP}
    vmread rax, rcx
    add rax, rdi
    vmwrite rcx, rax
    mov rax, cr2
    mov [rdx + {CR2}], rax
    mov rax, [rsi + {CR2}]
    mov cr2, rax
    vmptrld [rsi + {VMCS}]
    mov rdi, rdx
    mov ecx, {KERNEL_GS_BASE}
    rdmsr
    shl rdx, 32
    or rax, rdx
    mov [rdi + {KERNEL_GS}], rax
    cmp rax, [rsi + {KERNEL_GS}]
    je 5f
    mov eax, [rsi + {KERNEL_GS}]
    mov edx, [rsi + {KERNEL_GS} + 4]
    wrmsr
5:  mov [rsp + 48], rsi
    .endm

    /* What two of different classes differ in besides. */
    .macro ravelin_switch_class
    lea rax, [rsp + 40]
    cmp [rsi + {HOST_STACK}], rax
    je 6f
    mov [rsi + {HOST_STACK}], rax
    bts qword ptr [rsi + {CLASS}], 63
    mov ecx, {HOST_RSP}
    vmwrite rcx, rax
6:  push rdi
    push r8
    push r9
    push r10
    push r11
    push rbp
    mov rbp, rsp
    and rsp, -16
    call {load_class}
    mov rsp, rbp
    pop rbp
    pop r11
    pop r10
    pop r9
    pop r8
    pop rdi
    .endm

    .macro ravelin_resume
    pop rdi
    pop rsi
    pop rbx
    pop rcx
    pop rdx
    vmresume
    jmp vmx_entry_failed
    .endm

    /* Both take the registers from the checks to the guest, with the classes compared. */
    .macro ravelin_call differ
    ravelin_publish
    mov [rcx + 8 * rbx + {CALLERS}], rdi
    mov [rcx + 8 * rdi + {CALLEES}], rbx
    ravelin_switch
    .if \differ
    ravelin_switch_class
    .endif
    mov rax, [rdi + {IDENTITY}]
    ravelin_resume
    .endm

    .macro ravelin_reply differ
    ravelin_publish
    mov qword ptr [rcx + 8 * rdi + {CALLERS}], -1
    mov qword ptr [rcx + 8 * rbx + {CALLEES}], 0
    ravelin_switch
    .if \differ
    ravelin_switch_class
    .endif
    xor eax, eax
    ravelin_resume
    .endm

    /* A VMCALL that is no null call: rcx and rdx are on the stack. */
    .align 64
    .global vmx_transfer
vmx_transfer:
    push rbx
    push rsi
    push rdi
    cmp rax, {REPLY}
    je 2f

    mov rbx, rax
    xor rbx, {CALL}
    test rbx, -1 - 0x3f0000             /* a call has a slot, and nothing else, in its other bits */
    jnz 3f
"#,
    leave_unless_plain_call!(),
    r#"
    mov rdx, [rsp + 48]
    shr ebx, 13
    mov rcx, [rdx + {SLOTS}]
    mov rbx, [rcx + rbx]
    and ebx, {NAMES} - 1
    lea rcx, [rip + {TRANSFER}]
    cmp qword ptr [rcx + 8 * rbx + {CALLERS}], -1
    jne 3f
    cmp qword ptr [rcx + 8 * rbx + {READY}], 0
    je 3f
    mov rsi, [rcx + 8 * rbx + {CONTEXTS}]
    mov rdi, [rsi + {CLASS}]
    cmp rdi, [rdx + {CLASS}]
    jne 4f
    ravelin_call 0

4:  or rdi, [rdx + {CLASS}]
    js 3f
    mov rdi, [rsi + {CPU}]
    cmp rdi, [rdx + {CPU}]
    jne 3f
    ravelin_call 1

2:
"#,
    leave_unless_plain_call!(),
    r#"
    mov rdx, [rsp + 48]
    mov rdi, [rdx + {NAME}]
    lea rcx, [rip + {TRANSFER}]
    mov rbx, [rcx + 8 * rdi + {CALLERS}]
    and ebx, {NAMES} - 1
    cmp qword ptr [rcx + 8 * rbx + {READY}], 0
    je 3f
    mov rsi, [rcx + 8 * rbx + {CONTEXTS}]
    mov rdi, [rsi + {CLASS}]
    cmp rdi, [rdx + {CLASS}]
    jne 4f
    ravelin_reply 0

4:  or rdi, [rdx + {CLASS}]
    js 3f
    mov rdi, [rsi + {CPU}]
    cmp rdi, [rdx + {CPU}]
    jne 3f
    ravelin_reply 1

3:  pop rdi
    pop rsi
    pop rbx
    jmp vmx_exit_to_run_loop
"#,
    CS_ACCESS_RIGHTS = const fields::GUEST_CS_ACCESS_RIGHTS.encoding(),
    RFLAGS = const fields::GUEST_RFLAGS.encoding(),
    INTERRUPTIBILITY = const fields::GUEST_INTERRUPTIBILITY_STATE.encoding(),
    INSTRUCTION_LENGTH = const fields::VM_EXIT_INSTRUCTION_LENGTH.encoding(),
    RIP = const fields::GUEST_RIP.encoding(),
    HOST_RSP = const fields::HOST_RSP.encoding(),
    KERNEL_GS_BASE = const msr::number::KERNEL_GS_BASE,
    CALL = const CALL,
    REPLY = const REPLY,
    PUBLISHED = const shootdown::PUBLISHED_OFFSET,
    ATTENTION = const shootdown::ATTENTION_OFFSET,
    EPOCH = const shootdown::EPOCH_OFFSET,
    SHOOTDOWN = sym shootdown::SHOOTDOWN,
    TRANSFER = sym TRANSFER,
    CONTEXTS = const offset_of!(Transfer, contexts),
    READY = const offset_of!(Transfer, ready),
    CALLERS = const offset_of!(Transfer, callers),
    CALLEES = const offset_of!(Transfer, callees),
    CALLS = const offset_of!(Context, calls),
    NAME = const offset_of!(Context, name),
    IDENTITY = const offset_of!(Context, identity),
    SLOTS = const offset_of!(Context, slots),
    CPU = const offset_of!(Context, cpu),
    NAMES = const NAMES,
    SPACE = const offset_of!(Context, space),
    CLASS = const offset_of!(Context, class),
    VMCS = const offset_of!(Context, vmcs),
    HOST_STACK = const offset_of!(Context, host_stack),
    CR2 = const offset_of!(Context, switched.cr2),
    KERNEL_GS = const offset_of!(Context, switched.kernel_gs_base),
    load_class = sym load_class,
);
