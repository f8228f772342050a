//! What exceptions leave alone, what handlers can change, and how they nest.

use crate::{COUNT, Item, Random, item, nothing, same};
use alloc::string::String;
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::fault_page::{READ, WRITE};
use exo_user::exceptions::{
    self, Access, Breakpoint, DivideError, ExceptionFrame, ForeignAccess, GeneralProtection, Interrupted,
    InvalidOpcode, LEVELS, PageFault,
};
use exo_user::page_table::{self, Flags};
use exo_user::{cpu, foreign, frames};

pub const ITEMS: &[Item] = &[
    item("registers-and-red-zone", nothing, fast_keeps_everything),
    item("registers-and-red-zone-full", nothing, full_keeps_everything),
    item("any-register-changed", nothing, any_register),
    item("nested", nothing, nested),
    item("nested-full", nothing, nested_full),
    item("page-fault-told", nothing, page_fault),
    item("general-protection-told", nothing, general_protection),
    item("divide-error-full", nothing, divide_error),
    item("handler-of-the-other-kind", nothing, other_kind),
    item("foreign-access-told", prepare_foreign, foreign_access),
];

static TAKEN: AtomicU64 = AtomicU64::new(0);

fn count() {
    TAKEN.fetch_add(1, Ordering::Relaxed);
}

fn taken() -> u64 {
    TAKEN.swap(0, Ordering::Relaxed)
}

/// Spoils what a function may spoil, flags included, and steps over the two bytes of UD2.
fn spoil(_: InvalidOpcode, interrupted: &mut Interrupted) {
    count();
    // SAFETY: changes only what is declared; the direction flag is put back.
    unsafe {
        asm!("xor eax, eax", "mov ecx, 1", "mov edx, 2", "mov esi, 3", "mov edi, 4", "mov r8d, 5", "mov r9d, 6",
            "mov r10d, 7", "mov r11d, 8", "std", "cld",
            out("rax") _, out("rcx") _, out("rdx") _, out("rsi") _, out("rdi") _, out("r8") _, out("r9") _,
            out("r10") _, out("r11") _);
    }
    interrupted.rip += 2;
}

fn step_over(_: InvalidOpcode, frame: &mut ExceptionFrame) {
    count();
    frame.rip += 2;
}

/// Fills the registers and the red zone with numbers made of `seed`, raises UD2 with the direction flag set, and says how many numbers
/// and flags are not what they were.
fn raise(seed: u64) -> u64 {
    let wrong: u64;
    // SAFETY: rbx and rbp are put back, the stack pointer is not moved, all else is declared. The handler steps over UD2.
    unsafe {
        asm!(
            "push rbx", "push rbp",
            // The red zone of a leaf function: 128 bytes below its stack pointer.
            "4: mov [rsp + rcx * 8 - 136], rax", "add rax, 1", "dec rcx", "jnz 4b",
            "mov rbx, rax", "lea rcx, [rax + 1]", "lea rdx, [rax + 2]", "lea rsi, [rax + 3]", "lea rdi, [rax + 4]",
            "lea rbp, [rax + 5]", "lea r8, [rax + 6]", "lea r9, [rax + 7]", "lea r10, [rax + 8]", "lea r11, [rax + 9]",
            "lea r12, [rax + 10]", "lea r13, [rax + 11]", "lea r14, [rax + 12]", "lea r15, [rax + 13]",
            "std", "stc",
            "ud2",
            // Carry and direction must have survived; flags are looked at without the stack.
            "sbb rbx, rax",
            "not rbx", // 0 where carry was set
            "sub rcx, rax", "xor rcx, 1", "or rbx, rcx", "sub rdx, rax", "xor rdx, 2", "or rbx, rdx",
            "sub rsi, rax", "xor rsi, 3", "or rbx, rsi", "sub rdi, rax", "xor rdi, 4", "or rbx, rdi",
            "mov rdi, rsp",
            "scasb",
            "cld",
            "sub rdi, rsp",
            "not rdi", // 0 where it went down
            "or rbx, rdi",
            "sub rbp, rax", "xor rbp, 5", "or rbx, rbp", "sub r8, rax", "xor r8, 6", "or rbx, r8",
            "sub r9, rax", "xor r9, 7", "or rbx, r9", "sub r10, rax", "xor r10, 8", "or rbx, r10",
            "sub r11, rax", "xor r11, 9", "or rbx, r11", "sub r12, rax", "xor r12, 10", "or rbx, r12",
            "sub r13, rax", "xor r13, 11", "or rbx, r13", "sub r14, rax", "xor r14, 12", "or rbx, r14",
            "sub r15, rax", "xor r15, 13", "or rbx, r15",
            "mov ecx, 1",
            "5: sub rax, 1", "mov rdx, [rsp + rcx * 8 - 136]", "xor rdx, rax", "or rbx, rdx", "inc ecx", "cmp ecx, 17", "jne 5b",
            "mov rdx, rbx",
            "pop rbp", "pop rbx",
            inout("rax") seed => _, inout("rcx") 16_u64 => _, out("rdx") wrong,
            out("rsi") _, out("rdi") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _, out("r12") _, out("r13") _,
            out("r14") _, out("r15") _,
        );
    }
    wrong
}

