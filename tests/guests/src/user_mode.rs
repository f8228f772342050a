//! Running a piece of code in ring 3 until it leaves by `int 0x80` or by a fault nobody else handles.

use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::exceptions::{self, ExceptionFrame, USER_VECTOR};
use exo_user::frames;
use exo_user::page_table::{self, Flags, MapError};
use exo_user::segments::{KERNEL_CODE, KERNEL_DATA, USER_CODE, USER_DATA};
use spin::Mutex;

/// Where programs are put.
pub const CODE_AT: u64 = 0x1000_0000_0000;
/// The page above which a program's stack begins.
const STACK_AT: u64 = 0x1000_0001_0000;
const PAGE: u64 = 4096;

static RESUME_RIP: AtomicU64 = AtomicU64::new(0);
static RESUME_RSP: AtomicU64 = AtomicU64::new(0);
static LEFT: Mutex<Option<ExceptionFrame>> = Mutex::new(None);

/// A handler that ends the running program and makes [`run`] return.
pub fn leave(frame: &mut ExceptionFrame) {
    if frame.cs & 3 != 3 {
        exceptions::fatal(frame);
    }
    *LEFT.lock() = Some(*frame);
    frame.rip = RESUME_RIP.load(Ordering::Relaxed);
    frame.rsp = RESUME_RSP.load(Ordering::Relaxed);
    frame.cs = KERNEL_CODE.0.into();
    frame.ss = KERNEL_DATA.0.into();
    frame.rflags = 2;
}

/// Maps a fresh page for ring 3 and copies `content` to its beginning.
///
/// # Errors
/// If no frame is left.
///
/// # Panics
/// If the content is larger than a page.
pub fn map_page(address: u64, content: &[u8], flags: Flags) -> Result<(), MapError> {
    let mut frame = frames::allocate().ok_or(MapError::NoFrame)?;
    frame.bytes().fill(0);
    frame.bytes()[..content.len()].copy_from_slice(content);
    // SAFETY: the page is in the guest's own test area, and the frame is given to it for ever.
    unsafe { page_table::map(address, frame.leak(), Flags::PRESENT | Flags::USER_ACCESSIBLE | flags) }
}

/// Makes a program ready to run. It replaces the one before it.
///
/// # Errors
/// If no frame is left.
pub fn load(code: &[u8]) -> Result<(), MapError> {
    exceptions::set_handler(USER_VECTOR, leave);
    map_page(CODE_AT, code, Flags::empty())?;
    map_page(STACK_AT, &[], Flags::WRITABLE)
}

/// Runs the loaded program with two arguments in rdi and rsi; the registers with which it left.
///
/// # Panics
/// Never: the program cannot leave but through [`leave`].
#[must_use]
pub fn run(first: u64, second: u64) -> ExceptionFrame {
    // SAFETY: (1) the pages at CODE_AT and STACK_AT are the program's; (2) every way back goes through `leave`, which
    // restores rip and rsp; (3) rbx and rbp are kept on the stack, all other registers are declared.
    unsafe {
        asm!(
            "push rbx",
            "push rbp",
            "lea r8, [rip + 2f]",
            "mov [rip + {resume_rip}], r8",
            "mov [rip + {resume_rsp}], rsp",
            "push {user_data}",
            "push rdx",
            "push 2",
            "push {user_code}",
            "push rcx",
            "iretq",
            "2:",
            "pop rbp",
            "pop rbx",
            resume_rip = sym RESUME_RIP,
            resume_rsp = sym RESUME_RSP,
            user_data = const USER_DATA.0,
            user_code = const USER_CODE.0,
            inout("rdi") first => _,
            inout("rsi") second => _,
            inout("rdx") STACK_AT + PAGE => _,
            inout("rcx") CODE_AT => _,
            out("rax") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _,
            out("r12") _, out("r13") _, out("r14") _, out("r15") _,
        );
    }
    LEFT.lock().take().unwrap_or_default()
}
