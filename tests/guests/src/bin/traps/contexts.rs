//! Contexts as values: switching in a handler, resuming one, and leaving handlers for good.

use crate::{COUNT, Item, item, nothing, same};
use alloc::string::String;
use alloc::vec;
use core::arch::asm;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::exceptions::{self, Breakpoint, ExceptionFrame, Interrupted, InvalidOpcode, LEVELS};
use guests::{attempt, faults};

pub const ITEMS: &[Item] = &[
    item("switch-in-handler", nothing, switch),
    item("resume", nothing, resume),
    item("leave-nested-handlers", nothing, leave),
    item("attempts-in-handlers", nothing, attempts),
    // The kernel sees debug exceptions first.
    Item { exits: COUNT, ..item("debug-handlers", nothing, debug) },
];

/// One context that handlers keep for this guest's only virtual CPU.
struct Kept(UnsafeCell<ExceptionFrame>);

// SAFETY: one virtual CPU uses it, in handlers that do not nest or with no handler running.
unsafe impl Sync for Kept {}

static OTHER: Kept = Kept(UnsafeCell::new(ExceptionFrame::EMPTY));
static WORK: AtomicU64 = AtomicU64::new(0);

/// Yields to the other context for ever.
extern "C" fn partner() -> ! {
    loop {
        WORK.fetch_add(1, Ordering::Relaxed);
        exo_user::cpu::breakpoint();
    }
}

/// The two contexts change places.
fn exchange(_: Breakpoint, frame: &mut ExceptionFrame) {
    // SAFETY: breakpoints do not nest here, and nobody else uses it.
    core::mem::swap(frame, unsafe { &mut *OTHER.0.get() });
}

/// A context that begins at `entry` on a fresh stack.
fn context(entry: extern "C" fn() -> !) -> ExceptionFrame {
    let stack = vec![0_u64; 2048].leak();
    let top = (stack.as_ptr_range().end as u64 & !15) - 8;
    ExceptionFrame::in_ring_0(entry as *const () as u64, top)
}

fn switch() -> Result<u64, String> {
    // SAFETY: no handler runs.
    unsafe { *OTHER.0.get() = context(partner) };
    exceptions::handle_fully(exchange);
    WORK.store(0, Ordering::Relaxed);
    for round in 1..=COUNT {
        let mut kept = round;
        // SAFETY: the partner comes back here with all registers as they were.
        unsafe { asm!("int3", inout("r12") kept) };
        same("a register of this context", kept, round)?;
        same("rounds of the other", WORK.load(Ordering::Relaxed), round)?;
    }
    Ok(WORK.load(Ordering::Relaxed))
}

fn keep(_: Breakpoint, frame: &mut ExceptionFrame) {
    // SAFETY: as in `exchange`.
    unsafe { *OTHER.0.get() = *frame };
}

/// Goes back to a breakpoint that was passed before, with another number in a register.
fn resume() -> Result<u64, String> {
    exceptions::handle_fully(keep);
    let mut passed = 0_u64;
    // SAFETY: the handler changes nothing.
    unsafe { asm!("int3", inout("r12") passed) };
    if passed < COUNT {
        // SAFETY: the context is that of this function, on this stack, where nothing that it needs has changed.
        unsafe {
            let mut again = *OTHER.0.get();
            again.r12 = passed + 1;
            again.resume();
        }
    }
    Ok(passed)
}

static WAY_OUT: AtomicU64 = AtomicU64::new(0);

/// Nests to the end and leaves from there, past all the others.
fn nest_and_leave(_: InvalidOpcode, frame: &mut ExceptionFrame) {
    if WAY_OUT.fetch_add(1, Ordering::Relaxed) + 1 < LEVELS - 1 {
        // SAFETY: nothing goes on behind it.
        unsafe { asm!("ud2") };
    }
    // SAFETY: no handler of a breakpoint runs.
    let out = unsafe { &*OTHER.0.get() };
    *frame = *out;
    frame.r12 += 1;
}

/// Leaves nested handlers by another context, over and over: each time all stacks must be there again.
fn leave() -> Result<u64, String> {
    exceptions::handle_fully(keep);
    exceptions::handle_fully(nest_and_leave);
    let mut left = 0_u64;
    // SAFETY: the handler changes nothing; contexts that are left for this one change r12 only.
    unsafe { asm!("int3", inout("r12") left) };
    if left < COUNT {
        WAY_OUT.store(0, Ordering::Relaxed);
        // SAFETY: as above; the context that comes back is that of the breakpoint.
        unsafe {
            (*OTHER.0.get()).r12 = left;
            asm!("ud2");
        }
    }
    Ok(left)
}

static RECOVERED: AtomicU64 = AtomicU64::new(0);

/// Tries something that faults, in a handler.
fn try_inside(_: Breakpoint, _: &mut Interrupted) {
    if attempt!("mov rax, [rsi]", in("rsi") 1_u64 << 63, out("rax") _).is_err() {
        RECOVERED.fetch_add(1, Ordering::Relaxed);
    }
}

fn attempts() -> Result<u64, String> {
    faults::install();
    exceptions::handle(try_inside);
    (0..COUNT).for_each(|_| exo_user::cpu::breakpoint());
    Ok(RECOVERED.load(Ordering::Relaxed))
}

/// Tries something that faults, and takes as many nested exceptions as there are stacks, in a debug exception's handler.
fn on_debug(frame: &mut ExceptionFrame) {
    let attempt = attempt!("mov rax, [rsi]", in("rsi") 1_u64 << 63, out("rax") _);
    DEPTH.store(0, Ordering::Relaxed);
    exo_user::cpu::breakpoint();
    if attempt.is_err() && DEPTH.load(Ordering::Relaxed) == LEVELS - 2 {
        RECOVERED.fetch_add(1, Ordering::Relaxed);
    }
    frame.r12 += 1;
}

static DEPTH: AtomicU64 = AtomicU64::new(0);

/// One stack is left out for whatever the debug exception may have come between, and one is the caller's.
fn deeper(_: Breakpoint, _: &mut Interrupted) {
    if DEPTH.fetch_add(1, Ordering::Relaxed) + 1 < LEVELS - 2 {
        exo_user::cpu::breakpoint();
    }
}

/// In the handler of an invalid opcode: a debug exception, and what its handler does.
fn debug_inside(_: InvalidOpcode, interrupted: &mut Interrupted) {
    let mut handled = 0_u64;
    // SAFETY: the debug exception's handler adds one to r12.
    unsafe { asm!(".byte 0xf1", inout("r12") handled) };
    interrupted.rip += if handled == 1 { 2 } else { 0 };
}

fn debug() -> Result<u64, String> {
    faults::install();
    exceptions::set_handler(exceptions::vector::DEBUG, on_debug);
    exceptions::handle(deeper);
    exceptions::handle(debug_inside);
    RECOVERED.store(0, Ordering::Relaxed);
    for _ in 0..COUNT {
        // SAFETY: the handler steps over it.
        unsafe { asm!("ud2") };
    }
    Ok(RECOVERED.load(Ordering::Relaxed))
}
