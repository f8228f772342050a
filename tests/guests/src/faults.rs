//! Trying an instruction that may fault, and going on behind it.

use core::fmt;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::cpu;
use exo_user::exceptions::{self, ExceptionFrame, vector};
use exo_user::segments::{KERNEL_CODE, KERNEL_DATA};
use spin::Mutex;

/// Where to go on after a fault in the instruction that [`attempt!`](crate::attempt) runs; 0 when none runs.
#[doc(hidden)]
pub static RECOVERY: AtomicU64 = AtomicU64::new(0);
/// The stack pointer to go on with.
#[doc(hidden)]
pub static RECOVERY_RSP: AtomicU64 = AtomicU64::new(0);

static LAST: Mutex<Option<Fault>> = Mutex::new(None);

/// An exception that an attempted instruction raised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fault {
    /// Which exception.
    pub vector: u8,
    /// Its error code, 0 where it has none.
    pub error_code: u64,
    /// CR2, meaningful for page faults.
    pub address: u64,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exception {} error {:#x}", self.vector, self.error_code)?;
        if self.vector == vector::PAGE_FAULT { write!(f, " address {:#x}", self.address) } else { Ok(()) }
    }
}

fn on_fault(frame: &mut ExceptionFrame) {
    let recovery = RECOVERY.swap(0, Ordering::Relaxed);
    if recovery == 0 {
        exceptions::fatal(frame);
    }
    let vector = u8::try_from(frame.vector).unwrap_or(u8::MAX);
    *LAST.lock() = Some(Fault { vector, error_code: frame.error_code, address: cpu::read_cr2() });
    frame.rip = recovery;
    // The instruction may have changed the stack, the code segment and the flags.
    frame.rsp = RECOVERY_RSP.load(Ordering::Relaxed);
    frame.cs = KERNEL_CODE.0.into();
    frame.ss = KERNEL_DATA.0.into();
    frame.rflags = 2;
}

/// Makes the exceptions that an instruction can raise recoverable.
pub fn install() {
    use vector::{
        ALIGNMENT_CHECK, DIVIDE, GENERAL_PROTECTION, INVALID_OPCODE, INVALID_TSS, PAGE_FAULT, SEGMENT_NOT_PRESENT,
        STACK_FAULT,
    };
    let fallible = [DIVIDE, INVALID_OPCODE, INVALID_TSS, SEGMENT_NOT_PRESENT, STACK_FAULT, GENERAL_PROTECTION];
    for vector in fallible.into_iter().chain([PAGE_FAULT, ALIGNMENT_CHECK, vector::DEVICE_NOT_AVAILABLE]) {
        exceptions::set_handler(vector, on_fault);
    }
}

/// What became of the instruction just attempted.
#[doc(hidden)]
pub fn outcome() -> Result<(), Fault> {
    RECOVERY.store(0, Ordering::Relaxed);
    LAST.lock().take().map_or(Ok(()), Err)
}

/// Runs one instruction (with `asm!` operands) and says which exception it raised, if any. After an exception the
/// outputs are what the registers held before. Labels 4 to 9 are free.
///
/// The instruction may do anything: the guests that use this have nothing to lose.
#[macro_export]
macro_rules! attempt {
    ($instruction:expr $(, $($operand:tt)+)?) => {{
        #[allow(clippy::macro_metavars_in_unsafe)] // running what the caller names is all that it is for
        // SAFETY: the environment is its own only victim; each guest says next to the use what it expects.
        unsafe {
            ::core::arch::asm!(
                "lea {recovery}, [rip + 2f]",
                "mov [rip + {cell}], {recovery}",
                "mov [rip + {cell_rsp}], rsp",
                $instruction,
                "2:",
                recovery = out(reg) _,
                cell = sym $crate::faults::RECOVERY,
                cell_rsp = sym $crate::faults::RECOVERY_RSP,
                $($($operand)+)?
            )
        };
        $crate::faults::outcome()
    }};
}
