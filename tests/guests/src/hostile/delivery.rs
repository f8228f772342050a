//! Exceptions that cannot be delivered, or are delivered until something gives.

use super::tables::Table;
use super::{Case, EXITS, Outcome, TRIPLE_FAULT, Verdict, must_fault};
use crate::{attempt, code};
use alloc::format;
use core::arch::asm;
use exo_user::abi::boot_page::BootPage;
use exo_user::events::{self, Upcall};
use exo_user::exceptions::{self, ExceptionFrame, vector};
use exo_user::page_table::{self, Flags};
use exo_user::{call, console, cpu, frames, println};
use x86_64::VirtAddr;
use x86_64::instructions::tables::lidt;
use x86_64::structures::DescriptorTablePointer;

pub const CASES: &[Case] = &[
    Case::new("triple-fault", TRIPLE_FAULT, triple_fault, "takes an exception without an IDT"),
    Case::new(
        "stack-gone",
        TRIPLE_FAULT,
        stack_gone,
        "takes an exception without a stack, nor one for the double fault",
    ),
    Case::new("nested-faults", EXITS, nested_faults, "nests 65536 exceptions until the stack ends in a double fault"),
    Case::new("halt-for-ever", Outcome::Killed("halted with interrupts off"), halt, "halts with interrupts off"),
    Case::new("unhandled-upcall", TRIPLE_FAULT, unhandled_upcall, "asks for an upcall that its IDT does not have"),
    Case::new(
        "upcall-flood",
        EXITS,
        upcall_flood,
        "takes upcalls on one vector after the other, a hundred slices long",
    ),
    Case::new("interrupt-storm", EXITS, interrupt_storm, "raises 100000 software interrupts"),
    Case::new("absent-gates", EXITS, absent_gates, "raises an interrupt through absent and malformed gates"),
    Case::new("task-switch", EXITS, task_switch, "jumps to a task, by far jump and by task gate"),
];

fn remove_idt() {
    // SAFETY: every exception is fatal from here on, which is the point.
    unsafe { lidt(&DescriptorTablePointer { limit: 0, base: VirtAddr::zero() }) };
}

fn triple_fault(_boot: &'static BootPage) -> Verdict {
    remove_idt();
    cpu::breakpoint();
    Ok(())
}

fn stack_gone(_boot: &'static BootPage) -> Verdict {
    let mut table = Table::copied();
    let nowhere = code!("ud2").as_ptr() as u64;
    for vector in [vector::INVALID_OPCODE, vector::DOUBLE_FAULT, vector::PAGE_FAULT] {
        table.set(vector, nowhere, 0);
    }
    table.load();
    // SAFETY: the environment ends here.
    unsafe { asm!("xor esp, esp", "ud2", options(noreturn)) }
}

const NESTS: u64 = 65_536;
/// A 64-bit exception without error code pushes five words onto a stack aligned to 16 bytes.
const NEST_BYTES: u64 = 48;
const NEST_BOTTOM: u64 = 0x1000_4000_0000;
const NEST_TOP: u64 = NEST_BOTTOM + NESTS * NEST_BYTES;

fn on_double_fault(frame: &mut ExceptionFrame) {
    let nests = (NEST_TOP - frame.rsp) / NEST_BYTES;
    println!("saw a double fault below {nests} nested exceptions");
    console::flush();
    call::exit(u32::from(nests < NESTS - 1));
}

fn nested_faults(_boot: &'static BootPage) -> Verdict {
    // All pages of the stack are one frame: nothing on it is ever read.
    let frame = frames::allocate().ok_or("no frame")?.leak();
    for page in (NEST_BOTTOM..NEST_TOP).step_by(4096) {
        // SAFETY: nothing else is mapped here.
        unsafe { page_table::map(page, frame, Flags::PRESENT | Flags::WRITABLE) }
            .map_err(|error| format!("cannot map the stack: {error}"))?;
    }
    exceptions::set_handler(vector::DOUBLE_FAULT, on_double_fault);
    let mut table = Table::copied();
    table.set(vector::INVALID_OPCODE, code!("ud2").as_ptr() as u64, 0);
    // Once the stack has ended, the page fault cannot be delivered either.
    table.on_stack(vector::PAGE_FAULT, 0);
    table.load();
    // SAFETY: the double fault's handler ends the environment.
    unsafe { asm!("mov rsp, {}", "ud2", in(reg) NEST_TOP, options(noreturn)) }
}

