//! Prices, one line each: `bench id=… unit=ticks median=N p99=N min=N iterations=N exits=N` (exits for one).
#![cfg_attr(target_os = "none", no_std)]
#![no_main]
#![allow(unsafe_code)] // reads the clock between fences

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::arch::asm;
use exo_user::abi::boot_page::BootPage;
use exo_user::{call, eprintln, println};
use guests::exits;

exo_user::entry!(main);

const ITERATIONS: u32 = 20_000;
/// Iterations before the first that counts, so that caches are warm on machines that have them.
const WARM_UP: u32 = 1_000;

/// The clock, with nothing before it still running and nothing after it begun.
#[inline(always)]
fn ticks() -> u64 {
    let (low, high): (u64, u64);
    // SAFETY: reads a counter.
    unsafe { asm!("lfence", "rdtsc", "lfence", out("rax") low, out("rdx") high, options(nostack)) };
    high << 32 | low
}

/// Ticks of each run of `work`, sorted, and the exits of all.
fn sample(mut work: impl FnMut()) -> (Vec<u64>, exits::Exits) {
    for _ in 0..WARM_UP {
        work();
    }
    let mut samples = Vec::with_capacity(usize::try_from(ITERATIONS).unwrap_or(0));
    let ((), exits) = exits::during(|| {
        for _ in 0..ITERATIONS {
            let before = ticks();
            work();
            samples.push(ticks() - before);
        }
    });
    samples.sort_unstable();
    (samples, exits)
}

/// `total / count`, with three decimals unless it divides evenly.
fn ratio(total: u64, count: u64) -> String {
    let thousandths = total * 1000 / count;
    match thousandths % 1000 {
        0 if total.is_multiple_of(count) => format!("{}", total / count),
        rest => format!("{}.{rest:03}", thousandths / 1000),
    }
}

fn report(id: &str, overhead: u64, work: impl FnMut()) {
    let (samples, exits) = sample(work);
    let at = |percent: usize| samples[(samples.len() - 1) * percent / 100].saturating_sub(overhead);
    println!(
        "bench id={id} unit=ticks median={} p99={} min={} iterations={} exits={}",
        at(50),
        at(99),
        at(0),
        samples.len(),
        ratio(exits.caused(), ITERATIONS.into()),
    );
}

fn main(_boot: &'static BootPage) -> u32 {
    // The kernel answers a null call on its shortest path only where interrupts are on.
    exo_user::cpu::enable_interrupts();
    // The price of looking at the clock is in every sample.
    let (empty, _) = sample(|| ());
    let overhead = empty[0];
    let mut wrong = 0_u64;
    report("null-call", overhead, || wrong += u64::from(call::null().code != 0));
    if wrong > 0 {
        eprintln!("{wrong} null calls failed");
    }
    u32::from(wrong > 0)
}
