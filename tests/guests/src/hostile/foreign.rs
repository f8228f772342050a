//! Memory that it does not hold, once more, but with fault delivery on: the guest is told, unless it makes that impossible.

use super::tables::Table;
use super::{Case, EXITS, TRIPLE_FAULT, VIOLATION, Verdict, must_be};
use crate::code;
use alloc::format;
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::fault_page::{EXECUTE, FAULT_VECTOR, READ, WRITE};
use exo_user::exceptions::{self, ExceptionFrame, vector};
use exo_user::foreign::{self, ForeignAccess};
use exo_user::page_table::{self, Flags};
use exo_user::{call, frames, println};

pub const CASES: &[Case] = &[
    Case::new("told-of-access", EXITS, told, "is told of 3000 accesses to the kernel's memory and repairs each"),
    Case::new("told-in-delivery", EXITS, told_in_delivery, "takes an exception whose stack turns out to be foreign"),
    Case::new("told-while-busy", VIOLATION, told_while_busy, "touches foreign memory with the fault page still busy"),
    Case::new("told-without-stack", VIOLATION, told_without_stack, "is to be told on a stack in foreign memory"),
    Case::new("told-without-gate", TRIPLE_FAULT, told_without_gate, "is to be told without an IDT"),
    Case::new("told-no-longer", VIOLATION, told_no_longer, "switches fault delivery off and touches foreign memory"),
];

const KERNEL: u64 = 0x20_0000;
/// Where the guest maps what it is after.
const WINDOW: u64 = 0x1000_1000_0000;
/// A frame of its own that the handler maps instead.
static MINE: AtomicU64 = AtomicU64::new(0);
static TOLD: AtomicU64 = AtomicU64::new(0);
static LAST: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

fn open(physical: u64) -> Verdict {
    // SAFETY: nothing else is mapped here.
    unsafe { page_table::map(WINDOW, physical, Flags::PRESENT | Flags::WRITABLE) }
        .map_err(|error| format!("cannot map {physical:#x}: {error}"))
}

fn repair(access: &ForeignAccess, frame: &mut ExceptionFrame) {
    TOLD.fetch_add(1, Ordering::Relaxed);
    for (last, value) in LAST.iter().zip([access.qualification, access.linear, access.physical]) {
        last.store(value, Ordering::Relaxed);
    }
    if open(MINE.load(Ordering::Relaxed)).is_err() {
        exceptions::fatal(frame);
    }
}

fn begin(handler: foreign::Handler) -> Verdict {
    let mut mine = frames::allocate().ok_or("no frame")?;
    // `ret`, so that the frame can be called as well.
    mine.bytes().fill(0xc3);
    MINE.store(mine.leak(), Ordering::Relaxed);
    foreign::handle(handler).map_err(|error| format!("fault delivery: {error}"))?;
    open(KERNEL)
}

fn told(_boot: &'static BootPage) -> Verdict {
    begin(repair)?;
    for round in 0..1000 {
        for kind in [READ, WRITE, EXECUTE] {
            let offset = round % 500 * 8;
            open(KERNEL)?;
            let pointer = frames::pointer::<u64>(WINDOW + offset);
            // SAFETY: the handler maps a frame of the guest's own, filled with return instructions.
            unsafe {
                match kind {
                    READ => must_be("the word read", pointer.read_volatile(), 0xc3c3_c3c3_c3c3_c3c3)?,
                    WRITE => pointer.write_volatile(0xc3c3_c3c3_c3c3_c3c3),
                    _ => asm!("call {}", in(reg) pointer, clobber_abi("C")),
                }
            }
            let [qualification, linear, physical] = &LAST;
            must_be("kind", qualification.load(Ordering::Relaxed) & (READ | WRITE | EXECUTE), kind)?;
            must_be("linear address", linear.load(Ordering::Relaxed), WINDOW + offset)?;
            must_be("physical address", physical.load(Ordering::Relaxed), KERNEL + offset)?;
        }
    }
    must_be("accesses told of", TOLD.load(Ordering::Relaxed), 3000)?;
    println!("was told of 3000 accesses");
    Ok(())
}

fn told_in_delivery(_boot: &'static BootPage) -> Verdict {
    begin(repair)?;
    let mut table = Table::copied();
    // On the interrupted stack, which the library's own gates never use.
    table.set(vector::INVALID_OPCODE, code!("inc r13", "add qword ptr [rsp], 2", "iretq").as_ptr() as u64, 0);
    table.load();
    let mut rescued = 0_u64;
    // SAFETY: the stack is foreign until the handler maps a frame of the guest's own; rsp is restored.
    unsafe {
        asm!(
            "mov r12, rsp", "mov rsp, {}", "ud2", "mov rsp, r12",
            in(reg) WINDOW + 4096, out("r12") _, inout("r13") rescued,
        );
    }
    must_be("invalid opcodes", rescued, 1)?;
    must_be("accesses told of", TOLD.load(Ordering::Relaxed), 1)?;
    println!("the exception came once its stack was there");
    Ok(())
}

fn told_while_busy(boot: &'static BootPage) -> Verdict {
    begin(repair)?;
    let busy = frames::window(boot.fault_page_physical + 4).cast::<u32>();
    // SAFETY: the fault page is the guest's to write; what follows from it is the point.
    unsafe {
        busy.write_volatile(1);
        frames::pointer::<u64>(WINDOW).read_volatile();
    }
    Ok(())
}

fn told_without_stack(_boot: &'static BootPage) -> Verdict {
    begin(repair)?;
    let mut table = Table::copied();
    table.on_stack(FAULT_VECTOR, 0);
    table.load();
    // SAFETY: the environment ends here.
    unsafe { asm!("mov rsp, {}", "push 1", "2: jmp 2b", in(reg) WINDOW + 4096, options(noreturn)) }
}

fn told_without_gate(_boot: &'static BootPage) -> Verdict {
    begin(repair)?;
    let mut table = Table::copied();
    let nowhere = code!("ud2").as_ptr() as u64;
    for vector in 0..=31 {
        table.set_with(vector, nowhere, 0, 0, 0);
    }
    table.load();
    // SAFETY: the access cannot be told of, so the environment ends here.
    unsafe { frames::pointer::<u64>(WINDOW).read_volatile() };
    Ok(())
}

fn told_no_longer(_boot: &'static BootPage) -> Verdict {
    begin(repair)?;
    // SAFETY: the handler maps a frame of the guest's own.
    unsafe { frames::pointer::<u64>(WINDOW).read_volatile() };
    must_be("accesses told of", TOLD.load(Ordering::Relaxed), 1)?;
    call::set_fault_delivery(false).map_err(|error| format!("{error}"))?;
    open(KERNEL)?;
    // SAFETY: the kernel must stop the access.
    unsafe { frames::pointer::<u64>(WINDOW).read_volatile() };
    Ok(())
}
