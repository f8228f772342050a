//! Exceptions of programs in ring 3, by the same handlers.

use crate::{COUNT, Item, item, same};
use alloc::format;
use alloc::string::String;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::exceptions::{self, Access, ExceptionFrame, Interrupted, InvalidOpcode, PageFault};
use exo_user::page_table::Flags;
use guests::{code, user_mode};

pub const ITEMS: &[Item] = &[
    item("ring-3-fast", prepare, fast),
    item("ring-3-full", prepare, full),
    item("ring-3-page-fault", prepare, page_fault),
    item("ring-3-fault-in-handler", prepare, in_handler),
];

static TAKEN: AtomicU64 = AtomicU64::new(0);
/// A page for the program's own use, behind its stack.
const DATA: u64 = user_mode::CODE_AT + 0x20_0000;

fn prepare() -> Result<(), String> {
    TAKEN.store(0, Ordering::Relaxed);
    user_mode::map_page(DATA, &[], Flags::WRITABLE).map_err(|error| format!("{error}"))
}

/// Runs `program` with `COUNT` in rdi and its page in rsi. It counts down in rdi and leaves with `int 0x80`.
fn run(program: &[u8]) -> Result<ExceptionFrame, String> {
    user_mode::load(program).map_err(|error| format!("{error}"))?;
    let left = user_mode::run(COUNT, DATA);
    same("rounds to go", left.rdi, 0)?;
    Ok(left)
}

fn step_over(_: InvalidOpcode, interrupted: &mut Interrupted) {
    TAKEN.fetch_add(u64::from(interrupted.is_ring_3()), Ordering::Relaxed);
    interrupted.rip += 2;
}

fn fast() -> Result<u64, String> {
    exceptions::handle(step_over);
    // What lies below its stack pointer is its own, too.
    let left = run(code!(
        "xor ebx, ebx",
        "4: mov [rsp - 8], rdi",
        "ud2",
        "cmp [rsp - 8], rdi",
        "sete al",
        "movzx eax, al",
        "add rbx, rax",
        "dec rdi",
        "jnz 4b",
        "int 0x80"
    ))?;
    same("words below its stack", left.rbx, COUNT)?;
    Ok(TAKEN.load(Ordering::Relaxed))
}

/// Does the program's addition for it.
fn add(_: InvalidOpcode, frame: &mut ExceptionFrame) {
    TAKEN.fetch_add(u64::from(frame.is_ring_3()), Ordering::Relaxed);
    frame.rbx += frame.rdi;
    frame.rip += 2;
}

fn full() -> Result<u64, String> {
    exceptions::handle_fully(add);
    let left = run(code!("xor ebx, ebx", "4: ud2", "dec rdi", "jnz 4b", "int 0x80"))?;
    same("the sum", left.rbx, COUNT * (COUNT + 1) / 2)?;
    Ok(TAKEN.load(Ordering::Relaxed))
}

/// Counts writes of ring 3 to the page behind its own, and leads them to it.
fn redirect(fault: PageFault, frame: &mut ExceptionFrame) {
    let expected = Access::USER | Access::WRITE;
    TAKEN.fetch_add(u64::from(fault.access == expected && fault.address == DATA + 4096), Ordering::Relaxed);
    frame.rsi = DATA;
}

fn page_fault() -> Result<u64, String> {
    exceptions::handle_fully(redirect);
    let left = run(code!(
        "xor ebx, ebx",
        "4: lea rsi, [rsi + 4096]",
        "mov [rsi], rdi",
        "add rbx, [rsi]",
        "dec rdi",
        "jnz 4b",
        "int 0x80"
    ))?;
    same("the sum of what was written", left.rbx, COUNT * (COUNT + 1) / 2)?;
    Ok(TAKEN.load(Ordering::Relaxed))
}

/// Faults itself while it handles the program's fault.
fn fault_twice(_: PageFault, frame: &mut ExceptionFrame) {
    // SAFETY: its handler steps over it.
    unsafe { core::arch::asm!("ud2") };
    frame.rsi = DATA;
}

fn count_ring_0(_: InvalidOpcode, interrupted: &mut Interrupted) {
    TAKEN.fetch_add(u64::from(!interrupted.is_ring_3()), Ordering::Relaxed);
    interrupted.rip += 2;
}

fn in_handler() -> Result<u64, String> {
    exceptions::handle_fully(fault_twice);
    exceptions::handle(count_ring_0);
    run(code!("4: lea rsi, [rsi + 4096]", "mov [rsi], rdi", "dec rdi", "jnz 4b", "int 0x80"))?;
    Ok(TAKEN.load(Ordering::Relaxed))
}
