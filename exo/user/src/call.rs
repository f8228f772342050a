//! Calls to the kernel: one raw stub, and a safe function for each call that cannot harm the caller.

use core::arch::asm;
use exo_abi::call::Call;
use exo_abi::console::Stream;
use exo_abi::error::Error;

/// What a call left in its two result registers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reply {
    /// rax: zero or the number of an [`Error`].
    pub code: u64,
    /// rdx: the value.
    pub value: u64,
}

impl Reply {
    /// The reply as a result.
    ///
    /// # Errors
    /// The call's error.
    ///
    /// # Panics
    /// If the error is one that this version of the contract does not name: such a kernel must not have
    /// presented this version in the boot page.
    pub fn result(self) -> Result<u64, Error> {
        match Error::from_number(self.code) {
            Some(error) => Err(error),
            None if self.code == 0 => Ok(self.value),
            None => panic!("the kernel answered with error {}, which the contract does not name", self.code),
        }
    }
}

/// Makes any call. `arguments` go to rdi rsi rdx r10 r8 r9.
///
/// # Safety
/// Memory that the call writes must be the caller's to lose.
#[inline(always)]
pub unsafe fn raw(number: u64, arguments: [u64; 6]) -> Reply {
    let [first, second, third, fourth, fifth, sixth] = arguments;
    let (code, value);
    // SAFETY: a call changes rax and rdx only, and memory as the caller of this function answers for.
    unsafe {
        asm!(
            "vmcall",
            inlateout("rax") number => code,
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
        // SAFETY: this call touches no memory that is ever read again.
        unsafe { raw(Call::Exit as u64, [status.into(), 0, 0, 0, 0, 0]) };
    }
}

/// Writes `length` bytes at a physical address to the console; the value is how many were taken.
///
/// # Errors
/// As the contract says for a memory argument.
pub fn console_write(stream: Stream, physical: u64, length: u64) -> Result<u64, Error> {
    // SAFETY: this call only reads memory.
    unsafe { raw(Call::ConsoleWrite as u64, [stream as u64, physical, length, 0, 0, 0]) }.result()
}

/// Takes what has been typed, without waiting; the value is how many bytes came.
///
/// # Errors
/// As the contract says for a memory argument.
///
/// # Safety
/// The memory must be the caller's to overwrite, and nothing else may refer to it meanwhile.
pub unsafe fn console_read(physical: u64, length: u64) -> Result<u64, Error> {
    // SAFETY: the caller answers for the memory.
    unsafe { raw(Call::ConsoleRead as u64, [physical, length, 0, 0, 0, 0]) }.result()
}

/// Gives up the rest of the slice.
pub fn yield_slice() {
    // SAFETY: this call touches no memory.
    unsafe { raw(Call::Yield as u64, [0; 6]) };
}

/// Asks for an interrupt on `vector` at the beginning of each slice; 0 stops it.
///
/// # Errors
/// [`Error::BadArgument`] for 1..=31.
pub fn set_upcall(vector: u8) -> Result<(), Error> {
    // SAFETY: this call touches no memory.
    unsafe { raw(Call::SetUpcall as u64, [vector.into(), 0, 0, 0, 0, 0]) }.result().map(|_| ())
}

/// Has accesses to memory that the environment does not hold reach vector 20, or end the environment.
///
/// # Errors
/// None that the contract names.
pub fn set_fault_delivery(on: bool) -> Result<(), Error> {
    // SAFETY: this call touches no memory; the fault page is nobody else's.
    unsafe { raw(Call::SetFaultDelivery as u64, [on.into(), 0, 0, 0, 0, 0]) }.result().map(|_| ())
}
