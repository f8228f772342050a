//! What an exception leaves behind, as values: the CPU's part alone, or all of a context that can be resumed.

use super::local::Local;
use crate::cpu;
use crate::segments::{KERNEL_CODE, KERNEL_DATA, USER_CODE, USER_DATA};
use core::fmt;

/// RFLAGS of a context that nothing has run in yet: interrupts off, and on.
const FLAGS: u64 = 2;
const FLAGS_WITH_INTERRUPTS: u64 = 0x202;

/// What the interrupted code had in its registers. A handler of the full kind may change all of it, or put another context in
/// its place: a frame is a value, and whichever lies there when the handler returns is what runs on.
///
/// A context that was interrupted inside a handler lives on a stack of exceptions, see [`crate::exceptions`]: it must be resumed, or
/// given up, before those below it.
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

impl ExceptionFrame {
    /// Nothing that could be resumed: a place for one.
    pub const EMPTY: Self = Self {
        r15: 0,
        r14: 0,
        r13: 0,
        r12: 0,
        r11: 0,
        r10: 0,
        r9: 0,
        r8: 0,
        rbp: 0,
        rdi: 0,
        rsi: 0,
        rdx: 0,
        rcx: 0,
        rbx: 0,
        rax: 0,
        vector: 0,
        error_code: 0,
        rip: 0,
        cs: 0,
        rflags: 0,
        rsp: 0,
        ss: 0,
    };

    /// A context that begins at `rip` in ring 0, interrupts off. As where a function is called, `rsp + 8` should be a multiple of 16.
    #[must_use]
    pub fn in_ring_0(rip: u64, rsp: u64) -> Self {
        let (cs, ss) = (KERNEL_CODE.0.into(), KERNEL_DATA.0.into());
        Self { rip, cs, rflags: FLAGS, rsp, ss, ..Self::default() }
    }

    /// A context that begins at `rip` in ring 3, interrupts on.
    #[must_use]
    pub fn in_ring_3(rip: u64, rsp: u64) -> Self {
        let (cs, ss) = (USER_CODE.0.into(), USER_DATA.0.into());
        Self { rip, cs, rflags: FLAGS_WITH_INTERRUPTS, rsp, ss, ..Self::default() }
    }

    /// Whether ring 3 was interrupted.
    #[must_use]
    pub const fn is_ring_3(&self) -> bool {
        self.cs & 3 == 3
    }

    /// Leaves whatever runs now and runs this context. What ran is lost, and so are all contexts that were interrupted in
    /// handlers above the one that is resumed.
    ///
    /// # Safety
    /// (1) The registers, flags and segments must be right for the code at `rip`; (2) nobody may count on the code that runs now
    /// going on, on its destructors, or on what lies on its stack.
    pub unsafe fn resume(&self) -> ! {
        cpu::disable_interrupts();
        // SAFETY: the library has loaded this area before anything can run that has a frame to resume.
        let local = unsafe { Local::current() };
        local.continue_on(self.rsp);
        // SAFETY: (1) every vector has a stack of its own, so that rsp may point anywhere, here into this value, which is only
        // read; (2) the caller answers for the context.
        unsafe {
            core::arch::asm!(
                "mov rsp, rdi",
                "pop r15", "pop r14", "pop r13", "pop r12", "pop r11", "pop r10", "pop r9", "pop r8", "pop rbp",
                "pop rdi", "pop rsi", "pop rdx", "pop rcx", "pop rbx", "pop rax",
                "add rsp, 16",
                "iretq",
                in("rdi") core::ptr::from_ref(self),
                options(noreturn),
            )
        }
    }
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

/// What the CPU itself leaves: all that a handler of the fast kind sees. The general registers are the interrupted code's affair.
#[derive(Debug)]
#[repr(C)]
pub struct Interrupted {
    /// Where the interrupted code goes on.
    pub rip: u64,
    cs: u64,
    /// Its flags.
    pub rflags: u64,
    rsp: u64,
    ss: u64,
}

impl Interrupted {
    /// Its stack pointer, which only a handler of the full kind can change.
    #[must_use]
    pub const fn rsp(&self) -> u64 {
        self.rsp
    }

    /// Whether ring 3 was interrupted.
    #[must_use]
    pub const fn is_ring_3(&self) -> bool {
        self.cs & 3 == 3
    }
}
