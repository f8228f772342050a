//! Exceptions raised and handled in ring 0.

use crate::{COUNT, Item, free, repeat};
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::exceptions::{self, ExceptionFrame, vector};
use exo_user::page_table::{self, Flags, MapError};
use exo_user::{cpu, frames};
use guests::attempt;

pub const ITEMS: &[Item] = &[
    free("page-fault", page_fault),
    free("page-fault-skipped", page_fault_skipped),
    free("invalid-opcode", invalid_opcode),
    free("breakpoint", breakpoint),
    free("divide-error", divide_error),
    free("general-protection", general_protection),
    free("device-not-available", device_not_available),
    free("int-n", int_n),
];

/// A page that is present or not as each measurement wants it.
const PAGE: u64 = 0x1000_0004_0000;
/// A page that never is present.
const ABSENT: u64 = 0x1000_0005_0000;

static HANDLED: AtomicU64 = AtomicU64::new(0);

pub fn prepare() -> Result<(), MapError> {
    let frame = frames::allocate().ok_or(MapError::NoFrame)?;
    // SAFETY: the page is in the test area and the frame is given to it for ever.
    unsafe { page_table::map(PAGE, frame.leak(), Flags::PRESENT | Flags::WRITABLE) }
}

/// Runs `work` with `handler` in place and says how often the handler ran.
pub fn handled(vector: u8, handler: fn(&mut ExceptionFrame), work: impl FnOnce()) -> u64 {
    HANDLED.store(0, Ordering::Relaxed);
    exceptions::set_handler(vector, handler);
    work();
    guests::faults::install();
    HANDLED.load(Ordering::Relaxed)
}

/// Counts an exception that needs nothing else.
pub fn count(_frame: &mut ExceptionFrame) {
    HANDLED.fetch_add(1, Ordering::Relaxed);
}

/// Counts an exception and steps over the two bytes of the instruction that raised it.
pub fn skip(frame: &mut ExceptionFrame) {
    count(frame);
    frame.rip += 2;
}

fn set_present(present: bool) {
    let entry = page_table::entry(PAGE);
    let bit = Flags::PRESENT.bits();
    // SAFETY: nothing but these measurements uses the page.
    unsafe { entry.set(if present { entry.get() | bit } else { entry.get() & !bit }) };
}

fn make_present(frame: &mut ExceptionFrame) {
    count(frame);
    set_present(true);
}

/// The whole of demand paging: the fault, the edit, the instruction again.
fn page_fault() -> u64 {
    handled(vector::PAGE_FAULT, make_present, || {
        for _ in 0..COUNT {
            set_present(false);
            cpu::invalidate_page(PAGE);
            // SAFETY: the handler makes the page present, and it is ours.
            unsafe { frames::pointer::<u64>(PAGE).write_volatile(1) };
        }
    })
}

fn page_fault_skipped() -> u64 {
    handled(vector::PAGE_FAULT, skip, || {
        for _ in 0..COUNT {
            // SAFETY: the handler steps over the two bytes of this instruction.
            unsafe { asm!("mov eax, [rsi]", in("rsi") ABSENT, out("eax") _, options(nostack)) };
        }
    })
}

fn invalid_opcode() -> u64 {
    handled(vector::INVALID_OPCODE, skip, || {
        for _ in 0..COUNT {
            // SAFETY: the handler steps over the instruction.
            unsafe { asm!("ud2", options(nostack)) };
        }
    })
}

fn breakpoint() -> u64 {
    handled(vector::BREAKPOINT, count, || {
        repeat(cpu::breakpoint);
    })
}

fn int_n() -> u64 {
    handled(0x90, count, || {
        for _ in 0..COUNT {
            // SAFETY: the vector's handler counts and returns.
            unsafe { asm!("int 0x90", options(nostack)) };
        }
    })
}

/// How often `raise` raised `vector`.
fn raised(vector: u8, raise: impl Fn() -> Result<(), guests::faults::Fault>) -> u64 {
    (0..COUNT).map(|_| u64::from(raise().is_err_and(|fault| fault.vector == vector))).sum()
}

fn divide_error() -> u64 {
    raised(vector::DIVIDE, || attempt!("div {zero:e}", zero = in(reg) 0, inout("eax") 1 => _, inout("edx") 0 => _))
}

fn general_protection() -> u64 {
    raised(vector::GENERAL_PROTECTION, || attempt!("mov rax, [rsi]", in("rsi") 1_u64 << 63, out("rax") _))
}

fn device_not_available() -> u64 {
    const TASK_SWITCHED: u64 = 1 << 3;
    // SAFETY: this guest's own code uses no vector registers.
    unsafe { cpu::write_cr0(cpu::read_cr0() | TASK_SWITCHED) };
    let count = raised(vector::DEVICE_NOT_AVAILABLE, || attempt!("fninit"));
    cpu::clear_task_switched();
    count
}
