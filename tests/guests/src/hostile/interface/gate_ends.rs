//! What crosses a gate besides the message, and callers and callees that end in the middle of a call.

use super::{Case, EXITS, Verdict};
use crate::kit::child::{self, Child};
use crate::kit::gate::{self, Registers, message};
use crate::kit::{OWN, ask, must, same, thread, until, works};
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::error::Error;
use exo_user::gate::Gate;
use exo_user::{cpu, gate as library, info};

pub const CASES: &[Case] = &[
    Case::new(
        "gate-registers",
        EXITS,
        registers,
        "looks for what its caller and its callee had in registers that are no message",
    ),
    Case::new("gate-stack", EXITS, stack, "has a child answer calls on a stack that is not there"),
    Case::new("gate-time", EXITS, time, "has a child keep the time that is lent to it, and lend it on"),
];

const CHILD: u8 = 9;
const KERNEL_GS_BASE: u32 = 0xc000_0102;

/// What is each side's own.
fn own_state() -> [u64; 4] {
    let (cr2, low): (u64, u64);
    // SAFETY: reads registers that this code does not use.
    unsafe { asm!("mov {}, cr2", "movq {}, xmm3", out(reg) cr2, out(reg) low, options(nomem, nostack)) };
    [cr2, cpu::read_msr(KERNEL_GS_BASE), cpu::read_cr3(), low]
}

fn set_own_state(value: u64) {
    // SAFETY: nothing here uses these registers.
    unsafe {
        asm!("mov cr2, {0}", "movq xmm3, {0}", in(reg) value, options(nomem, nostack));
        cpu::write_msr(KERNEL_GS_BASE, value);
    }
}

static SEEN: [AtomicU64; 18] = [const { AtomicU64::new(0) }; 18];

/// Writes down what it finds in registers, and answers with the library's stub: two words.
extern "C" fn look(_: u64, argument: u64) -> ! {
    if argument == 1 {
        // SAFETY: no vector is chosen, so no upcall comes.
        unsafe { asm!("sti", options(nomem, nostack)) };
    }
    set_own_state(0x1111_0000);
    let mut registers: Registers = [0; 14];
    loop {
        // Takes a message with all registers, answers it by the library's stub, and the next, which the stub took, with all registers.
        gate::reply(&mut registers);
        for (place, word) in SEEN.iter().zip(registers.into_iter().chain(own_state())) {
            place.store(word, Ordering::SeqCst);
        }
        library::clear_vector_state();
        set_own_state_but_vectors(0x1111_0000);
        if library::reply_and_wait([1, 2, 0, 0, 0, 0]).is_err() {
            thread::rest(0);
        }
        registers = ANSWER;
    }
}

/// rdi and rsi are the answer's words: rcx rdx rbx rbp rsi rdi r8 to r15.
const ANSWER: Registers = [0, 0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 0, 0];

fn set_own_state_but_vectors(value: u64) {
    // SAFETY: as in `set_own_state`.
    unsafe {
        asm!("mov cr2, {0}", in(reg) value, options(nomem, nostack));
        cpu::write_msr(KERNEL_GS_BASE, value);
    }
}

