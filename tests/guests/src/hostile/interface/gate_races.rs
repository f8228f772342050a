//! Both sides of calls through gates end in the middle of it.

use super::{Case, EXITS, Verdict};
use crate::kit::child::{self, Child};
use crate::kit::{OWN, must, thread, until, works};
use alloc::format;
use alloc::string::String;
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::{Call, Request};
use exo_user::abi::capability::rights;
use exo_user::abi::error::Error;
use exo_user::cpu;

pub const CASES: &[Case] = &[
    Case::new("gate-ends", EXITS, ends, "ends or stops either side of calls between two children, at any moment"),
    Case::new("gate-rebound", EXITS, rebound, "binds and unbinds the gate while another virtual CPU calls through it"),
];

/// Slots of the parent's, one for each child.
const SERVER: u8 = 9;
const CLIENT: u8 = 10;
/// Where a client has what allows it to call.
const TICKET: u8 = 2;
/// The gate slot.
pub(super) const GATE: u64 = 3;

/// Makes a call of which every register may be changed.
pub(super) fn transfer(word: u64) -> u64 {
    let status;
    // SAFETY: what the other side may change is declared or kept on the stack; the children share all memory anyhow.
    unsafe {
        asm!(
            "push rbx",
            "push rbp",
            "vmcall",
            "pop rbp",
            "pop rbx",
            inlateout("rax") word => status,
            out("rdi") _, out("rsi") _, out("rdx") _, out("rcx") _, out("r8") _, out("r9") _, out("r10") _,
            out("r11") _, out("r12") _, out("r13") _, out("r14") _, out("r15") _,
        );
    }
    status
}

pub(super) fn word(call: Call, credential: u8) -> u64 {
    Request { number: call as u16, credential, second: 0 }.to_word()
}

static ANSWERED: AtomicU64 = AtomicU64::new(0);

/// Answers for ever.
extern "C" fn serve(page: u64, _: u64) -> ! {
    thread::mask_all(page);
    crate::kit::ask(Call::GateOpen, (OWN, 0), &[0]);
    cpu::enable_interrupts();
    loop {
        transfer(word(Call::GateReply, 0));
        // Long enough to be ended in.
        (0..20).for_each(|_| core::hint::spin_loop());
    }
}

/// What the two sides share.
pub(super) struct Side;

impl Side {
    /// A server's name with a small number, for a client's argument.
    pub(super) fn with(server: &Child, number: u64) -> u64 {
        server.id.argument() | number << 16
    }

    /// The name and the number.
    pub(super) const fn parts(argument: u64) -> (u64, u64) {
        (argument & !0xffff_0000, argument >> 16 & 0xffff)
    }

    /// The names of children, in slots of the parent's.
    pub(super) fn names() -> Verdict {
        child::derive(SERVER, 1)?;
        child::derive(CLIENT, 2).map(drop)
    }

    /// Calls for ever, whatever comes of it.
    pub(super) fn call_for_ever(server: u64, mut after: impl FnMut()) -> ! {
        loop {
            crate::kit::ask(Call::GateBind, (TICKET, 0), &[server, 0, GATE]);
            let mut status = 0;
            while status == 0 {
                status = transfer(Call::GateCall as u64 | GATE << 16);
                after();
                ANSWERED.fetch_add(u64::from(status == 0), Ordering::SeqCst);
            }
            if status == Error::NoSuchGate.number() {
                crate::kit::ask(Call::Yield, (0, 0), &[]);
            }
        }
    }
}

/// Calls that were answered.
pub(super) fn answers() -> u64 {
    ANSWERED.load(Ordering::SeqCst)
}

extern "C" fn call(page: u64, server: u64) -> ! {
    thread::mask_all(page);
    cpu::enable_interrupts();
    Side::call_for_ever(server, || ())
}

/// A child whose virtual CPU 0 makes itself a gate.
pub(super) fn server_of(boot: &'static BootPage, cpu: u32, body: thread::Body, argument: u64) -> Result<Child, String> {
    let child = Child::new(boot, SERVER)?;
    child.vcpu(cpu, body, argument)?;
    child.start()?;
    Ok(child)
}

