//! Calls through gates with all registers in hand, and virtual CPUs that answer.

use super::thread::{self, Body};
use super::{OWN, ask, works};
use alloc::string::String;
use core::arch::naked_asm;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::{Call, Request};
use exo_user::info;

/// All that is a message: rcx rdx rbx rbp rsi rdi r8 to r15.
pub type Registers = [u64; 14];

/// Makes a call with these registers, and leaves there what it finds in them afterwards; rax.
#[unsafe(naked)]
extern "sysv64" fn transfer(word: u64, registers: &mut Registers) -> u64 {
    naked_asm!(
        "push rbx",
        "push rbp",
        "push r12",
        "push r13",
        "push r14",
        "push r15",
        "push rsi",
        "mov rax, rdi",
        "mov rcx, [rsi]",
        "mov rdx, [rsi + 8]",
        "mov rbx, [rsi + 16]",
        "mov rbp, [rsi + 24]",
        "mov rdi, [rsi + 40]",
        "mov r8, [rsi + 48]",
        "mov r9, [rsi + 56]",
        "mov r10, [rsi + 64]",
        "mov r11, [rsi + 72]",
        "mov r12, [rsi + 80]",
        "mov r13, [rsi + 88]",
        "mov r14, [rsi + 96]",
        "mov r15, [rsi + 104]",
        "mov rsi, [rsi + 32]",
        "vmcall",
        "push rsi",
        "mov rsi, [rsp + 8]",
        "mov [rsi], rcx",
        "mov [rsi + 8], rdx",
        "mov [rsi + 16], rbx",
        "mov [rsi + 24], rbp",
        "pop rcx",
        "mov [rsi + 32], rcx",
        "mov [rsi + 40], rdi",
        "mov [rsi + 48], r8",
        "mov [rsi + 56], r9",
        "mov [rsi + 64], r10",
        "mov [rsi + 72], r11",
        "mov [rsi + 80], r12",
        "mov [rsi + 88], r13",
        "mov [rsi + 96], r14",
        "mov [rsi + 104], r15",
        "pop rsi",
        "pop r15",
        "pop r14",
        "pop r13",
        "pop r12",
        "pop rbp",
        "pop rbx",
        "ret",
    )
}

fn word(call: Call, slot: u8) -> u64 {
    Request { number: call as u16, credential: slot, second: 0 }.to_word()
}

/// Calls the gate in a slot; rax.
pub fn call(slot: u8, registers: &mut Registers) -> u64 {
    transfer(word(Call::GateCall, slot), registers)
}

/// Sends to the gate in a slot; rax.
pub fn send(slot: u8, registers: &mut Registers) -> u64 {
    transfer(word(Call::GateSend, slot), registers)
}

/// Replies, if there is whom to, and waits; rax, which is who calls next.
pub fn reply(registers: &mut Registers) -> u64 {
    transfer(word(Call::GateReply, 0), registers)
}

/// Where virtual CPUs that answer count, by number of the virtual CPU.
pub static ANSWERED: [AtomicU64; 8] = [const { AtomicU64::new(0) }; 8];
/// Who called last.
pub static CALLER: AtomicU64 = AtomicU64::new(0);

/// A message in which every register depends on this number.
#[must_use]
pub fn message(nonce: u64) -> Registers {
    core::array::from_fn(|index| nonce.wrapping_add(index as u64 + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15))
}

/// What is answered to a message.
#[must_use]
pub fn answer(message: &Registers) -> Registers {
    message.map(|word| !word.rotate_left(7))
}

/// Answers for ever. The argument is the number of the virtual CPU, and 8 more to have interrupts on, so that the kernel may take its
/// shortest way.
pub extern "C" fn echo(page: u64, argument: u64) -> ! {
    let count = &ANSWERED[usize::try_from(argument % 8).unwrap_or(0)];
    if argument >= 8 {
        thread::mask_all(page);
        // SAFETY: no vector is chosen, so no upcall comes.
        unsafe { core::arch::asm!("sti", options(nomem, nostack)) };
    }
    let mut registers = [0; 14];
    loop {
        let caller = reply(&mut registers);
        if caller >> 32 == 0 {
            thread::rest(page);
        }
        CALLER.store(caller, Ordering::SeqCst);
        count.fetch_add(1, Ordering::SeqCst);
        registers = answer(&registers);
    }
}

/// Makes a virtual CPU of this environment a gate under its own name, has it run until it waits, and binds it in a gate slot.
///
/// # Errors
/// The kernel's refusal.
pub fn make(boot: &BootPage, body: Body, argument: u64, slot: u8) -> Result<u64, String> {
    let number = thread::make(boot.cpu, body, argument)?;
    works(Call::GateOpen, (OWN, 0), &[number])?;
    works(Call::GateBind, (OWN, 0), &[0, number, slot.into()])?;
    give(number)?;
    Ok(number)
}

/// Gives what is left of this slice to a virtual CPU of this environment until it waits.
///
/// # Errors
/// Where it never does.
pub fn give(number: u64) -> Result<(), String> {
    super::until("the virtual CPU waits", || ask(Call::YieldTo, (0, 0), &[info::own_id().argument(), number]).code != 0)
}
