//! Prices, one line each: `bench id=… unit=ticks median=N p99=N min=N iterations=N exits=N` (exits for one).
#![cfg_attr(target_os = "none", no_std)]
#![no_main]
#![allow(unsafe_code)] // reads the clock between fences

extern crate alloc;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::arch::asm;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::exceptions::ExceptionFrame;
use exo_user::foreign::{self, ForeignAccess};
use exo_user::page_table::{self, Flags};
use exo_user::{call, cpu, eprintln, frames, println};
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

/// Ticks of each run of `work`, sorted, and the exits of all. `prepare` is not measured, but must not exit.
fn sample<T>(mut prepare: impl FnMut() -> T, mut work: impl FnMut(T)) -> (Vec<u64>, exits::Exits) {
    for _ in 0..WARM_UP {
        let prepared = prepare();
        work(prepared);
    }
    let mut samples = Vec::with_capacity(usize::try_from(ITERATIONS).unwrap_or(0));
    let ((), exits) = exits::during(|| {
        for _ in 0..ITERATIONS {
            let prepared = prepare();
            let before = ticks();
            work(prepared);
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

fn report(id: &str, overhead: u64, mut work: impl FnMut()) {
    report_prepared(id, overhead, || (), |()| work());
}

fn report_prepared<T>(id: &str, overhead: u64, prepare: impl FnMut() -> T, work: impl FnMut(T)) {
    let (samples, exits) = sample(prepare, work);
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

/// Where `ept-fault` touches memory.
const PAGE: u64 = 0x1000_1000_0000;
/// The kernel's image: memory that no environment holds.
const FOREIGN: u64 = 0x20_0000;
const WRITABLE: u64 = 3;

/// The page-table entry of [`PAGE`], and what it must hold to lead to a frame of the guest's own.
static PAGE_ENTRY: AtomicPtr<u64> = AtomicPtr::new(core::ptr::null_mut());
static OWN: AtomicU64 = AtomicU64::new(0);

fn point_at_own(_access: &ForeignAccess, _frame: &mut ExceptionFrame) {
    // SAFETY: the entry is that of a page which nothing else uses; it leads to the guest's own frame.
    unsafe { PAGE_ENTRY.load(Ordering::Relaxed).write_volatile(OWN.load(Ordering::Relaxed)) };
    cpu::invalidate_page(PAGE);
}

/// Touches a frame that the environment does not hold; its handler points the page at one that it holds. Each touch
/// must find the number that was put there for it.
fn ept_fault(overhead: u64) -> Result<(), String> {
    let frame = frames::allocate().ok_or("no frame")?.leak();
    // SAFETY: nothing else is mapped at this page.
    unsafe { page_table::map(PAGE, frame, Flags::PRESENT | Flags::WRITABLE) }.map_err(|error| format!("{error}"))?;
    let entry = page_table::entry(PAGE);
    PAGE_ENTRY.store(entry.place(), Ordering::Relaxed);
    OWN.store(frame | WRITABLE, Ordering::Relaxed);
    foreign::handle(point_at_own).map_err(|error| format!("{error}"))?;
    let own = frames::window(frame).cast::<u64>();
    let touched = frames::pointer::<u64>(PAGE);
    let (mut nonce, mut wrong) = (0_u64, 0_u64);
    report_prepared(
        "ept-fault",
        overhead,
        || {
            nonce += 1;
            // SAFETY: the frame is the guest's own; the entry's page is not in use until it is touched.
            unsafe {
                own.write_volatile(nonce);
                entry.set(FOREIGN | WRITABLE);
            }
            cpu::invalidate_page(PAGE);
            nonce
        },
        // SAFETY: the handler makes the page lead to the guest's own frame.
        |expected| wrong += u64::from(unsafe { touched.read_volatile() } != expected),
    );
    if wrong > 0 { Err(format!("{wrong} touches found something else")) } else { Ok(()) }
}

fn main(_boot: &'static BootPage) -> u32 {
    // The kernel answers a null call on its shortest path only where interrupts are on.
    exo_user::cpu::enable_interrupts();
    // The price of looking at the clock is in every sample.
    let (empty, _) = sample(|| (), |()| ());
    let overhead = empty[0];
    let mut wrong = 0_u64;
    report("null-call", overhead, || wrong += u64::from(call::null().code != 0));
    let faults = ept_fault(overhead);
    if wrong > 0 {
        eprintln!("{wrong} null calls failed");
    }
    if let Err(reason) = &faults {
        eprintln!("ept-fault: {reason}");
    }
    u32::from(wrong > 0 || faults.is_err())
}
