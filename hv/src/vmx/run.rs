//! Entering the guest and coming back.
//!
//! The null call, the yardstick of every entry into the kernel, is answered before any other register is saved, and control transfers are
//! made (`transfer`) where nothing stands against it. All other exits save the whole register file and return to the run loop.

use super::context::Context;
use super::exit::{Left, RawExit, reason};
use super::fields;
use super::vmcs::{Current, Failure, vmread, vmwrite};
use crate::shootdown::CpuState;
use core::arch::global_asm;
use core::mem::offset_of;
use core::ptr::NonNull;

/// In a code segment's access rights: 64-bit code.
const LONG: u64 = 1 << 13;

/// Whether the guest is in ring 0 of 64-bit code. Needs a current VMCS.
#[inline(always)]
pub(super) fn in_ring_0_of_64_bit_code() -> bool {
    const DESCRIPTOR_PRIVILEGE: u64 = 3 << 5;
    // The privilege level is that of SS (SDM 25.4.1); CS may be conforming.
    vmread(fields::GUEST_SS_ACCESS_RIGHTS.encoding()) & DESCRIPTOR_PRIVILEGE == 0
        && vmread(fields::GUEST_CS_ACCESS_RIGHTS.encoding()) & LONG != 0
}

/// Steps over the instruction that exited. Needs a current VMCS.
#[inline(always)]
pub(super) fn step_over_instruction() {
    const BLOCKING_BY_STI_OR_MOV_SS: u64 = 3;
    const TRAP_FLAG: u64 = 1 << 8;
    const SINGLE_STEP: u64 = 1 << 14;
    let old = vmread(fields::GUEST_RIP.encoding());
    let mut next = old.wrapping_add(vmread(fields::VM_EXIT_INSTRUCTION_LENGTH.encoding()));
    // In 32-bit code the instruction pointer wraps at 4 GiB; with more bits the CPU refuses the entry (SDM 27.3.1.4).
    if next >> 32 != 0 && old >> 32 == 0 && vmread(fields::GUEST_CS_ACCESS_RIGHTS.encoding()) & LONG == 0 {
        next &= u64::from(u32::MAX);
    }
    // Both fields exist on every CPU and hold guest state: these writes cannot fail.
    vmwrite(fields::GUEST_RIP.encoding(), next);
    let blocking = vmread(fields::GUEST_INTERRUPTIBILITY_STATE.encoding());
    if blocking & BLOCKING_BY_STI_OR_MOV_SS != 0 {
        vmwrite(fields::GUEST_INTERRUPTIBILITY_STATE.encoding(), blocking & !BLOCKING_BY_STI_OR_MOV_SS);
    }
    // A guest that single-steps takes its trap after this instruction as after any other.
    if vmread(fields::GUEST_RFLAGS.encoding()) & TRAP_FLAG != 0 {
        let pending = vmread(fields::GUEST_PENDING_DEBUG_EXCEPTIONS.encoding());
        vmwrite(fields::GUEST_PENDING_DEBUG_EXCEPTIONS.encoding(), pending | SINGLE_STEP);
    }
}

#[allow(improper_ctypes, reason = "the assembly uses only what `offset_of` finds")]
unsafe extern "sysv64" {
    /// Returns 0, or 2 or 3 where the CPU refuses; in `left` the context of the guest that has exited.
    fn vmx_enter(context: *mut Context, launched: u64, cpu: *const CpuState, left: *mut *mut Context) -> u64;
    /// Where exits arrive: the host RIP of every VMCS.
    pub(super) static vmx_exit: u8;
}

/// Goes to the next label 3 unless the guest is in ring 0 of 64-bit code, where alone a VMCALL counts (in a segment that is not conforming,
/// whose privilege level is the CPU's), with interrupts on, because of the slice's timer, without a single step, and without
/// blocking by STI or MOV SS. Uses rcx and rdx.
macro_rules! leave_unless_plain_call {
    () => {
        r#"
    mov ecx, {CS_ACCESS_RIGHTS}
    vmread rdx, rcx
    and edx, 0x2064             /* 64-bit; privilege level; conforming */
    cmp edx, 0x2000
    jne 3f
    mov ecx, {RFLAGS}
    vmread rdx, rcx
    and dh, 3
    cmp dh, 2
    jne 3f
    mov ecx, {INTERRUPTIBILITY}
    vmread rdx, rcx
    test dl, 3
    jnz 3f
"#
    };
}
pub(in crate::vmx) use leave_unless_plain_call;

