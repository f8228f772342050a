//! The clock: the time-stamp counter, read between fences.

use core::arch::asm;

/// The counter, with nothing before it still running and nothing after it begun (SDM Vol. 2, RDTSC). In Bochs with one CPU it counts
/// instructions.
#[inline(always)]
#[must_use]
pub fn ticks() -> u64 {
    let (low, high): (u64, u64);
    // SAFETY: reads a counter; both instructions exist on every x86-64 CPU.
    unsafe { asm!("lfence", "rdtsc", "lfence", out("rax") low, out("rdx") high, options(nostack)) };
    high << 32 | low
}
