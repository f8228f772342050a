//! Code and stack for a fault that cannot be delivered: the page of a stack is gone, or of the IDT, or of the handler.

use crate::call::{Failure, Kernel, Machine};
use core::mem::transmute;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

/// What the kernel says of the fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Report {
    /// The virtual address that was used.
    pub linear: u64,
    /// The physical address that it led to.
    pub physical: u64,
    /// Where the virtual CPU was.
    pub rip: u64,
    /// Its stack pointer.
    pub rsp: u64,
    /// Its flags.
    pub rflags: u64,
}

/// Takes the fault, on the stack that was registered, with interrupts off. It does not come back: rdi, rsi, rdx, rcx and r8 of the code
/// that faulted are lost. It may go on elsewhere, having registered anew.
pub type Handler = fn(&Report) -> !;

static HANDLER: AtomicPtr<()> = AtomicPtr::new(null_mut());

// The kernel's five registers are those of a function's first five arguments.
core::arch::global_asm!(
    ".pushsection .text.ravelin_last_resort,\"ax\",@progbits",
    "ravelin_last_resort:",
    "xor ebp, ebp",
    "and rsp, -16",
    "cld",
    "call {entered}",
    "ud2",
    ".popsection",
    entered = sym entered,
);

extern "C" fn entered(linear: u64, physical: u64, rip: u64, rsp: u64, rflags: u64) -> ! {
    let handler = HANDLER.load(Ordering::Acquire);
    // SAFETY: this code is reached only after `register`, which stores a `Handler`.
    unsafe { transmute::<*mut (), Handler>(handler)(&Report { linear, physical, rip, rsp, rflags }) }
}

fn entry() -> u64 {
    let address: u64;
    // SAFETY: computes the address of the code above and does nothing else.
    unsafe {
        core::arch::asm!("lea {}, [rip + ravelin_last_resort]", out(reg) address, options(nomem, nostack, preserves_flags))
    };
    address
}

/// Has `handler` take the next fault of this virtual CPU that cannot be delivered, on `stack`. It is used once and must then be registered
/// again. The handler is one for all virtual CPUs; the stack is each one's own.
///
/// # Errors
/// As the table says.
///
/// # Safety
/// (1) Nobody else uses the stack from now on, or until [`cancel`]; (2) it and the handler must not be what a fault takes away.
pub unsafe fn register(handler: Handler, stack: *mut [u8]) -> Result<(), Failure> {
    HANDLER.store(handler as *mut (), Ordering::Release);
    let top = stack.cast::<u8>() as u64 + stack.len() as u64;
    // SAFETY: the code expects this stack and these registers; the caller answers for both being there.
    unsafe { Machine.set_last_resort(entry(), top) }.map(drop)
}

/// Takes the registration of this virtual CPU back.
///
/// # Errors
/// As the table says.
pub fn cancel() -> Result<(), Failure> {
    // SAFETY: nothing is run.
    unsafe { Machine.set_last_resort(0, 0) }.map(drop)
}
