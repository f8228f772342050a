//! The kernel's own IDT. In root mode interrupts are off but for the idle loop's window, where they are only noted;
//! an exception is a kernel bug, but for an MSR that turns out not to exist.

use super::{apic, descriptors, halt_for_ever, local, msr};
use core::arch::global_asm;
use core::sync::atomic::{AtomicBool, Ordering};
use spin::Once;

/// Vector of the timer that ends slices.
pub const TIMER_VECTOR: u8 = 0xf0;
/// Vector by which one CPU makes another leave its guest.
pub const KICK_VECTOR: u8 = 0xf1;
/// Vector of the serial port, when something has come.
pub const INPUT_VECTOR: u8 = 0xe0;
/// Vector of the APIC's spurious interrupts.
pub const SPURIOUS_VECTOR: u8 = 0xff;

const NMI: u64 = 2;
const DOUBLE_FAULT: usize = 8;
const GENERAL_PROTECTION: u64 = 13;
const MACHINE_CHECK: usize = 18;

/// What the stubs push.
#[derive(Debug)]
#[repr(C)]
struct Frame {
    r15: u64,
    r14: u64,
    r13: u64,
    r12: u64,
    r11: u64,
    r10: u64,
    r9: u64,
    r8: u64,
    rbp: u64,
    rdi: u64,
    rsi: u64,
    rdx: u64,
    rcx: u64,
    rbx: u64,
    rax: u64,
    vector: u64,
    error_code: u64,
    rip: u64,
    cs: u64,
    rflags: u64,
    rsp: u64,
    ss: u64,
}

unsafe extern "C" {
    static interrupt_stubs: u8;
}

global_asm!(
    r#"
    .text
    .align 16
    .global interrupt_stubs
interrupt_stubs:
    .set vector, 0
    .rept 256
    .align 16
    .if !(vector == 8 || (vector >= 10 && vector <= 14) || vector == 17 || vector == 21 || vector == 29 || vector == 30)
    push 0
    .endif
    push vector
    jmp interrupt_common
    .set vector, vector + 1
    .endr
    .align 16
interrupt_common:
    push rax
    push rbx
    push rcx
    push rdx
    push rsi
    push rdi
    push rbp
    push r8
    push r9
    push r10
    push r11
    push r12
    push r13
    push r14
    push r15
    cld
    mov rdi, rsp
    call interrupt_entry
    pop r15
    pop r14
    pop r13
    pop r12
    pop r11
    pop r10
    pop r9
    pop r8
    pop rbp
    pop rdi
    pop rsi
    pop rdx
    pop rcx
    pop rbx
    pop rax
    add rsp, 16
    iretq
"#
);

/// A gate of the IDT (SDM Vol. 3, 6.14.1).
#[derive(Clone, Copy)]
#[repr(C)]
struct Gate([u64; 2]);

impl Gate {
    fn new(handler: u64, selector: u16, interrupt_stack: u8) -> Self {
        const PRESENT_INTERRUPT_GATE: u64 = 0x8e;
        let low = (handler & 0xffff)
            | u64::from(selector) << 16
            | u64::from(interrupt_stack) << 32
            | PRESENT_INTERRUPT_GATE << 40
            | (handler >> 16 & 0xffff) << 48;
        Self([low, handler >> 32])
    }
}

static GATES: Once<[Gate; 256]> = Once::new();

/// Base and limit of the IDT, the same on all CPUs.
#[must_use]
pub fn table() -> (u64, u16) {
    const SELECTOR: u16 = 8;
    let gates = GATES.call_once(|| {
        let first = (&raw const interrupt_stubs).addr() as u64;
        let mut gates = [Gate([0; 2]); 256];
        for ((vector, gate), handler) in gates.iter_mut().enumerate().zip((first..).step_by(16)) {
            // 0 is "no stack of its own"; the TSS's stacks count from 1.
            let stack = match vector {
                2 => descriptors::NMI_STACK + 1,
                DOUBLE_FAULT => descriptors::DOUBLE_FAULT_STACK + 1,
                MACHINE_CHECK => descriptors::MACHINE_CHECK_STACK + 1,
                _ => 0,
            };
            *gate = Gate::new(handler, SELECTOR, stack);
        }
        gates
    });
    (gates.as_ptr().addr() as u64, 256 * 16 - 1)
}

/// Loads the IDT on this CPU.
pub fn initialise() {
    use x86_64::structures::DescriptorTablePointer;
    let (base, limit) = table();
    let pointer = DescriptorTablePointer { limit, base: x86_64::VirtAddr::new(base) };
    // SAFETY: the table is static, every gate leads to a stub, and the selector is the kernel's code segment.
    unsafe { x86_64::instructions::tables::lidt(&pointer) };
}

static STOP: AtomicBool = AtomicBool::new(false);

/// Tells every other CPU to stop for good, before this one ends the machine. If another CPU already does, this one stops:
/// exactly one speaks last.
pub fn stop_others() {
    if STOP.swap(true, Ordering::SeqCst) {
        halt_for_ever();
    }
    apic::send_nmi_to_others();
}

/// What an NMI means here: a stop request, or nothing that the kernel knows.
pub fn serve_nmi() {
    if STOP.load(Ordering::SeqCst) {
        halt_for_ever();
    }
}

#[unsafe(no_mangle)]
extern "sysv64" fn interrupt_entry(frame: &mut Frame) {
    match frame.vector {
        NMI => serve_nmi(),
        GENERAL_PROTECTION if let Some(resume) = msr::recovery(frame.rip) => frame.rip = resume,
        vector @ 0..32 => panic!(
            "exception {vector} in the kernel, error code {:#x}, CR2 {:#x}\n{frame:#x?}",
            frame.error_code,
            super::read_cr2()
        ),
        vector => {
            #[allow(clippy::cast_possible_truncation, reason = "the stubs push 0 to 255")]
            let vector = vector as u8;
            local::this().note(vector);
            if vector != SPURIOUS_VECTOR {
                apic::end_of_interrupt();
            }
        }
    }
}

/// Allows NMIs again after a VM exit for one, which leaves them blocked: IRETQ to the next instruction.
pub fn allow_nmi() {
    // SAFETY: the frame returns to the label with the same stack, selectors and flags.
    unsafe {
        core::arch::asm!(
            "mov {old}, rsp",
            "mov {selector:e}, ss",
            "push {selector}",
            "push {old}",
            "pushfq",
            "mov {selector:e}, cs",
            "push {selector}",
            "lea {selector}, [rip + 2f]",
            "push {selector}",
            "iretq",
            "2:",
            old = out(reg) _,
            selector = out(reg) _,
        );
    }
}

/// Says that a machine check has been served: with the flag left on, the next one would shut the CPU down.
pub fn end_machine_check() {
    const MCG_STATUS: u32 = 0x17a;
    // SAFETY: clearing the register only says that no machine check is in progress.
    let _ = unsafe { msr::write_guarded(MCG_STATUS, 0) };
}
