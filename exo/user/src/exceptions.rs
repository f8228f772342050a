//! The environment's own IDT: one stub for each of the 256 vectors, all ending in one typed dispatch.

use crate::segments::{DOUBLE_FAULT_STACK, KERNEL_CODE, MACHINE_CHECK_STACK, NMI_STACK};
use crate::{STATUS_EXCEPTION, call, console, cpu, eprintln};
use core::fmt;
use core::mem::transmute;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};
use spin::Once;
use x86_64::VirtAddr;
use x86_64::instructions::tables::lidt;
use x86_64::structures::DescriptorTablePointer;

/// The vector that ring 3 may raise with `INT`, beside breakpoint and overflow.
pub const USER_VECTOR: u8 = 0x80;

/// Vectors by name.
pub mod vector {
    #![allow(missing_docs)] // the names are the manual's
    pub const DIVIDE: u8 = 0;
    pub const DEBUG: u8 = 1;
    pub const NMI: u8 = 2;
    pub const BREAKPOINT: u8 = 3;
    pub const OVERFLOW: u8 = 4;
    pub const INVALID_OPCODE: u8 = 6;
    pub const DEVICE_NOT_AVAILABLE: u8 = 7;
    pub const DOUBLE_FAULT: u8 = 8;
    pub const INVALID_TSS: u8 = 10;
    pub const SEGMENT_NOT_PRESENT: u8 = 11;
    pub const STACK_FAULT: u8 = 12;
    pub const GENERAL_PROTECTION: u8 = 13;
    pub const PAGE_FAULT: u8 = 14;
    pub const ALIGNMENT_CHECK: u8 = 17;
    pub const MACHINE_CHECK: u8 = 18;
}

/// What the interrupted code had in its registers. A handler may change all of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(C)]
#[allow(missing_docs)] // the fields are the CPU's registers
pub struct ExceptionFrame {
    pub r15: u64,
    pub r14: u64,
    pub r13: u64,
    pub r12: u64,
    pub r11: u64,
    pub r10: u64,
    pub r9: u64,
    pub r8: u64,
    pub rbp: u64,
    pub rdi: u64,
    pub rsi: u64,
    pub rdx: u64,
    pub rcx: u64,
    pub rbx: u64,
    pub rax: u64,
    /// 0..=255.
    pub vector: u64,
    /// 0 where the exception has none.
    pub error_code: u64,
    pub rip: u64,
    pub cs: u64,
    pub rflags: u64,
    pub rsp: u64,
    pub ss: u64,
}

impl fmt::Display for ExceptionFrame {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "exception {} error {:#x}", self.vector, self.error_code)?;
        writeln!(f, "rip {:016x} cs {:x} rflags {:x}", self.rip, self.cs, self.rflags)?;
        writeln!(f, "rsp {:016x} ss {:x} cr2 {:016x}", self.rsp, self.ss, cpu::read_cr2())?;
        writeln!(f, "rax {:016x} rbx {:016x} rcx {:016x} rdx {:016x}", self.rax, self.rbx, self.rcx, self.rdx)?;
        writeln!(f, "rsi {:016x} rdi {:016x} rbp {:016x} r8  {:016x}", self.rsi, self.rdi, self.rbp, self.r8)?;
        writeln!(f, "r9  {:016x} r10 {:016x} r11 {:016x} r12 {:016x}", self.r9, self.r10, self.r11, self.r12)?;
        write!(f, "r13 {:016x} r14 {:016x} r15 {:016x}", self.r13, self.r14, self.r15)
    }
}

/// A handler. It runs with interrupts off; returning resumes what the frame says.
pub type Handler = fn(&mut ExceptionFrame);

static HANDLERS: [AtomicPtr<()>; 256] = [const { AtomicPtr::new(null_mut()) }; 256];
static IDT: Once<Table> = Once::new();

/// Makes `handler` take this vector from now on.
pub fn set_handler(vector: u8, handler: Handler) {
    HANDLERS[usize::from(vector)].store(handler as *mut (), Ordering::Release);
}

/// Prints the registers and ends the environment: what happens to a vector without a handler.
pub fn fatal(frame: &mut ExceptionFrame) {
    console::flush();
    eprintln!("{frame}");
    call::exit(STATUS_EXCEPTION)
}

