//! Exceptions and interrupts of programs.

use super::context::Registers;
use super::{end_if_over, entry, unix};
use crate::memory::{Access, Fault, FaultCode, USER_END};
use crate::process::Thread;
use crate::signal::{Information, Signal, code};
use crate::unix::Unix;
use alloc::rc::Rc;
use exo_user::cpu;
use exo_user::events;
use exo_user::exceptions::{self, set_handler, vector};

/// The vector on which the kernel's events come.
const EVENTS: u8 = 0x40;

pub(super) fn install() {
    set_handler(vector::PAGE_FAULT, on_page_fault);
    for (vector, handler) in [
        (vector::DIVIDE, on_fault as exceptions::Handler),
        (vector::DEBUG, on_fault),
        (vector::BREAKPOINT, on_fault),
        (vector::OVERFLOW, on_fault),
        (5, on_fault),
        (vector::INVALID_OPCODE, on_fault),
        (vector::DEVICE_NOT_AVAILABLE, on_fault),
        (vector::SEGMENT_NOT_PRESENT, on_fault),
        (vector::STACK_FAULT, on_fault),
        (vector::GENERAL_PROTECTION, on_fault),
        (16, on_fault),
        (vector::ALIGNMENT_CHECK, on_fault),
        (19, on_fault),
        (exceptions::USER_VECTOR, on_fault),
    ] {
        set_handler(vector, handler);
    }
    events::set_handler(events::SLICE_BEGIN, on_event);
    events::set_handler(events::TIMER, on_event);
    events::set_handler(events::NOTIFICATION, on_event);
    events::set_handler(events::REVOCATION, on_event);
    events::set_handler(events::INPUT, on_input);
    events::set_vector(EVENTS);
}

/// Something has come from outside. Where a program was interrupted, whoever else can run has the CPU next.
fn on_event(upcall: &mut events::Upcall<'_>) {
    unix().preempt();
    if let Some(frame) = upcall.frame.as_deref_mut().filter(|frame| frame.is_ring_3()) {
        go_on(frame, |_, _| {});
    }
}

fn on_input(upcall: &mut events::Upcall<'_>) {
    unix().input_came.set(true);
    on_event(upcall);
}

/// A program has done something for which it gets a signal: its handler is next, if nothing else is.
fn signal(frame: &mut Registers, fault: [u64; 3], information: Information) {
    let system = unix();
    let Some(thread) = system.current() else { return exceptions::fatal(frame) };
    thread.fault.set(fault);
    if !system.force_at_once(&thread, frame, &information) {
        system.force(&thread, information);
    }
    if system.attention.get() {
        go_on(frame, |_, _| {});
    }
}

/// A program was interrupted: takes its registers, does something about it, and has the library OS go on with whoever is next, on its own
/// stack.
fn go_on(frame: &mut Registers, work: impl FnOnce(&Unix, &Rc<Thread>)) {
    let system = unix();
    let Some(thread) = system.current() else { return exceptions::fatal(frame) };
    thread.context.set_registers(frame);
    work(system, &thread);
    *frame = entry::on_own_stack(after_trap);
}

extern "C" fn after_trap() -> ! {
    unix().settle();
    end_if_over();
    entry::leave()
}

fn on_page_fault(frame: &mut Registers) {
    const WRITE: u64 = 2;
    const FETCH: u64 = 16;
    let address = cpu::read_cr2();
    if !frame.is_ring_3() {
        return exceptions::fatal(frame);
    }
    let access = if frame.error_code & FETCH != 0 {
        Access::Execute
    } else if frame.error_code & WRITE != 0 {
        Access::Write
    } else {
        Access::Read
    };
    let system = unix();
    if let Err(fault) = system.fault(address, access) {
        let words = [vector::PAGE_FAULT.into(), shown_error_code(frame.error_code, fault), address];
        match information_of_fault(fault) {
            Some(information) => signal(frame, words, information),
            None => go_on(frame, Unix::out_of_memory),
        }
    }
}

/// The error code of a fault as Linux would show it: of the upper half nothing is told, and pages that may not be touched are not
/// there.
const fn shown_error_code(error_code: u64, fault: Fault) -> u64 {
    const PRESENT: u64 = 1;
    match fault.code {
        _ if fault.address >= USER_END => error_code | PRESENT,
        FaultCode::Untouchable => error_code & !PRESENT,
        _ => error_code,
    }
}

/// What a program is told of an access that cannot be made good; `None` where there is no memory for it.
fn information_of_fault(fault: Fault) -> Option<Information> {
    let (signal, code) = match fault.code {
        FaultCode::NotMapped => (Signal::SEGMENT, code::SEGV_MAPERR),
        FaultCode::NotAllowed | FaultCode::Untouchable => (Signal::SEGMENT, code::SEGV_ACCERR),
        FaultCode::BeyondFile => (Signal::BUS, code::BUS_ADRERR),
        FaultCode::OutOfMemory => return None,
    };
    Some(Information::fault(signal, code, fault.address))
}

fn on_fault(frame: &mut Registers) {
    if !frame.is_ring_3() {
        return exceptions::fatal(frame);
    }
    let (number, error_code, rip) = (frame.vector, frame.error_code, frame.rip);
    signal(frame, [number, error_code, 0], information(number as u8, rip));
}

/// What a program is told of its own exception (Linux, `arch/x86/kernel/traps.c`).
fn information(number: u8, rip: u64) -> Information {
    match number {
        vector::DIVIDE => Information::fault(Signal::ARITHMETIC, code::FPE_INTDIV, rip),
        vector::DEBUG => Information::fault(Signal::TRAP, code::TRAP_TRACE, rip),
        vector::BREAKPOINT => Information::kernel(Signal::TRAP),
        vector::INVALID_OPCODE => Information::fault(Signal::ILLEGAL, code::ILL_ILLOPN, rip),
        16 | 19 => Information::fault(Signal::ARITHMETIC, float_code(number), rip),
        vector::STACK_FAULT => Information::kernel(Signal::BUS),
        vector::ALIGNMENT_CHECK => Information::fault(Signal::BUS, code::BUS_ADRALN, 0),
        _ => Information::kernel(Signal::SEGMENT),
    }
}

/// Which floating-point exception it was: the flags that are raised and not masked.
fn float_code(number: u8) -> i32 {
    let raised = if number == 16 {
        let (mut status, mut control) = (0_u16, 0_u16);
        // SAFETY: both store two bytes.
        unsafe {
            core::arch::asm!("fnstsw [{}]", "fnstcw [{}]", in(reg) &raw mut status, in(reg) &raw mut control, options(nostack));
        }
        u32::from(status & !control)
    } else {
        let mut mxcsr = 0_u32;
        // SAFETY: stores four bytes.
        unsafe { core::arch::asm!("stmxcsr [{}]", in(reg) &raw mut mxcsr, options(nostack)) };
        mxcsr & !(mxcsr >> 7)
    };
    match raised & 0x3f {
        raised if raised & 1 != 0 => code::FPE_FLTINV,
        raised if raised & 4 != 0 => code::FPE_FLTDIV,
        raised if raised & 8 != 0 => code::FPE_FLTOVF,
        raised if raised & 0x12 != 0 => code::FPE_FLTUND,
        raised if raised & 0x20 != 0 => code::FPE_FLTRES,
        _ => 0,
    }
}