/// A child that may call it.
pub(super) fn client_of(
    boot: &'static BootPage,
    cpu: u32,
    server: &Child,
    body: thread::Body,
    argument: u64,
) -> Result<Child, String> {
    let child = Child::new(boot, CLIENT)?;
    works(Call::CapabilityGrant, (server.authority, CLIENT), &[child.id.argument(), TICKET.into(), rights::CALL])?;
    child.vcpu(cpu, body, argument)?;
    child.start()?;
    Ok(child)
}

fn server(boot: &'static BootPage, cpu: u32) -> Result<Child, String> {
    server_of(boot, cpu, serve, 0)
}

fn client(boot: &'static BootPage, cpu: u32, server: &Child) -> Result<Child, String> {
    client_of(boot, cpu, server, call, server.id.argument())
}

fn answers_come(what: &str) -> Verdict {
    let before = ANSWERED.load(Ordering::SeqCst);
    until(what, || ANSWERED.load(Ordering::SeqCst) > before + 2)
}

pub(super) fn end(child: &Child) -> Verdict {
    works(Call::EnvironmentDestroy, (child.authority, 0), &[child.id.argument()])?;
    until("the child has ended", || child.has_ended())?;
    works(Call::EnvironmentForget, (child.authority, 0), &[child.id.argument()]).map(drop)
}

/// Some time, different in each round.
fn wait(boot: &BootPage, round: u64) {
    let ticks = (round.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32) % (boot.slice_ticks / 4);
    let begin = cpu::read_tsc();
    while cpu::read_tsc() - begin < ticks {
        core::hint::spin_loop();
    }
}

fn ends(boot: &'static BootPage) -> Verdict {
    Side::names()?;
    let cpu = thread::other_cpu(boot.cpu);
    for round in 0..16 {
        let one = server(boot, cpu)?;
        let other = client(boot, cpu, &one)?;
        answers_come("the gate answers")?;
        wait(boot, round);
        match round % 4 {
            0 => {
                // Whoever served it when it ended serves the next one.
                end(&other)?;
                let next = client(boot, cpu, &one)?;
                answers_come("the gate answers the next client")?;
                end(&next)?;
                end(&one)?;
            }
            1 => {
                end(&one)?;
                wait(boot, round + 100);
                end(&other)?;
            }
            2 => {
                works(Call::EnvironmentStop, (SERVER, 0), &[one.id.argument()])?;
                let before = ANSWERED.load(Ordering::SeqCst);
                wait(boot, round + 100);
                // One that was given before may not have been counted yet.
                must("a stopped gate gives no answers", ANSWERED.load(Ordering::SeqCst) <= before + 1)?;
                works(Call::EnvironmentStart, (SERVER, 0), &[one.id.argument()])?;
                answers_come("the gate answers again")?;
                works(Call::EnvironmentStop, (CLIENT, 0), &[other.id.argument()])?;
                end(&one)?;
                end(&other)?;
            }
            _ => {
                works(Call::EnvironmentDestroy, (CLIENT, 0), &[other.id.argument()])?;
                works(Call::EnvironmentDestroy, (SERVER, 0), &[one.id.argument()])?;
                until("both have ended", || one.has_ended() && other.has_ended())?;
                works(Call::EnvironmentForget, (CLIENT, 0), &[other.id.argument()])?;
                works(Call::EnvironmentForget, (SERVER, 0), &[one.id.argument()])?;
            }
        }
    }
    exo_user::println!("{} answers", ANSWERED.load(Ordering::SeqCst));
    Ok(())
}

/// A second virtual CPU of the client's, on the parent's CPU.
extern "C" fn rebind(page: u64, server: u64) -> ! {
    thread::mask_all(page);
    loop {
        crate::kit::ask(Call::GateUnbind, (0, 0), &[GATE]);
        crate::kit::ask(Call::GateBind, (TICKET, 0), &[server, 0, GATE]);
    }
}

fn rebound(boot: &'static BootPage) -> Verdict {
    Side::names()?;
    let cpu = thread::other_cpu(boot.cpu);
    for round in 0..6 {
        let one = server(boot, cpu)?;
        let other = client(boot, cpu, &one)?;
        other.vcpu(boot.cpu, rebind, one.id.argument())?;
        answers_come("the gate answers")?;
        wait(boot, round);
        let (first, last) = if round % 2 == 0 { (&one, &other) } else { (&other, &one) };
        end(first).map_err(|error| format!("round {round}: {error}"))?;
        end(last)?;
    }
    exo_user::println!("{} answers", ANSWERED.load(Ordering::SeqCst));
    Ok(())
}