global_asm!(
    r#"
    .text
    .align 64
    .global vmx_enter, vmx_exit
vmx_enter:
    push rbp
    push rbx
    push r12
    push r13
    push r14
    push r15
    push rcx
    push rdi
    push rdx
    cmp [rdi + {HOST_STACK}], rsp   /* nested, this field costs an exit of our own: write it only when it changes */
    je 6f
    mov [rdi + {HOST_STACK}], rsp
    bts qword ptr [rdi + {CLASS}], 63   /* its class says what the field was */
    mov eax, {HOST_RSP}
    vmwrite rax, rsp
6:
    test esi, esi
    mov rax, [rdi]
    mov rcx, [rdi + 8]
    mov rdx, [rdi + 16]
    mov rbx, [rdi + 24]
    mov rbp, [rdi + 32]
    mov rsi, [rdi + 40]
    mov r8, [rdi + 56]
    mov r9, [rdi + 64]
    mov r10, [rdi + 72]
    mov r11, [rdi + 80]
    mov r12, [rdi + 88]
    mov r13, [rdi + 96]
    mov r14, [rdi + 104]
    mov r15, [rdi + 112]
    mov rdi, [rdi + 48]
    jnz 2f
    vmlaunch
    jmp 4f
2:  vmresume
    jmp 4f

    /* The null call: VMCALL with 0 in rax, from ring 0 of 64-bit code with interrupts on. It needs no register but
       the two that it saves, and rdx is its result. */
    .align 64
vmx_exit:
    push rdx
    push rcx
    mov ecx, {REASON}
    vmread rdx, rcx
    cmp edx, {VMCALL}
    jne 3f
    test rax, rax
    jnz vmx_transfer
"#,
    leave_unless_plain_call!(),
    r#"
    mov rdx, [rsp + 24]
    mov rdx, [rdx + {CALLS}]
    test rdx, rdx
    jz 3f
    inc qword ptr [rdx]
    mov ecx, {INSTRUCTION_LENGTH}
    vmread rdx, rcx
    mov ecx, {RIP}
    vmread rax, rcx
    add rdx, rax
    vmwrite rcx, rdx
    xor eax, eax
    xor edx, edx
    pop rcx
    lea rsp, [rsp + 8]
    vmresume
    jmp 4f

    /* With rcx and rdx on the stack. */
    .global vmx_exit_to_run_loop
vmx_exit_to_run_loop:
3:  mov rdx, [rsp + 24]
    mov [rdx], rax
    pop qword ptr [rdx + 8]
    pop qword ptr [rdx + 16]
    mov [rdx + 24], rbx
    mov [rdx + 32], rbp
    mov [rdx + 40], rsi
    mov [rdx + 48], rdi
    mov [rdx + 56], r8
    mov [rdx + 64], r9
    mov [rdx + 72], r10
    mov [rdx + 80], r11
    mov [rdx + 88], r12
    mov [rdx + 96], r13
    mov [rdx + 104], r14
    mov [rdx + 112], r15
    xor eax, eax
    jmp 5f

    .global vmx_entry_failed
vmx_entry_failed:
4:  setc al                     /* VMfailInvalid: CF; VMfailValid: ZF */
    movzx eax, al
    xor eax, 3                  /* 2: invalid, 3: valid */
5:  add rsp, 8
    pop rcx
    pop rdx
    mov [rdx], rcx
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret
"#,
    HOST_RSP = const fields::HOST_RSP.encoding(),
    HOST_STACK = const offset_of!(Context, host_stack),
    CALLS = const offset_of!(Context, calls),
    CLASS = const offset_of!(Context, class),
    REASON = const fields::VM_EXIT_REASON.encoding(),
    VMCALL = const reason::VMCALL,
    CS_ACCESS_RIGHTS = const fields::GUEST_CS_ACCESS_RIGHTS.encoding(),
    RFLAGS = const fields::GUEST_RFLAGS.encoding(),
    INTERRUPTIBILITY = const fields::GUEST_INTERRUPTIBILITY_STATE.encoding(),
    INSTRUCTION_LENGTH = const fields::VM_EXIT_INSTRUCTION_LENGTH.encoding(),
    RIP = const fields::GUEST_RIP.encoding(),
);

impl Current<'_> {
    /// Runs the guest until an exit that is the run loop's. The second is the context of the guest that has exited: another one's where
    /// control was transferred, and then the VMCS that is current is that one's.
    ///
    /// # Errors
    /// [`Failure`] where the CPU refuses the control or host fields: a kernel bug. What is wrong with guest state comes
    /// back as an exit.
    #[inline]
    pub(super) fn run(
        &mut self,
        context: NonNull<Context>,
        cpu: &CpuState,
    ) -> (Result<Left, Failure>, NonNull<Context>) {
        let launched = u64::from(self.launched());
        let mut left = context.as_ptr();
        // SAFETY: 1. this VMCS is current, is the context's, and its host state leads to `vmx_exit` with this CPU's tables (`setup`);
        // 2. the context and those that are registered lie in boxes of virtual CPUs of this CPU, which nothing else uses meanwhile;
        // 3. the assembly keeps the registers that the calling convention wants kept.
        let result = unsafe { vmx_enter(context.as_ptr(), launched, cpu, &raw mut left) };
        let left = NonNull::new(left).unwrap_or(context);
        let result = match result {
            0 => {
                self.set_launched();
                let called = self.read(fields::VM_EXIT_REASON) == RawExit::CALL.reason;
                Ok(if called { Left::Call } else { Left::Exit })
            }
            2 => Err(Failure::Invalid),
            _ => Err(self.failure()),
        };
        (result, left)
    }

    /// The words of the exit.
    pub(super) fn raw_exit(&self) -> RawExit {
        RawExit {
            reason: self.read(fields::VM_EXIT_REASON),
            qualification: self.read(fields::EXIT_QUALIFICATION),
            interruption_info: self.read(fields::VM_EXIT_INTERRUPTION_INFORMATION),
            interruption_error: self.read(fields::VM_EXIT_INTERRUPTION_ERROR_CODE),
            idt_vectoring_info: self.read(fields::IDT_VECTORING_INFORMATION),
            idt_vectoring_error: self.read(fields::IDT_VECTORING_ERROR_CODE),
            instruction_length: self.read(fields::VM_EXIT_INSTRUCTION_LENGTH),
            guest_physical: self.read(fields::GUEST_PHYSICAL_ADDRESS),
            guest_linear: self.read(fields::GUEST_LINEAR_ADDRESS),
        }
    }
}