fn keeps_everything() -> Result<u64, String> {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    for _ in 0..COUNT {
        let seed = random.next();
        same("differences", raise(seed), 0)?;
    }
    Ok(taken())
}

fn fast_keeps_everything() -> Result<u64, String> {
    exceptions::handle(spoil);
    keeps_everything()
}

fn full_keeps_everything() -> Result<u64, String> {
    exceptions::handle_fully(step_over);
    keeps_everything()
}

/// Sets every register to a number of its own.
fn set_all(_: Breakpoint, frame: &mut ExceptionFrame) {
    count();
    let base = frame.rax;
    let ExceptionFrame { r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax, .. } = frame;
    let all = [rax, rbx, rcx, rdx, rsi, rdi, rbp, r8, r9, r10, r11, r12, r13, r14, r15];
    (0..).zip(all).for_each(|(number, register)| *register = base ^ (number << 32));
    frame.rflags |= 1;
}

fn any_register() -> Result<u64, String> {
    exceptions::handle_fully(set_all);
    for round in 0..COUNT {
        let mut seen = [0_u64; 16];
        // SAFETY: the array has room for 16 words; rbx and rbp are put back. It is found again on the stack, for no register keeps its
        // place.
        unsafe {
            asm!(
                "push rbx", "push rbp", "push rdi",
                "clc",
                "int3",
                "push r15", "push r14", "push r13", "push r12", "push r11", "push r10", "push r9", "push r8",
                "push rbp", "push rdi", "push rsi", "push rdx", "push rcx", "push rbx", "push rax",
                "setc al", "movzx eax, al",
                "mov rdi, [rsp + 120]",
                "mov [rdi + 120], rax",
                "mov ecx, 15",
                "4: pop rax", "mov [rdi], rax", "add rdi, 8", "dec ecx", "jnz 4b",
                "pop rdi", "pop rbp", "pop rbx",
                inout("rax") round => _, in("rdi") &raw mut seen,
                out("rcx") _, out("rdx") _, out("rsi") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _,
                out("r12") _, out("r13") _, out("r14") _, out("r15") _,
            );
        }
        let mut wanted = [1; 16];
        (0..).zip(&mut wanted[..15]).for_each(|(number, place)| *place = round ^ (number << 32));
        same("registers and carry", seen, wanted)?;
    }
    Ok(taken())
}

/// How deep the handlers below are, and where their stacks were.
static DEPTH: AtomicU64 = AtomicU64::new(0);
static STACKS: AtomicU64 = AtomicU64::new(0);

/// Takes all the stacks but the first, which the caller is on. Each must see its own local after those above it have run.
fn deeper() -> bool {
    let depth = DEPTH.fetch_add(1, Ordering::Relaxed) + 1;
    let local = core::hint::black_box([depth; 64]);
    STACKS.fetch_xor(&raw const local as u64 & !0x7fff, Ordering::Relaxed);
    if depth < LEVELS {
        // SAFETY: the handler steps over it.
        unsafe { asm!("ud2") };
    }
    STACKS.fetch_xor(&raw const local as u64 & !0x7fff, Ordering::Relaxed);
    core::hint::black_box(&local).iter().all(|&word| word == depth)
}

fn deeper_fast(_: InvalidOpcode, interrupted: &mut Interrupted) {
    if deeper() {
        count();
    }
    interrupted.rip += 2;
}

fn deeper_full(_: InvalidOpcode, frame: &mut ExceptionFrame) {
    if deeper() {
        count();
    }
    frame.rip += 2;
}

fn nest() -> Result<u64, String> {
    for _ in 0..COUNT {
        DEPTH.store(0, Ordering::Relaxed);
        // SAFETY: the handler steps over it.
        unsafe { asm!("ud2") };
        same("depth", DEPTH.load(Ordering::Relaxed), LEVELS)?;
        same("stacks", STACKS.load(Ordering::Relaxed), 0)?;
    }
    Ok(taken() / LEVELS)
}

fn nested() -> Result<u64, String> {
    exceptions::handle(deeper_fast);
    nest()
}

fn nested_full() -> Result<u64, String> {
    exceptions::handle_fully(deeper_full);
    nest()
}

/// A page that is never present.
const ABSENT: u64 = 0x1000_0005_0000;
static TOLD: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

