//! Gates that are forged, answered by the wrong one, and called from where nobody may call.

use super::{Case, EXITS, Verdict};
use crate::kit::gate::{self, answer, echo, message};
use crate::kit::neighbour::witness;
use crate::kit::{OWN, ask, fails, fails_at, must, same, thread, works};
use crate::{code, user_mode};
use alloc::format;
use core::arch::asm;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::abi::call::Call;
use exo_user::abi::capability::rights;
use exo_user::abi::error::Error;
use exo_user::cpu;
use exo_user::exceptions::{self, vector};

pub const CASES: &[Case] = &[
    Case::new("gate-forgery", EXITS, forgery, "calls and binds gates that are not there or not for it"),
    Case::new("gate-ring3", EXITS, ring3, "has a ring-3 program call and reply with its library OS's authority"),
    Case::new(
        "gate-flags",
        EXITS,
        flags,
        "calls and replies single-stepping, with interrupts off and in the shadow of STI",
    ),
    Case::new(
        "reply-hijack",
        EXITS,
        hijack,
        "has a gate answer whom it does not serve, and one that has given up on it",
    ),
];

fn call_once(slot: u8, nonce: u64) -> Verdict {
    let sent = message(nonce);
    let mut registers = sent;
    same("rax", gate::call(slot, &mut registers), 0)?;
    same("the answer", registers, answer(&sent))
}

fn forgery(boot: &'static BootPage) -> Verdict {
    let other = witness()?;
    let echoing = gate::make(boot, echo, 1, 5)?;
    for slot in (0..=255).filter(|&slot| slot != 5) {
        let mut registers = message(slot.into());
        same("rax", gate::call(slot, &mut registers), Error::NoSuchGate.number())?;
        same("the detail", registers[1], slot.into())?;
        same("rax", gate::send(slot, &mut message(0)), Error::NoSuchGate.number())?;
        fails_at(Call::GateUnbind, (0, 0), &[slot.into()], Error::NoSuchGate, slot.into())?;
    }
    // A second credential, and bits that mean nothing.
    fails(Call::GateCall, (5, 1), &[], Error::BadArgument)?;
    for word in [1_u64 << 32, 1 << 63, u64::MAX << 32] {
        // SAFETY: the call is refused.
        let reply = unsafe { exo_user::call::raw(word | 5 << 16 | Call::GateCall as u64, [0; 6]) };
        same("rax", reply.code, Error::UnknownCall.number())?;
    }
    fails(Call::GateReply, (0, 0), &[], Error::NoSuchGate)?;
    // The witness's virtual CPUs are no gates, and this environment's name does not dominate them.
    fails(Call::GateBind, (OWN, 0), &[other.argument(), 0, 1], Error::NoSuchGate)?;
    fails(Call::GateBind, (OWN, 0), &[other.argument(), 7, 1], Error::NoSuchVcpu)?;
    works(Call::CapabilityDerive, (OWN, 0), &[10, rights::ALL & !rights::CALL, 0, 0])?;
    works(Call::CapabilityDerive, (OWN, 0), &[11, rights::ALL, 1, 1])?;
    fails(Call::GateBind, (10, 0), &[0, echoing, 1], Error::Underprivileged)?;
    fails(Call::GateBind, (11, 0), &[0, echoing, 1], Error::Underprivileged)?;
    fails(Call::GateBind, (40, 0), &[0, echoing, 1], Error::BadSlot)?;
    fails_at(Call::GateBind, (OWN, 0), &[0, echoing, 64], Error::BadSlot, 64)?;
    fails_at(Call::GateBind, (OWN, 0), &[0, echoing, 5], Error::SlotTaken, 5)?;
    fails(Call::GateOpen, (OWN, 0), &[echoing], Error::GateTaken)?;
    fails(Call::GateOpen, (OWN, 0), &[9], Error::NoSuchVcpu)?;
    fails(Call::GateClose, (0, 0), &[0], Error::NoSuchGate)?;
    // A binding ends with its capability.
    works(Call::CapabilityDerive, (OWN, 0), &[12, rights::CALL, 0, 0])?;
    works(Call::GateBind, (12, 0), &[0, echoing, 6])?;
    call_once(6, 1)?;
    same("bindings that ended", works(Call::CapabilityDrop, (0, 0), &[12])?, 1)?;
    same("rax", gate::call(6, &mut message(1)), Error::NoSuchGate.number())?;
    call_once(5, 2)?;
    same("bindings that ended", works(Call::GateClose, (0, 0), &[echoing])?, 1)?;
    same("rax", gate::call(5, &mut message(1)), Error::NoSuchGate.number())
}

fn ring3(boot: &'static BootPage) -> Verdict {
    gate::make(boot, echo, 8 + 1, 0)?;
    cpu::enable_interrupts();
    exceptions::set_handler(vector::INVALID_OPCODE, user_mode::leave);
    for number in [Call::GateCall, Call::GateReply, Call::GateSend] {
        user_mode::load(code!("mov rax, rdi", "vmcall", "int 0x80"))
            .map_err(|error| format!("cannot load: {error}"))?;
        let left = user_mode::run(number as u64, 0);
        same("exception", left.vector, vector::INVALID_OPCODE.into())?;
        same("rax", left.rax, number as u64)?;
    }
    same("answers", gate::ANSWERED[1].load(Ordering::SeqCst), 0)?;
    call_once(0, 1)
}

