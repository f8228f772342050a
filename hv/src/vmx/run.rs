//! Entering the guest and coming back.
//!
//! The null call, the yardstick of every entry into the kernel, is answered before any other register is saved. All
//! other exits save the whole register file and return to the run loop.

use super::exit::{Left, RawExit, reason};
use super::fields;
use super::vmcs::{Current, Failure, vmread, vmwrite};
use core::arch::global_asm;

/// The guest's general registers but RSP, which is in the VMCS.
#[derive(Clone, Copy, Debug, Default)]
#[repr(C)]
#[allow(missing_docs, reason = "the names are the registers'")]
pub struct GuestRegisters {
    pub rax: u64,
    pub rcx: u64,
    pub rdx: u64,
    pub rbx: u64,
    pub rbp: u64,
    pub rsi: u64,
    pub rdi: u64,
    pub r8: u64,
    pub r9: u64,
    pub r10: u64,
    pub r11: u64,
    pub r12: u64,
    pub r13: u64,
    pub r14: u64,
    pub r15: u64,
}

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

unsafe extern "sysv64" {
    fn vmx_enter(registers: *mut GuestRegisters, launched: u64, null_calls: *mut u64, stack: *mut u64) -> u64;
    /// Where exits arrive: the host RIP of every VMCS.
    pub(super) static vmx_exit: u8;
}

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
    push rdi
    push rdx
    cmp [rcx], rsp              /* nested, this field costs an exit of our own: write it only when it changes */
    je 6f
    mov [rcx], rsp
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
    jnz 3f
    mov ecx, {SS_ACCESS_RIGHTS}
    vmread rdx, rcx
    test dl, 0x60               /* privilege level */
    jnz 3f
    mov ecx, {CS_ACCESS_RIGHTS}
    vmread rdx, rcx
    test dh, 0x20               /* 64-bit code */
    jz 3f
    mov ecx, {RFLAGS}
    vmread rdx, rcx
    and dh, 3                   /* interrupts on, no single step */
    cmp dh, 2
    jne 3f
    mov ecx, {INTERRUPTIBILITY}
    vmread rdx, rcx
    test dl, 3                  /* blocked by STI or MOV SS */
    jnz 3f
    mov rdx, [rsp + 16]
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

4:  setc al                     /* VMfailInvalid: CF; VMfailValid: ZF */
    movzx eax, al
    xor eax, 3                  /* 2: invalid, 3: valid */
5:  add rsp, 16
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret
"#,
    HOST_RSP = const fields::HOST_RSP.encoding(),
    REASON = const fields::VM_EXIT_REASON.encoding(),
    VMCALL = const reason::VMCALL,
    SS_ACCESS_RIGHTS = const fields::GUEST_SS_ACCESS_RIGHTS.encoding(),
    CS_ACCESS_RIGHTS = const fields::GUEST_CS_ACCESS_RIGHTS.encoding(),
    RFLAGS = const fields::GUEST_RFLAGS.encoding(),
    INTERRUPTIBILITY = const fields::GUEST_INTERRUPTIBILITY_STATE.encoding(),
    INSTRUCTION_LENGTH = const fields::VM_EXIT_INSTRUCTION_LENGTH.encoding(),
    RIP = const fields::GUEST_RIP.encoding(),
);

impl Current<'_> {
    /// Runs the guest until an exit other than a null call; those are answered on the way and counted in `null_calls`, or
    /// returned as well where that is `None`. The words of an exit that is not a call are put into `exit`.
    ///
    /// # Errors
    /// [`Failure`] where the CPU refuses the control or host fields: a kernel bug. What is wrong with guest state comes
    /// back as an exit.
    #[inline]
    pub fn run(
        &mut self,
        registers: &mut GuestRegisters,
        null_calls: Option<&mut u64>,
        exit: &mut RawExit,
    ) -> Result<Left, Failure> {
        let launched = u64::from(self.launched());
        let null_calls = null_calls.map_or(core::ptr::null_mut(), core::ptr::from_mut);
        // SAFETY: 1. this VMCS is current and its host state leads to `vmx_exit` with this CPU's tables (`setup`); 2. the
        // pointers are to memory that is the caller's or this VMCS's for the whole call, or null; 3. the assembly keeps the registers
        // that the calling convention wants kept.
        let result = unsafe { vmx_enter(registers, launched, null_calls, self.host_stack()) };
        match result {
            0 => {
                self.set_launched();
                let reason = self.read(fields::VM_EXIT_REASON);
                if reason == u32::from(reason::VMCALL) {
                    return Ok(Left::Call);
                }
                *exit = self.raw_exit(reason);
                Ok(Left::Exit)
            }
            2 => Err(Failure::Invalid),
            _ => Err(self.failure()),
        }
    }

    fn raw_exit(&self, reason: u32) -> RawExit {
        RawExit {
            reason,
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