fn tell(words: [u64; 3]) {
    count();
    TOLD.iter().zip(words).for_each(|(place, word)| place.store(word, Ordering::Relaxed));
}

fn told() -> [u64; 3] {
    TOLD.each_ref().map(|word| word.load(Ordering::Relaxed))
}

/// Steps over the two bytes of the access.
fn on_page_fault(fault: PageFault, interrupted: &mut Interrupted) {
    tell([fault.address, fault.access.bits(), interrupted.rip]);
    interrupted.rip += 2;
}

fn page_fault() -> Result<u64, String> {
    exceptions::handle(on_page_fault);
    for round in 0..COUNT / 2 {
        let place = ABSENT + round * 8;
        // SAFETY: the handler steps over the accesses.
        unsafe { asm!("mov eax, [rsi]", in("rsi") place, out("eax") _, options(nostack)) };
        same("a read", &told()[..2], &[place, 0])?;
        // SAFETY: as above.
        unsafe { asm!("mov [rsi], eax", in("rsi") place, in("eax") 1, options(nostack)) };
        same("a write", &told()[..2], &[place, Access::WRITE.bits()])?;
    }
    Ok(taken())
}

fn on_general_protection(exception: GeneralProtection, interrupted: &mut Interrupted) {
    tell([exception.selector, 0, 0]);
    interrupted.rip += 2;
}

/// Loads segments that there are not.
fn general_protection() -> Result<u64, String> {
    exceptions::handle(on_general_protection);
    for round in 0..COUNT {
        let selector = 0x1000 + round * 8;
        // SAFETY: the load faults, and the handler steps over it.
        unsafe { asm!("mov fs, esi", in("esi") u32::try_from(selector).unwrap_or(0), options(nostack)) };
        same("the selector", told()[0], selector)?;
    }
    Ok(taken())
}

/// Makes the division possible.
fn on_divide_error(_: DivideError, frame: &mut ExceptionFrame) {
    count();
    frame.rcx = 7;
}

fn divide_error() -> Result<u64, String> {
    exceptions::handle_fully(on_divide_error);
    for round in 0..COUNT {
        let quotient: u64;
        // SAFETY: the handler gives the division a divisor.
        unsafe { asm!("div rcx", inout("rax") round => quotient, inout("rdx") 0_u64 => _, inout("rcx") 0_u64 => _) };
        same("the quotient", quotient, round / 7)?;
    }
    Ok(taken())
}

/// A handler of the full kind that faults, which one of the fast kind takes.
fn other_kind() -> Result<u64, String> {
    exceptions::handle_fully(inside);
    exceptions::handle(spoil);
    (0..COUNT).for_each(|_| cpu::breakpoint());
    Ok(taken() / 2)
}

fn inside(_: Breakpoint, frame: &mut ExceptionFrame) {
    let rip = frame.rip;
    // SAFETY: the handler steps over it.
    unsafe { asm!("ud2") };
    if frame.rip == rip {
        count();
    }
}

/// Where foreign memory is mapped, the kernel's image, and the frame that takes its place.
const WINDOW: u64 = 0x1000_1000_0000;
const KERNEL: u64 = 0x20_0000;
static MINE: AtomicU64 = AtomicU64::new(0);

fn lead_to(physical: u64) {
    // SAFETY: nothing else uses the page.
    unsafe { page_table::entry(WINDOW).set(physical | 3) };
    cpu::invalidate_page(WINDOW);
}

fn on_foreign(access: ForeignAccess, _: &mut Interrupted) {
    tell([access.qualification & (READ | WRITE), access.linear, access.physical]);
    lead_to(MINE.load(Ordering::Relaxed));
}

fn prepare_foreign() -> Result<(), String> {
    let mine = frames::allocate().ok_or("no frame")?.leak();
    MINE.store(mine, Ordering::Relaxed);
    // SAFETY: nothing else is mapped here.
    unsafe { page_table::map(WINDOW, mine, Flags::PRESENT | Flags::WRITABLE) }.map_err(|_| "no table")?;
    exceptions::handle(on_foreign);
    foreign::begin().map_err(|_| "no fault delivery")?;
    Ok(())
}

/// On CPUs without #VE each costs one exit: this guest is for those that have it.
fn foreign_access() -> Result<u64, String> {
    for round in 0..COUNT {
        lead_to(KERNEL);
        let offset = round % 512 * 8;
        // SAFETY: the handler puts a frame of the guest's own there.
        unsafe { frames::pointer::<u64>(WINDOW + offset).write_volatile(round) };
        same("what was tried", told(), [WRITE, WINDOW + offset, KERNEL + offset])?;
        // SAFETY: it is there now.
        same("the word", unsafe { frames::pointer::<u64>(WINDOW + offset).read_volatile() }, round)?;
    }
    Ok(taken())
}