/// The stubs enter here with the frame that they and the CPU pushed.
extern "C" fn dispatch(frame: &mut ExceptionFrame) {
    let slot = usize::try_from(frame.vector).ok().and_then(|vector| HANDLERS.get(vector));
    let handler = slot.map_or(null_mut(), |slot| slot.load(Ordering::Acquire));
    if handler.is_null() {
        fatal(frame);
    } else {
        // SAFETY: only `set_handler` stores into the table, and it stores a `Handler`.
        unsafe { transmute::<*mut (), Handler>(handler)(frame) }
    }
}

// Each stub is 16 bytes: a zero where the CPU pushes no error code, the vector, and a jump to the common part.
// The CPU aligns the frame to 16 bytes and 22 words lie above rsp at the call, so the stack is aligned for it.
core::arch::global_asm!(
    ".pushsection .text.ravelin_stubs,\"ax\",@progbits",
    ".balign 16",
    "ravelin_stubs:",
    ".set ravelin_vector, 0",
    ".rept 256",
    ".balign 16",
    ".if !(ravelin_vector == 8 || (ravelin_vector >= 10 && ravelin_vector <= 14) || ravelin_vector == 17 || ravelin_vector == 21 || ravelin_vector == 29 || ravelin_vector == 30)",
    "push 0",
    ".endif",
    "push ravelin_vector",
    "jmp ravelin_common",
    ".set ravelin_vector, ravelin_vector + 1",
    ".endr",
    ".balign 16",
    "ravelin_common:",
    "push rax", "push rbx", "push rcx", "push rdx", "push rsi", "push rdi", "push rbp", "push r8",
    "push r9", "push r10", "push r11", "push r12", "push r13", "push r14", "push r15",
    "mov rdi, rsp",
    "mov rbp, rsp",
    "cld",
    "call {dispatch}",
    "pop r15", "pop r14", "pop r13", "pop r12", "pop r11", "pop r10", "pop r9",
    "pop r8", "pop rbp", "pop rdi", "pop rsi", "pop rdx", "pop rcx", "pop rbx", "pop rax",
    "add rsp, 16",
    "iretq",
    ".popsection",
    dispatch = sym dispatch,
);

const STUB_BYTES: u64 = 16;

fn stubs() -> u64 {
    let address: u64;
    // SAFETY: computes the address of the stubs and does nothing else.
    unsafe {
        core::arch::asm!("lea {}, [rip + ravelin_stubs]", out(reg) address, options(nomem, nostack, preserves_flags))
    };
    address
}

/// One IDT. Two words a vector, as the manual lays an interrupt gate out.
#[repr(C, align(16))]
struct Table([[u64; 2]; 256]);

const TABLE_LIMIT: u16 = 0xfff;
const _: () = assert!(size_of::<Table>() == TABLE_LIMIT as usize + 1);

const fn gate(stub: u64, stack: u64, user: bool) -> [u64; 2] {
    const INTERRUPT_GATE: u64 = 0xe;
    const PRESENT: u64 = 0x80;
    let kind = PRESENT | INTERRUPT_GATE | if user { 3 << 5 } else { 0 };
    let low = (stub & 0xffff) | ((KERNEL_CODE.0 as u64) << 16) | (stack << 32) | (kind << 40);
    [low | ((stub >> 16) & 0xffff) << 48, stub >> 32]
}

fn fill() -> Table {
    let mut table = Table([[0; 2]; 256]);
    let first = stubs();
    for (vector, entry) in (0_u8..=255).zip(&mut table.0) {
        // The interrupt stack table counts from 1; 0 stays on the interrupted stack.
        let stack = match vector {
            vector::DOUBLE_FAULT => DOUBLE_FAULT_STACK + 1,
            vector::NMI => NMI_STACK + 1,
            vector::MACHINE_CHECK => MACHINE_CHECK_STACK + 1,
            _ => 0,
        };
        let user = matches!(vector, vector::BREAKPOINT | vector::OVERFLOW | USER_VECTOR);
        *entry = gate(first + u64::from(vector) * STUB_BYTES, stack.into(), user);
    }
    table
}

/// Loads the table, also after something else was loaded in its place.
pub fn load() {
    let table = IDT.call_once(fill);
    let pointer = DescriptorTablePointer { limit: TABLE_LIMIT, base: VirtAddr::from_ptr(table) };
    // SAFETY: the table is static; each gate leads to the stub that expects what the CPU pushes for its vector.
    unsafe { lidt(&pointer) };
}

#[cfg(test)]
mod tests {
    use super::gate;

    #[test]
    fn a_gate_is_laid_out_as_the_manual_says() {
        assert_eq!(gate(0xffff_ffff_8012_3450, 1, true), [0x8012_ee01_0008_3450, 0xffff_ffff]);
    }
}
