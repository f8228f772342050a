//! Gates: calls, nested calls, one-way messages, limits, and ends in the middle of a call.

use crate::exits;
use crate::hostile::Verdict;
use crate::kit::child::{self, Child};
use crate::kit::gate::{self, ANSWERED, CALLER, answer, echo, message};
use crate::kit::{OWN, ask, fails, must, same, thread, until, works};
use alloc::format;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::error::Error;
use exo_user::events::{self, CALLER_GONE};
use exo_user::{cpu, info};

const CHILD: u8 = 9;

/// Calls the gate in a slot with one message, which must be answered as it should be.
fn call_once(slot: u8, nonce: u64) -> Verdict {
    let sent = message(nonce);
    let mut registers = sent;
    same("rax", gate::call(slot, &mut registers), 0)?;
    same("the answer", registers, answer(&sent))
}

/// The same, which must fail.
fn call_fails(slot: u8, error: Error) -> Verdict {
    same("rax", gate::call(slot, &mut message(1)), error.number())
}

/// All registers go over and come back, in one exit of the caller's, on the kernel's shortest way and on the longer one.
pub fn calls(boot: &'static BootPage) -> Verdict {
    const CALLS: u64 = 500;
    for (slot, argument) in [(0, 1), (1, 8 + 2)] {
        same("its number", gate::make(boot, echo, argument, slot)?, argument % 8)?;
        for interrupts in [false, true] {
            if interrupts {
                cpu::enable_interrupts();
            }
            let (verdict, exits) = exits::during(|| (0..CALLS).try_for_each(|nonce| call_once(slot, nonce)));
            verdict?;
            same("VMCALLs", exits.of(exits::reason::VMCALL), CALLS)?;
            same("the caller", CALLER.load(Ordering::SeqCst), info::own_id().argument())?;
            cpu::disable_interrupts();
        }
        let answered = ANSWERED[usize::try_from(argument % 8).unwrap_or(0)].load(Ordering::SeqCst);
        same("answers", answered, CALLS * 2)?;
    }
    // A gate that has been unbound, or never was bound.
    works(Call::GateUnbind, (0, 0), &[0])?;
    call_fails(0, Error::NoSuchGate)?;
    call_fails(63, Error::NoSuchGate)?;
    call_once(1, 1)
}

/// Passes on what it is asked through another gate, and its answer back.
extern "C" fn pass_on(_: u64, slot: u64) -> ! {
    let slot = u8::try_from(slot).unwrap_or(0);
    let mut registers = [0; 14];
    loop {
        gate::reply(&mut registers);
        if gate::call(slot, &mut registers) != 0 {
            registers = [u64::MAX; 14];
        }
    }
}

/// A chain of three; nobody in it can be called again, and nobody else is served meanwhile.
pub fn nested(boot: &'static BootPage) -> Verdict {
    gate::make(boot, echo, 1, 1)?;
    gate::make(boot, pass_on, 1, 2)?;
    gate::make(boot, pass_on, 2, 3)?;
    (0..100).try_for_each(|nonce| call_once(3, nonce))?;
    // One that calls itself gets its error, and says so.
    let own = gate::make(boot, pass_on, 4, 4)?;
    let mut registers = message(5);
    same("rax", gate::call(4, &mut registers), 0)?;
    same("its own answer", registers, [u64::MAX; 14])?;
    let record = info::environment(info::own_id()).ok_or("no record")?;
    same("virtual CPUs", u64::from(record.vcpus), own + 1)
}

static MESSAGES: AtomicU64 = AtomicU64::new(0);

/// Adds up what it is sent.
extern "C" fn add(page: u64, _: u64) -> ! {
    let mut registers = [0; 14];
    loop {
        if gate::reply(&mut registers) >> 32 == 0 {
            thread::rest(page);
        }
        MESSAGES.fetch_add(registers[0], Ordering::SeqCst);
    }
}

/// Messages that nobody answers, to this CPU and to another one.
pub fn one_way(boot: &'static BootPage) -> Verdict {
    let other = thread::other_cpu(boot.cpu);
    let number = thread::run(other, add, 0)?;
    works(Call::GateOpen, (OWN, 0), &[number])?;
    works(Call::GateBind, (OWN, 0), &[0, number, 0])?;
    let here = gate::make(boot, add, 0, 1)?;
    thread::give_time(boot.cpu, here)?;
    let mut sum = 0;
    for nonce in 1..=50 {
        for slot in [0, 1] {
            until("there is room for a message", || gate::send(slot, &mut [nonce; 14]) == 0)?;
            sum += nonce;
        }
    }
    until("all messages have come", || MESSAGES.load(Ordering::SeqCst) == sum)?;
    if other == boot.cpu {
        return Ok(());
    }
    same("a call to another CPU", gate::call(0, &mut [0; 14]), Error::GateElsewhere.number())
}

static SPIN: AtomicU64 = AtomicU64::new(0);

/// Answers like `echo`, but not while it is told to wait.
extern "C" fn slow(page: u64, _: u64) -> ! {
    let mut registers = [0; 14];
    loop {
        if gate::reply(&mut registers) >> 32 == 0 {
            thread::rest(page);
        }
        while SPIN.load(Ordering::SeqCst) != 0 {
            core::hint::spin_loop();
        }
        registers = answer(&registers);
    }
}