fn halt(_boot: &'static BootPage) -> Verdict {
    cpu::disable_interrupts();
    cpu::halt();
    Ok(())
}

fn unhandled_upcall(boot: &'static BootPage) -> Verdict {
    events::set_vector(0x40);
    remove_idt();
    cpu::enable_interrupts();
    let begin = cpu::read_tsc();
    while cpu::read_tsc().wrapping_sub(begin) < boot.slice_ticks.saturating_mul(100) {
        call::yield_slice();
    }
    Err("no upcall came in a hundred slices".into())
}

static UPCALLS: core::sync::atomic::AtomicU64 = core::sync::atomic::AtomicU64::new(0);

fn on_interrupt(_frame: &mut ExceptionFrame) {
    UPCALLS.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
}

fn on_slice(_upcall: &mut Upcall<'_>) {
    UPCALLS.fetch_add(1, core::sync::atomic::Ordering::Relaxed);
}

fn upcall_flood(_boot: &'static BootPage) -> Verdict {
    events::set_handler(events::SLICE_BEGIN, on_slice);
    cpu::enable_interrupts();
    for round in 0..100_u8 {
        events::set_vector(32 + round * 2);
        call::yield_slice();
    }
    cpu::disable_interrupts();
    events::set_vector(0);
    let upcalls = UPCALLS.load(core::sync::atomic::Ordering::Relaxed);
    println!("saw {upcalls} upcalls");
    if upcalls >= 100 { Ok(()) } else { Err(format!("{upcalls} upcalls for a hundred slices")) }
}

fn interrupt_storm(_boot: &'static BootPage) -> Verdict {
    exceptions::set_handler(0x90, on_interrupt);
    for _ in 0..100_000 {
        // SAFETY: the vector's handler counts and returns.
        unsafe { asm!("int 0x90", options(nostack)) };
    }
    super::must_be("interrupts", UPCALLS.load(core::sync::atomic::Ordering::Relaxed), 100_000)
}

/// INT through a gate that is not there or makes no sense: the error code names the gate.
fn absent_gates(_boot: &'static BootPage) -> Verdict {
    const ABSENT: (u64, u8) = (0x0e, vector::SEGMENT_NOT_PRESENT);
    const CALL_GATE: (u64, u8) = (0x8c, vector::GENERAL_PROTECTION);
    const DATA: (u64, u8) = (0x92, vector::GENERAL_PROTECTION);
    for (kind, expected) in [ABSENT, CALL_GATE, DATA] {
        let mut table = Table::copied();
        table.set_with(0x91, code!("ud2").as_ptr() as u64, 0, kind, exo_user::segments::KERNEL_CODE.0);
        table.load();
        must_fault(format_args!("gate of kind {kind:#x}"), expected, attempt!("int 0x91"))?;
    }
    println!("saw the fault that each gate deserves");
    Ok(())
}

fn task_switch(_boot: &'static BootPage) -> Verdict {
    const TASK_GATE: u64 = 0x85;
    let mut table = Table::copied();
    table.set_with(0x91, 0, 0, TASK_GATE, exo_user::segments::TASK_STATE.0);
    table.load();
    must_fault("task gate", vector::GENERAL_PROTECTION, attempt!("int 0x91"))?;
    let target = [0_u32, u32::from(exo_user::segments::TASK_STATE.0)];
    let seen = attempt!("jmp fword ptr [{operand}]", operand = in(reg) &raw const target as *const u8);
    must_fault("far jump to the task", vector::GENERAL_PROTECTION, seen)?;
    println!("saw a general protection fault for each");
    Ok(())
}
