//! Guests that never end. They must get their own slices and not one tick more; run them beside a witness.

use super::tables::Table;
use super::{Case, Outcome, Verdict};
use crate::{code, user_mode};
use alloc::format;
use core::arch::asm;
use exo_user::abi::boot_page::BootPage;
use exo_user::exceptions::{self, ExceptionFrame, vector};
use exo_user::page_table::{self, Flags};
use exo_user::segments::USER_CODE;
use exo_user::{call, cpu, frames};

const ENDLESS: Outcome = Outcome::Endless;

pub const CASES: &[Case] = &[
    Case::new("spin", ENDLESS, spin, "loops with interrupts off"),
    Case::new("null-call-storm", ENDLESS, |_| again(|| _ = call::null()), "makes null calls"),
    Case::new("yield-storm", ENDLESS, |_| again(call::yield_slice), "gives up every slice at once"),
    Case::new("cpuid-storm", ENDLESS, |_| again(|| _ = cpu::cpuid(0, 0)), "executes CPUID"),
    Case::new("halt-storm", ENDLESS, halt_storm, "halts with interrupts on"),
    Case::new("write-back-storm", ENDLESS, write_back_storm, "writes caches back"),
    Case::new("split-lock", ENDLESS, split_lock, "locks words that cross a cache line"),
    Case::new("rep-string", ENDLESS, rep_string, "fills 512 GiB of its own with one instruction"),
    Case::new("db-loop", ENDLESS, db_loop, "has the delivery of #DB raise #DB (CVE-2015-8104)"),
    Case::new("ac-loop", ENDLESS, ac_loop, "has #AC lead to #AC in ring 3 (CVE-2015-5307)"),
    Case::new("vmcall-ring3-storm", ENDLESS, vmcall_storm, "has a ring-3 program make calls"),
    Case::new("fault-storm", ENDLESS, fault_storm, "takes the same page fault again and again"),
];

fn again(work: impl Fn()) -> Verdict {
    loop {
        work();
    }
}

fn spin(_boot: &'static BootPage) -> Verdict {
    cpu::disable_interrupts();
    again(core::hint::spin_loop)
}

fn halt_storm(_boot: &'static BootPage) -> Verdict {
    cpu::enable_interrupts();
    again(cpu::halt)
}

fn write_back_storm(_boot: &'static BootPage) -> Verdict {
    // SAFETY: changes nothing that software sees.
    again(|| unsafe { asm!("wbinvd", options(nostack)) })
}

fn split_lock(_boot: &'static BootPage) -> Verdict {
    #[repr(align(64))]
    struct Lines([u8; 128]);
    let mut lines = Lines([0; 128]);
    let word = lines.0[61..].as_mut_ptr();
    // SAFETY: the eight bytes are in `lines`.
    again(|| unsafe { asm!("lock add qword ptr [{}], 1", in(reg) word, options(nostack)) })
}

/// Tables that lead back to the same table make one frame fill 512 GiB of addresses.
fn rep_string(_boot: &'static BootPage) -> Verdict {
    const ADDRESS: u64 = 0x2000_0000_0000;
    const ALL: Flags = Flags::PRESENT.union(Flags::WRITABLE);
    let mut below = frames::allocate().ok_or("no frame")?.leak();
    for _ in 0..3 {
        let mut table = frames::allocate().ok_or("no frame")?;
        for entry in table.bytes().chunks_exact_mut(8) {
            entry.copy_from_slice(&(below | ALL.bits()).to_le_bytes());
        }
        below = table.leak();
    }
    // SAFETY: the corner of the address space is empty, and the frame behind it nobody else's.
    unsafe { page_table::entry(ADDRESS).set(below | ALL.bits()) };
    // SAFETY: all of it is mapped to one frame of this case.
    again(|| unsafe {
        asm!("rep stosb", inout("rdi") ADDRESS => _, inout("rcx") 512_u64 << 30 => _, in("al") 0_u8);
    })
}

/// A data breakpoint on the word that the delivery of the exception itself writes.
fn db_loop(_boot: &'static BootPage) -> Verdict {
    const WRITES_OF_EIGHT_BYTES: u64 = 0b1001 << 16;
    const ENABLED: u64 = 3;
    const STACK: u64 = 0x1000_6000_0000;
    let frame = frames::allocate().ok_or("no frame")?.leak();
    // SAFETY: nothing else is mapped here.
    unsafe { page_table::map(STACK, frame, Flags::PRESENT | Flags::WRITABLE) }.map_err(|error| format!("{error}"))?;
    let top = STACK + 4096;
    let mut table = Table::copied();
    // Where an emulator's deliveries hit no data breakpoints (Bochs), the handler runs and raises the next one itself.
    table.set(vector::DEBUG, code!("mov rsp, rbx", ".byte 0xf1", "ud2").as_ptr() as u64, 0);
    table.load();
    // SAFETY: the environment never leaves this block.
    unsafe {
        asm!(
            "mov dr0, {watched}",
            "mov dr7, {control}",
            "mov rsp, {top}",
            "mov rbx, {top}",
            ".byte 0xf1",
            "ud2",
            watched = in(reg) top - 8,
            control = in(reg) WRITES_OF_EIGHT_BYTES | ENABLED | 0x400,
            top = in(reg) top,
            options(noreturn),
        );
    }
}

/// The handler is in ring 3 itself and not aligned any better than what it handles.
fn ac_loop(_boot: &'static BootPage) -> Verdict {
    const ALIGNMENT_MASK: u64 = 1 << 18;
    const INTERRUPT_GATE_FOR_ALL: u64 = 0xee;
    // SAFETY: the checks concern ring 3 only.
    unsafe { cpu::write_cr0(cpu::read_cr0() | ALIGNMENT_MASK) };
    let program = code!(
        "pushfq",
        "or dword ptr [rsp], 0x40000",
        "popfq",
        "mov rbx, rsp",
        "4: mov rsp, rbx",
        "mov eax, [rsp - 63]",
        "jmp 4b"
    );
    user_mode::load(program).map_err(|error| format!("{error}"))?;
    let mut table = Table::copied();
    // The address of the loop: after PUSHFQ (1 byte), OR (7), POPFQ (1) and MOV (3).
    table.set_with(vector::ALIGNMENT_CHECK, user_mode::CODE_AT + 12, 0, INTERRUPT_GATE_FOR_ALL, USER_CODE.0);
    table.load();
    let left = user_mode::run(0, 0);
    Err(format!("the program left:\n{left}"))
}

/// Goes on at the same instruction.
fn once_more(_frame: &mut ExceptionFrame) {}

fn vmcall_storm(_boot: &'static BootPage) -> Verdict {
    exceptions::set_handler(vector::INVALID_OPCODE, once_more);
    user_mode::load(code!("vmcall", "int 0x80")).map_err(|error| format!("{error}"))?;
    let left = user_mode::run(0, 0);
    Err(format!("the program left:\n{left}"))
}

fn fault_storm(_boot: &'static BootPage) -> Verdict {
    exceptions::set_handler(vector::PAGE_FAULT, once_more);
    // SAFETY: the page is never mapped, so this never reads anything.
    unsafe { asm!("mov rax, [rsi]", in("rsi") 0x1000_7000_0000_u64, out("rax") _) };
    Err("the read succeeded".into())
}
