//! What handlers are told, and how they nest.

use crate::registers::spoil;
use crate::{COUNT, Item, item, nothing, same};
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
    item("nested", nothing, nested),
    item("nested-full", nothing, nested_full),
    item("page-fault-told", nothing, page_fault),
    item("general-protection-told", nothing, general_protection),
    item("divide-error-full", nothing, divide_error),
    item("handler-of-the-other-kind", nothing, other_kind),
    item(TOLD, prepare_foreign, foreign_access),
];

/// What costs an exit each where the CPU has no #VE.
pub const TOLD: &str = "foreign-access-told";

static TAKEN: AtomicU64 = AtomicU64::new(0);

pub fn count() {
    TAKEN.fetch_add(1, Ordering::Relaxed);
}

pub fn taken() -> u64 {
    TAKEN.swap(0, Ordering::Relaxed)
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
static WORDS: [AtomicU64; 3] = [const { AtomicU64::new(0) }; 3];

fn tell(words: [u64; 3]) {
    count();
    WORDS.iter().zip(words).for_each(|(place, word)| place.store(word, Ordering::Relaxed));
}

fn told() -> [u64; 3] {
    WORDS.each_ref().map(|word| word.load(Ordering::Relaxed))
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