/// A caller that waits no longer than it wants to, and a gate that goes on by itself when it is left alone.
pub fn limits(boot: &'static BootPage) -> Verdict {
    let number = gate::make(boot, slow, 0, 0)?;
    works(Call::SetCallLimit, (0, 0), &[boot.slice_ticks * 3])?;
    call_once(0, 1)?;
    SPIN.store(1, Ordering::SeqCst);
    for _ in 0..3 {
        let begin = cpu::read_tsc();
        call_fails(0, Error::CallExpired)?;
        must("it waited that long", cpu::read_tsc() - begin >= boot.slice_ticks * 3)?;
        events::poll();
        same("the event", events::take_noted(CALLER_GONE), CALLER_GONE)?;
        call_fails(0, Error::GateBusy)?;
        SPIN.store(0, Ordering::SeqCst);
        gate::give(number)?;
        call_once(0, 2)?;
        SPIN.store(1, Ordering::SeqCst);
    }
    // Without a limit the chain goes on over many slices, until somebody lets it.
    works(Call::SetCallLimit, (0, 0), &[0])?;
    thread::run(boot.cpu, let_go, boot.slice_ticks * 10)?;
    call_once(0, 3)
}

extern "C" fn let_go(page: u64, ticks: u64) -> ! {
    let begin = cpu::read_tsc();
    while cpu::read_tsc() - begin < ticks {
        ask(Call::Yield, (0, 0), &[]);
    }
    SPIN.store(0, Ordering::SeqCst);
    thread::rest(page)
}

/// What the caller that is given up finds.
static STATUS: AtomicU64 = AtomicU64::new(0);

extern "C" fn call_in_vain(page: u64, slot: u64) -> ! {
    STATUS.store(gate::call(u8::try_from(slot).unwrap_or(0), &mut message(1)), Ordering::SeqCst);
    thread::rest(page)
}

/// A server gives up a call that its gate serves, and the gate serves others.
pub fn release(boot: &'static BootPage) -> Verdict {
    let number = gate::make(boot, slow, 0, 0)?;
    fails(Call::GateRelease, (0, 0), &[number], Error::NotServing)?;
    SPIN.store(1, Ordering::SeqCst);
    STATUS.store(u64::MAX, Ordering::SeqCst);
    thread::run(boot.cpu, call_in_vain, 0)?;
    until("the gate is called", || ask(Call::GateRelease, (0, 0), &[number]).code == 0)?;
    until("the caller goes on", || STATUS.load(Ordering::SeqCst) != u64::MAX)?;
    same("what it finds", STATUS.load(Ordering::SeqCst), Error::CallRefused.number())?;
    call_fails(0, Error::GateBusy)?;
    SPIN.store(0, Ordering::SeqCst);
    gate::give(number)?;
    call_once(0, 4)
}

/// Opens its first virtual CPU and answers.
extern "C" fn child_server(page: u64, argument: u64) -> ! {
    ask(Call::GateOpen, (OWN, 0), &[0]);
    match argument & 16 {
        0 => echo(page, argument),
        _ => slow(page, argument),
    }
}

/// A child as the server: called, closed, stopped, and ended while it serves.
pub fn server(boot: &'static BootPage) -> Verdict {
    child::derive(CHILD, 1)?;
    let server = Child::new(boot, CHILD)?;
    let name = server.id.argument();
    server.vcpu(boot.cpu, child_server, 8 + 3)?;
    fails(Call::GateBind, (CHILD, 0), &[name, 0, 0], Error::NoSuchGate)?;
    server.start()?;
    until("the child has opened its gate", || ask(Call::GateBind, (CHILD, 0), &[name, 0, 0]).code == 0)?;
    until("the child waits", || gate::call(0, &mut [0; 14]) == 0)?;
    cpu::enable_interrupts();
    (0..100).try_for_each(|nonce| call_once(0, nonce))?;
    works(Call::EnvironmentStop, (CHILD, 0), &[name])?;
    call_fails(0, Error::GateStopped)?;
    server.start()?;
    call_once(0, 5)?;
    works(Call::EnvironmentDestroy, (CHILD, 0), &[name])?;
    call_fails(0, Error::NoSuchGate)?;
    until("the child has ended", || server.has_ended())?;
    // Another one, which never answers; somebody ends it meanwhile.
    let other = Child::new(boot, CHILD)?;
    let name = other.id.argument();
    other.vcpu(boot.cpu, child_server, 16)?;
    other.start()?;
    until("the child has opened its gate", || ask(Call::GateBind, (CHILD, 0), &[name, 0, 0]).code == 0)?;
    until("the child waits", || gate::call(0, &mut [0; 14]) == 0)?;
    SPIN.store(1, Ordering::SeqCst);
    thread::run(boot.cpu, destroy, name)?;
    call_fails(0, Error::CalleeEnded)?;
    until("the other child has ended", || other.has_ended()).map_err(|error| format!("{error}: {name:x}"))
}

extern "C" fn destroy(page: u64, name: u64) -> ! {
    for _ in 0..5 {
        ask(Call::Yield, (0, 0), &[]);
    }
    ask(Call::EnvironmentDestroy, (CHILD, 0), &[name]);
    thread::rest(page)
}