static STEPS: AtomicU64 = AtomicU64::new(0);

fn step(_: &mut exceptions::ExceptionFrame) {
    STEPS.fetch_add(1, Ordering::SeqCst);
}

/// Calls the gate in slot 0 with these flags, or just after STI; rax and the word that comes back.
fn call_with(flags: u64, after_sti: bool) -> (u64, u64) {
    let (status, word);
    // SAFETY: the callee answers, and may change every register but rsp; rbx and rbp are kept.
    unsafe {
        if after_sti {
            asm!("push rbx", "push rbp", "sti", "vmcall", "cli", "pop rbp", "pop rbx",
                inlateout("rax") Call::GateCall as u64 => status, inlateout("rcx") 5_u64 => word, out("rdx") _, out("rsi") _,
                out("rdi") _, out("r8") _, out("r9") _, out("r10") _, out("r11") _, out("r12") _, out("r13") _, out("r14") _,
                out("r15") _);
        } else {
            asm!("push rbx", "push rbp", "pushfq", "push rdi", "popfq", "vmcall", "popfq", "pop rbp", "pop rbx",
                inlateout("rax") Call::GateCall as u64 => status, inlateout("rcx") 5_u64 => word, out("rdx") _, out("rsi") _,
                inlateout("rdi") flags => _, out("r8") _, out("r9") _, out("r10") _, out("r11") _, out("r12") _, out("r13") _,
                out("r14") _, out("r15") _);
        }
    }
    (status, word)
}

fn flags(boot: &'static BootPage) -> Verdict {
    const FIXED: u64 = 2;
    const TRAP: u64 = 1 << 8;
    const INTERRUPTS: u64 = 1 << 9;
    const ALIGNMENT: u64 = 1 << 18;
    gate::make(boot, echo, 8 + 1, 0)?;
    exceptions::set_handler(vector::DEBUG, step);
    let [answered, ..] = answer(&[5; 14]);
    for flags in [FIXED, FIXED | INTERRUPTS, FIXED | INTERRUPTS | ALIGNMENT, FIXED | 0xcd5] {
        same("rax and the answer", call_with(flags, false), (0, answered))?;
        same("steps", STEPS.load(Ordering::SeqCst), 0)?;
        same("rax and the answer", call_with(0, true), (0, answered))?;
    }
    for flags in [FIXED | TRAP, FIXED | TRAP | INTERRUPTS] {
        STEPS.store(0, Ordering::SeqCst);
        same("rax and the answer", call_with(flags, false), (0, answered))?;
        must("the caller stepped once over the call", STEPS.load(Ordering::SeqCst) >= 1)?;
    }
    same("answers", gate::ANSWERED[1].load(Ordering::SeqCst), 10)
}

static LATE: AtomicU64 = AtomicU64::new(0);

/// Serves its first caller for as long as it likes, and answers nonsense then.
extern "C" fn late(_: u64, _: u64) -> ! {
    let mut registers = [0; 14];
    loop {
        gate::reply(&mut registers);
        while LATE.load(Ordering::SeqCst) == 0 {
            core::hint::spin_loop();
        }
        registers = [0xbad; 14];
    }
}

/// While it is called, has the one that is late answer.
extern "C" fn release(_: u64, number: u64) -> ! {
    let mut registers = [0; 14];
    loop {
        gate::reply(&mut registers);
        LATE.store(1, Ordering::SeqCst);
        // What is left of the slice goes to the one that is late, which replies.
        ask(Call::YieldTo, (0, 0), &[exo_user::info::own_id().argument(), number]);
        registers = answer(&registers);
    }
}

fn hijack(boot: &'static BootPage) -> Verdict {
    let number = gate::make(boot, late, 0, 0)?;
    let releasing = gate::make(boot, release, number, 1)?;
    works(Call::SetCallLimit, (0, 0), &[boot.slice_ticks * 2])?;
    same("rax", gate::call(0, &mut message(1)), Error::CallExpired.number())?;
    works(Call::SetCallLimit, (0, 0), &[0])?;
    // Whom the caller has given up on answers while it waits for another: that answer is nobody's.
    call_once(1, 7)?;
    gate::give(number)?;
    same("what the first one answers now", gate::call(0, &mut message(2)), 0)?;
    // Nobody answers twice: whoever replies waits, and does not run.
    same(
        "a slice for a gate that waits",
        ask(Call::YieldTo, (0, 0), &[own(), releasing]).code,
        Error::NotRunnable.number(),
    )?;
    let position = thread::give_time(boot.cpu, releasing)?;
    (0..20).for_each(|_| exo_user::call::yield_slice());
    works(Call::SliceFree, (OWN, 0), &[boot.cpu.into(), position])?;
    call_once(1, 8)
}

fn own() -> u64 {
    exo_user::info::own_id().argument()
}
