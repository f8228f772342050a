//! Calls to the kernel: the raw stub, [`Kernel`] with one typed method for each call of the table, and a safe function for
//! each call that needs no credential and cannot harm the caller.

mod failure;
mod kernel;
#[cfg(test)]
mod tests;

pub use failure::Failure;
pub use kernel::{Kernel, Machine};

use core::arch::asm;
use exo_abi::call::Call;
use exo_abi::console::Stream;

/// What a call left in its two result registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// rax: zero or the number of an [`Error`](exo_abi::error::Error).
    pub code: u64,
    /// rdx: the value, or with an error what was wrong.
    pub value: u64,
}

/// Makes any call. `word` goes to rax, see [`Request`](exo_abi::call::Request); `arguments` go to rdi rsi rdx r10 r8 r9.
///
/// # Safety
/// Memory that the call writes or takes away must be the caller's to lose.
#[inline(always)]
pub unsafe fn raw(word: u64, arguments: [u64; 6]) -> Reply {
    let [first, second, third, fourth, fifth, sixth] = arguments;
    let (code, value);
    // SAFETY: a call changes rax and rdx only, and memory as the caller of this function answers for.
    unsafe {
        asm!(
            "vmcall",
            inlateout("rax") word => code,
            in("rdi") first,
            in("rsi") second,
            inlateout("rdx") third => value,
            in("r10") fourth,
            in("r8") fifth,
            in("r9") sixth,
            options(nostack),
        );
    }
    Reply { code, value }
}

/// Enters the kernel and comes back. It has no arguments, so none are loaded: this is the least that a call costs.
#[inline(always)]
pub fn null() -> Reply {
    let (code, value);
    // SAFETY: this call changes rax and rdx only and touches no memory.
    unsafe { asm!("vmcall", inlateout("rax") Call::Null as u64 => code, lateout("rdx") value, options(nostack)) };
    Reply { code, value }
}

/// Ends the environment. What the console still buffers is lost; call [`crate::console::flush`] before.
pub fn exit(status: u32) -> ! {
    loop {
        // It does not return; were it to, there would be nothing else to do.
        let _ = Machine.exit(status.into());
    }
}

/// Writes `length` bytes at a physical address to the console; the value is how many were taken.
///
/// # Errors
/// As the table says.
pub fn console_write(stream: Stream, physical: u64, length: u64) -> Result<u64, Failure> {
    Machine.console_write(stream as u64, physical, length)
}

/// Takes what has been typed, without waiting; the value is how many bytes came.
///
/// # Errors
/// As the table says.
///
/// # Safety
/// The memory must be the caller's to overwrite, and nothing else may refer to it meanwhile.
pub unsafe fn console_read(physical: u64, length: u64) -> Result<u64, Failure> {
    // SAFETY: the caller answers for the memory.
    unsafe { Machine.console_read(physical, length) }
}

/// Gives up the rest of the slice.
pub fn yield_slice() {
    // The table has no error for it.
    let _ = Machine.yield_slice();
}

/// Has accesses to memory that the environment does not hold reach vector 20, or end the environment.
///
/// # Errors
/// None that the table names.
pub fn set_fault_delivery(on: bool) -> Result<(), Failure> {
    Machine.set_fault_delivery(on.into()).map(drop)
}
