//! Prices, one line each: `bench id=… unit=ticks median=N p99=N min=N iterations=N exits=N` (exits for one).
#![cfg_attr(target_os = "none", no_std)]
#![no_main]
#![allow(unsafe_code)] // reads the clock between fences

extern crate alloc;

mod claims;
mod frames;
mod virtual_memory;

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::arch::asm;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::exceptions::{self, ForeignAccess, Interrupted};
use exo_user::foreign;
use exo_user::page_table::{self, Flags};
use exo_user::{call, cpu, eprintln, println};
use guests::exits;
use measure::{Bench, Counts, Transitions};

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

/// What was measured: ticks of each run, sorted, and the exits of all that was measured.
struct Samples {
    ticks: Vec<u64>,
    exits: u64,
}

/// Measures `work` so many times. What `prepare` does is not measured.
fn sample<T>(iterations: u32, mut prepare: impl FnMut() -> T, mut work: impl FnMut(T)) -> Samples {
    let mut samples = Samples { ticks: Vec::with_capacity(usize::try_from(iterations).unwrap_or(0)), exits: 0 };
    for _ in 0..iterations {
        let prepared = prepare();
        let exits = exits::caused_so_far();
        let before = ticks();
        work(prepared);
        samples.ticks.push(ticks() - before);
        samples.exits += exits::caused_so_far() - exits;
    }
    samples.ticks.sort_unstable();
    samples
}

/// `total / count`, with three decimals unless it divides evenly.
fn ratio(total: u64, count: u64) -> String {
    let thousandths = total * 1000 / count;
    match thousandths % 1000 {
        0 if total.is_multiple_of(count) => format!("{}", total / count),
        rest => format!("{}.{rest:03}", thousandths / 1000),
    }
}

/// Prints a row: each sample did `each` operations.
fn print(id: &str, overhead: u64, each: u64, samples: &Samples) {
    let count = samples.ticks.len();
    let at = |percent: usize| ratio(samples.ticks[(count - 1) * percent / 100].saturating_sub(overhead), each);
    println!(
        "bench id={id} unit=ticks median={} p99={} min={} iterations={count} exits={}",
        at(50),
        at(99),
        at(0),
        ratio(samples.exits, count as u64 * each),
    );
}

/// Measures single operations, caches warm.
fn report_prepared<T>(
    id: &str,
    overhead: u64,
    iterations: u32,
    mut prepare: impl FnMut() -> T,
    mut work: impl FnMut(T),
) {
    sample(WARM_UP, &mut prepare, &mut work);
    print(id, overhead, 1, &sample(iterations, prepare, work));
}

/// Measures something that does `each` operations at once.
fn report_many(id: &str, overhead: u64, each: u64, iterations: u32, mut work: impl FnMut()) {
    print(id, overhead, each, &sample(iterations, || (), |()| work()));
}

/// The same for something that `undo` undoes, unmeasured.
fn report_pair(id: &str, overhead: u64, each: u64, mut work: impl FnMut(), mut undo: impl FnMut()) {
    const PAIRS: u32 = 500;
    let mut first = true;
    let prepare = || {
        if !core::mem::take(&mut first) {
            undo();
        }
    };
    print(id, overhead, each, &sample(PAIRS, prepare, |()| work()));
    undo();
}

/// Where `ept-fault` touches memory.
const PAGE: u64 = 0x1000_1000_0000;
/// The kernel's image: memory that no environment holds.
const FOREIGN: u64 = 0x20_0000;
const WRITABLE: u64 = 3;

/// The page-table entry of [`PAGE`], and what it must hold to lead to a frame of the guest's own.
static PAGE_ENTRY: AtomicPtr<u64> = AtomicPtr::new(core::ptr::null_mut());
static OWN: AtomicU64 = AtomicU64::new(0);

fn point_at_own(_access: ForeignAccess, _interrupted: &mut Interrupted) {
    // SAFETY: the entry is that of a page which nothing else uses; it leads to the guest's own frame.
    unsafe { PAGE_ENTRY.load(Ordering::Relaxed).write_volatile(OWN.load(Ordering::Relaxed)) };
    cpu::invalidate_page(PAGE);
}

/// Touches a frame that the environment does not hold; its handler points the page at one that it holds. Each touch
/// must find the number that was put there for it.
fn ept_fault(overhead: u64) -> Result<(), String> {
    let frame = exo_user::frames::allocate().ok_or("no frame")?.leak();
    // SAFETY: nothing else is mapped at this page.
    unsafe { page_table::map(PAGE, frame, Flags::PRESENT | Flags::WRITABLE) }.map_err(|error| format!("{error}"))?;
    let entry = page_table::entry(PAGE);
    PAGE_ENTRY.store(entry.place(), Ordering::Relaxed);
    OWN.store(frame | WRITABLE, Ordering::Relaxed);
    exceptions::handle(point_at_own);
    foreign::begin().map_err(|error| format!("{error}"))?;
    let own = exo_user::frames::window(frame).cast::<u64>();
    let touched = exo_user::frames::pointer::<u64>(PAGE);
    let (mut nonce, mut wrong) = (0_u64, 0_u64);
    report_prepared(
        "ept-fault",
        overhead,
        ITERATIONS,
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

/// Measures and prints one or more rows, given the price of looking at the clock.
type Measure = fn(u64) -> Result<(), String>;

/// Measures what needs nobody else.
fn alone(overhead: u64) -> u32 {
    let mut wrong = 0_u64;
    report_prepared("null-call", overhead, ITERATIONS, || (), |()| wrong += u64::from(call::null().code != 0));
    let rows: [(&str, Measure); 5] = [
        ("ept-fault", ept_fault),
        ("ept-fault-bind", frames::fault_and_bind),
        ("alloc100", frames::allocate),
        ("bind100", frames::bind),
        ("event", claims::event),
    ];
    all(overhead, &rows) + u32::from(wrong > 0) + u32::from(virtual_memory().is_err())
}

/// The exits that this virtual CPU has caused.
struct Caused;

impl Transitions for Caused {
    fn so_far(&self) -> Option<Counts> {
        Some(Counts { exits: exits::caused_so_far(), cr3: None })
    }
}

fn virtual_memory() -> Result<(), measure::Failure> {
    let mut bench = Bench::new(Caused, |line| println!("{line}"));
    virtual_memory::all(&mut bench).inspect_err(|failure| eprintln!("{failure}"))
}

/// Measures one after the other; how many failed.
fn all(overhead: u64, rows: &[(&str, Measure)]) -> u32 {
    let mut failures = 0;
    for (id, measure) in rows {
        if let Err(reason) = measure(overhead) {
            eprintln!("{id}: {reason}");
            failures += 1;
        }
    }
    failures
}

fn main(boot: &'static BootPage) -> u32 {
    // The kernel answers a null call on its shortest path only where interrupts are on.
    exo_user::cpu::enable_interrupts();
    // The price of looking at the clock is in every sample.
    let overhead = sample(WARM_UP, || (), |()| ()).ticks[0];
    let result = match boot.arguments() {
        "victim" => claims::victim(),
        "partner" => claims::partner(),
        "claims" => claims::switch(overhead).and_then(|()| claims::claims(boot)),
        _ => return alone(overhead),
    };
    if let Err(reason) = &result {
        eprintln!("{}: {reason}", boot.arguments());
    }
    u32::from(result.is_err())
}
