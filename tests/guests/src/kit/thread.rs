//! Further virtual CPUs of this environment, each running one function with interrupts off on a stack of its own.

use super::neighbour::free_slice;
use super::{OWN, ask, works};
use crate::hostile::Verdict;
use alloc::format;
use alloc::string::String;
use core::arch::naked_asm;
use exo_user::abi::boot_page::FrameRun;
use exo_user::abi::call::Call;
use exo_user::abi::events::EventPage;
use exo_user::{cpu, frames, info};

/// Frames of a stack.
const STACK_FRAMES: u64 = 4;

/// Where a virtual CPU begins: the stack holds function and argument, rdi the event page.
#[unsafe(naked)]
unsafe extern "C" fn begin() -> ! {
    naked_asm!("pop rax", "pop rsi", "xor ebp, ebp", "call rax", "ud2")
}

/// What a virtual CPU begins with: the function gets the event page's physical address and the argument.
pub type Body = extern "C" fn(u64, u64) -> !;

/// Address of the first instruction.
#[must_use]
pub fn entry() -> u64 {
    begin as *const () as u64
}

/// A stack that has `body` called.
///
/// # Errors
/// Where there are no frames.
pub fn stack(body: Body, argument: u64) -> Result<u64, String> {
    let stack = frames::allocate_contiguous(STACK_FRAMES).ok_or("no frames for a stack")?;
    let top = stack.as_mut_ptr_range().end.cast::<u64>() as u64 - 16;
    prepare(top, body, argument);
    Ok(top)
}

/// Makes a stack anew that [`stack`] has made and that nobody is on any more.
pub fn prepare(stack: u64, body: Body, argument: u64) {
    let top = frames::pointer::<[u64; 2]>(stack);
    // SAFETY: the two words are the stack's highest; its end is a multiple of 16, as a call's beginning wants it.
    unsafe { top.write([body as *const () as u64, argument]) };
}

/// The number that the next virtual CPU of this environment gets.
#[must_use]
pub fn next_number() -> u64 {
    info::environment(info::own_id()).map_or(0, |record| record.vcpus.into())
}

/// Makes a virtual CPU of this environment on a CPU, without time; its number.
///
/// # Errors
/// The kernel's refusal.
pub fn make(cpu: u32, body: Body, argument: u64) -> Result<u64, String> {
    let number = next_number();
    let table = cpu::read_cr3() & !0xfff;
    let page = works(Call::VcpuCreate, (OWN, 0), &[0, cpu.into(), entry(), stack(body, argument)?, table])?;
    show(page)?;
    Ok(number)
}

/// Gives a virtual CPU of this environment a slice; the position.
///
/// # Errors
/// The kernel's refusal.
pub fn give_time(cpu: u32, number: u64) -> Result<u64, String> {
    for _ in 0..64 {
        let position = free_slice(cpu).ok_or("no free slice")?;
        if ask(Call::SliceAllocate, (OWN, 0), &[cpu.into(), position, 0, number]).code == 0 {
            return Ok(position);
        }
    }
    Err("somebody was always quicker to take a slice".into())
}

/// Makes a virtual CPU of this environment that runs on a CPU; its number.
///
/// # Errors
/// The kernel's refusal.
pub fn run(cpu: u32, body: Body, argument: u64) -> Result<u64, String> {
    let number = make(cpu, body, argument)?;
    give_time(cpu, number)?;
    Ok(number)
}

/// Maps the event page of a new virtual CPU in the window of the tables that all share.
///
/// # Errors
/// Where there is no frame for a table.
pub fn show(event_page: u64) -> Verdict {
    let run = FrameRun { first: event_page >> 12, count: 1 };
    frames::extend_window(run).map_err(|error| format!("the event page cannot be mapped: {error}"))
}

/// Has no event of a virtual CPU keep it from blocking: not even that its slice has begun.
pub fn mask_all(event_page: u64) {
    let page = frames::window(event_page).cast::<EventPage>();
    // SAFETY: the page is the virtual CPU's own, mapped in the window of the tables that all of them share.
    unsafe { (&raw mut (*page).mask).write_volatile(u64::MAX) };
}

/// What a virtual CPU does that has nothing more to do.
pub fn rest(event_page: u64) -> ! {
    mask_all(event_page);
    loop {
        ask(Call::Block, (0, 0), &[0]);
    }
}

/// The CPU that another virtual CPU is to run on: another one where there is one.
#[must_use]
pub fn other_cpu(own: u32) -> u32 {
    let cpus = info::system().map_or(1, |system| system.cpus);
    (own + 1) % cpus.max(1)
}