fn registers(boot: &'static BootPage) -> Verdict {
    for (round, interrupts) in [false, true].into_iter().enumerate() {
        let number = thread::make(boot.cpu, look, round as u64)?;
        works(Call::GateOpen, (OWN, 0), &[number])?;
        let own = exo_user::capability::Authority::Own;
        let gate = Gate::bind(own, info::own_id(), number).map_err(|failure| alloc::format!("bind: {failure}"))?;
        gate::give(number)?;
        if interrupts {
            cpu::enable_interrupts();
        }
        let table = cpu::read_cr3();
        for _ in 0..4 {
            set_own_state(0x2222_0000);
            library::clear_vector_state();
            let answer = gate.call([3, 4, 5, 0, 0, 0]).map_err(|failure| alloc::format!("call: {failure}"))?;
            same("the answer", answer, [1, 2, 0, 0, 0, 0])?;
            let [cr2, kernel_gs, own_table, vector] = own_state();
            same("this side's registers", [cr2, kernel_gs, own_table], [0x2222_0000, 0x2222_0000, table])?;
            same("a vector register", vector, 0)?;
        }
        let seen = SEEN.each_ref().map(|word| word.load(Ordering::SeqCst));
        // rcx rdx rbx rbp rsi rdi r8 to r15.
        same("all that the callee found", &seen[..14], &[0, 5, 0, 0, 4, 3, 0, 0, 0, 0, 0, 0, 0, 0])?;
        same("the callee's registers", &seen[14..16], &[0x1111_0000, 0x1111_0000])?;
        same("a vector register at the callee", seen[17], 0)?;
        cpu::disable_interrupts();
    }
    // The stub's message with all registers in hand.
    let number = thread::make(boot.cpu, look, 0)?;
    works(Call::GateOpen, (OWN, 0), &[number])?;
    works(Call::GateBind, (OWN, 0), &[0, number, 60])?;
    gate::give(number)?;
    let mut all: Registers = message(9);
    same("rax", gate::call(60, &mut all), 0)?;
    same("what the callee's stub shows", all, ANSWER)
}

/// Opens a gate, puts its stack where there is none, and waits: the first call kills it.
extern "C" fn without_stack(_: u64, _: u64) -> ! {
    ask(Call::GateOpen, (OWN, 0), &[0]);
    // SAFETY: the environment ends here, as it is meant to.
    unsafe { asm!("mov rsp, {}", "mov eax, 49", "vmcall", "push rax", "ud2", in(reg) 0x10_0000_u64, options(noreturn)) }
}

fn bind_first(child: &Child) -> Verdict {
    let name = child.id.argument();
    until("the child has opened its gate", || ask(Call::GateBind, (CHILD, 0), &[name, 0, 0]).code == 0)
}

fn stack(boot: &'static BootPage) -> Verdict {
    child::derive(CHILD, 1)?;
    let child = Child::new(boot, CHILD)?;
    child.vcpu(boot.cpu, without_stack, 0)?;
    child.start()?;
    bind_first(&child)?;
    until("the child has been called", || gate::call(0, &mut [0; 14]) == Error::CalleeEnded.number())?;
    until("the child has ended", || child.has_ended())
}

/// Serves by looping, in three virtual CPUs that lend each other what they are lent, and asks for grace.
extern "C" fn keep(page: u64, argument: u64) -> ! {
    if argument == 0 {
        ask(Call::GateOpen, (OWN, 0), &[0]);
        let wants = exo_user::frames::window(page).cast::<u64>();
        // SAFETY: the word is in the child's event page: it wants grace, on a vector.
        unsafe {
            wants.add(3).write_volatile(1);
            wants.add(2).write_volatile(0x50);
        }
        gate::reply(&mut [0; 14]);
    }
    loop {
        ask(Call::YieldTo, (0, 0), &[0, 1 - argument.min(1)]);
    }
}

fn time(boot: &'static BootPage) -> Verdict {
    const CALLS: u64 = 10;
    child::derive(CHILD, 1)?;
    let child = Child::new(boot, CHILD)?;
    child.vcpu(boot.cpu, keep, 0)?;
    child.start()?;
    bind_first(&child)?;
    let limit = boot.slice_ticks * 5 / 2;
    works(Call::SetCallLimit, (0, 0), &[limit])?;
    for _ in 0..CALLS {
        let begin = cpu::read_tsc();
        let status = gate::call(0, &mut [0; 14]);
        let spent = cpu::read_tsc() - begin;
        // The first call takes until the limit; later ones find the gate by itself.
        let expected = [Error::CallExpired, Error::GateBusy].map(Error::number);
        must("the call ends without an answer", expected.contains(&status))?;
        // At most one round of everybody's slices more than it was bounded to.
        must("it ends in time", spent <= limit + boot.slice_ticks * 64)?;
    }
    let ran = child.record().map_or(0, |record| record.ticks);
    let slices = info::environment(info::own_id()).map_or(0, |record| record.ticks);
    must("the caller has paid", slices >= limit)?;
    must("what the child was lent is not its own time", ran < slices)
}
