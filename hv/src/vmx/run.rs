//! Entering the guest and coming back.
//!
//! An exit first saves only the nine registers that a function may change and asks the fast path, which lives
//! without the rest; only if that declines is the whole register file saved and the exit returned to the run loop.

use super::exit::RawExit;
use super::fields;
use super::vmcs::{Current, Failure, vmread, vmwrite};
use core::arch::global_asm;
use core::marker::PhantomData;

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

/// What the fast path sees of the guest's registers: those that a function call may change.
#[derive(Debug)]
#[repr(C)]
#[allow(missing_docs, reason = "the names are the registers'")]
pub struct FastRegisters {
    pub r11: u64,
    pub r10: u64,
    pub r9: u64,
    pub r8: u64,
    pub rdi: u64,
    pub rsi: u64,
    pub rdx: u64,
    pub rcx: u64,
    pub rax: u64,
}

/// An exit as the fast path sees it, between the two halves of [`Current::run`].
#[derive(Debug)]
pub struct FastExit<'e> {
    /// The guest's registers, as far as they are saved.
    pub registers: &'e mut FastRegisters,
    _this_cpu_only: PhantomData<*mut ()>,
}

impl FastExit<'_> {
    /// The exit reason: the basic reason in bits 15:0, bit 31 for a failed entry (SDM 25.9.1).
    #[must_use]
    #[inline(always)]
    pub fn reason(&self) -> u32 {
        u32::try_from(vmread(fields::VM_EXIT_REASON.encoding()) & 0xffff_ffff).unwrap_or(u32::MAX)
    }

    /// Whether the guest was in ring 0 of 64-bit code: the only place whose VMCALL counts.
    #[must_use]
    #[inline(always)]
    pub fn from_ring_0_of_64_bit_code(&self) -> bool {
        in_ring_0_of_64_bit_code()
    }

    /// Steps over the instruction that exited; STI and MOV-SS blocking end with it.
    #[inline(always)]
    pub fn advance(&mut self) {
        step_over_instruction();
    }
}

/// Whether the guest is in ring 0 of 64-bit code. Needs a current VMCS.
#[inline(always)]
pub(super) fn in_ring_0_of_64_bit_code() -> bool {
    const DESCRIPTOR_PRIVILEGE: u64 = 3 << 5;
    const LONG: u64 = 1 << 13;
    // The privilege level is that of SS (SDM 25.4.1); CS may be conforming.
    vmread(fields::GUEST_SS_ACCESS_RIGHTS.encoding()) & DESCRIPTOR_PRIVILEGE == 0
        && vmread(fields::GUEST_CS_ACCESS_RIGHTS.encoding()) & LONG != 0
}

/// Steps over the instruction that exited. Needs a current VMCS.
#[inline(always)]
pub(super) fn step_over_instruction() {
    const BLOCKING_BY_STI_OR_MOV_SS: u64 = 3;
    let next = vmread(fields::GUEST_RIP.encoding()).wrapping_add(vmread(fields::VM_EXIT_INSTRUCTION_LENGTH.encoding()));
    // Both fields exist on every CPU and hold guest state: these writes cannot fail.
    vmwrite(fields::GUEST_RIP.encoding(), next);
    let blocking = vmread(fields::GUEST_INTERRUPTIBILITY_STATE.encoding());
    if blocking & BLOCKING_BY_STI_OR_MOV_SS != 0 {
        vmwrite(fields::GUEST_INTERRUPTIBILITY_STATE.encoding(), blocking & !BLOCKING_BY_STI_OR_MOV_SS);
    }
}

/// What is asked first at every exit.
pub trait FastPath {
    /// Serves the exit and says `true` to enter the guest again at once, or changes nothing and says `false`.
    fn exit(&mut self, exit: &mut FastExit<'_>) -> bool;
}

#[inline(never)]
extern "sysv64" fn shim<F: FastPath>(registers: &mut FastRegisters, path: &mut F) -> bool {
    path.exit(&mut FastExit { registers, _this_cpu_only: PhantomData })
}

unsafe extern "sysv64" {
    fn vmx_enter(
        registers: *mut GuestRegisters,
        launched: u64,
        fast: *const core::ffi::c_void,
        context: *mut core::ffi::c_void,
    ) -> u64;
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
    sub rsp, 8                  /* so that the fast path is called with an aligned stack */
    push rdi
    push rcx
    push rdx
    mov eax, {HOST_RSP}
    vmwrite rax, rsp
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

    .align 64
vmx_exit:
    push rax
    push rcx
    push rdx
    push rsi
    push rdi
    push r8
    push r9
    push r10
    push r11
    mov rdi, rsp
    mov rsi, [rsp + 80]
    call [rsp + 72]
    test al, al
    jz 3f
    pop r11
    pop r10
    pop r9
    pop r8
    pop rdi
    pop rsi
    pop rdx
    pop rcx
    pop rax
    vmresume
    jmp 4f

3:  mov rdi, [rsp + 88]
    mov [rdi + 24], rbx
    mov [rdi + 32], rbp
    mov [rdi + 88], r12
    mov [rdi + 96], r13
    mov [rdi + 104], r14
    mov [rdi + 112], r15
    pop qword ptr [rdi + 80]
    pop qword ptr [rdi + 72]
    pop qword ptr [rdi + 64]
    pop qword ptr [rdi + 56]
    pop qword ptr [rdi + 48]
    pop qword ptr [rdi + 40]
    pop qword ptr [rdi + 16]
    pop qword ptr [rdi + 8]
    pop qword ptr [rdi]
    xor eax, eax
    jmp 5f

4:  setc al                     /* VMfailInvalid: CF; VMfailValid: ZF */
    movzx eax, al
    xor eax, 3                  /* 2: invalid, 3: valid */
5:  add rsp, 32
    pop r15
    pop r14
    pop r13
    pop r12
    pop rbx
    pop rbp
    ret
"#,
    HOST_RSP = const 0x6c14,
);

impl Current<'_> {
    /// Runs the guest until an exit that the fast path declines.
    ///
    /// # Errors
    /// [`Failure`] where the CPU refuses the control or host fields: a kernel bug. What is wrong with guest state comes
    /// back as an exit.
    pub fn run<F: FastPath>(&mut self, registers: &mut GuestRegisters, path: &mut F) -> Result<RawExit, Failure> {
        let launched = u64::from(self.launched());
        let fast = shim::<F> as *const core::ffi::c_void;
        // SAFETY: 1. this VMCS is current and its host state leads to `vmx_exit` with this CPU's tables (`vcpu`);
        // 2. `registers` and `path` outlive the call, and `fast` is the function for `path`'s type; 3. the assembly
        // keeps the registers that the calling convention wants kept.
        let result = unsafe { vmx_enter(registers, launched, fast, core::ptr::from_mut(path).cast()) };
        match result {
            0 => {
                self.set_launched();
                Ok(self.raw_exit())
            }
            2 => Err(Failure::Invalid),
            _ => Err(self.failure()),
        }
    }

    fn raw_exit(&self) -> RawExit {
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
