//! Exceptions and events as signals.

use crate::{Error, Meter, checked, row};
use measure::appel_li::{self, Raise};
use measure::{Plan, returning};
use std::ffi::CStr;
use std::sync::atomic::{AtomicU64, Ordering};

/// A handler that sees what it interrupted.
pub type Handler = extern "C" fn(i32, *mut libc::siginfo_t, *mut libc::c_void);

/// Takes a signal from now on.
pub fn handle(signal: i32, handler: Handler) -> Result<(), Error> {
    // SAFETY: all zeroes is a value of this type: no flags, an empty mask.
    let mut action: libc::sigaction = unsafe { std::mem::zeroed() };
    action.sa_sigaction = handler as usize;
    action.sa_flags = libc::SA_SIGINFO;
    // SAFETY: the handlers of this program touch atomics and their own arguments only.
    checked(unsafe { libc::sigaction(signal, &raw const action, std::ptr::null_mut()) }, "sigaction").map(drop)
}

/// Ends the program from within a handler.
pub fn fatal(why: &CStr) -> ! {
    crate::machine::print(format_args!("linux-bench failed: {}", why.to_string_lossy()));
    std::process::abort()
}

/// What is on its way to a handler, and what has come.
static SENT: AtomicU64 = AtomicU64::new(0);
static TAKEN: AtomicU64 = AtomicU64::new(0);

extern "C" fn on_exception(_: i32, _: *mut libc::siginfo_t, context: *mut libc::c_void) {
    const UD2_BYTES: i64 = 2;
    TAKEN.store(SENT.load(Ordering::Relaxed), Ordering::Relaxed);
    // SAFETY: the kernel passes it for a handler with SA_SIGINFO; nobody else has it.
    unsafe { (*context.cast::<libc::ucontext_t>()).uc_mcontext.gregs[libc::REG_RIP as usize] += UD2_BYTES };
}

extern "C" fn on_event(_: i32, _: *mut libc::siginfo_t, _: *mut libc::c_void) {
    TAKEN.store(SENT.load(Ordering::Relaxed), Ordering::Relaxed);
}

struct InvalidOpcode;

impl Raise for InvalidOpcode {
    fn prepare(&mut self, nonce: u64) {
        SENT.store(nonce, Ordering::Relaxed);
    }

    #[inline(always)]
    fn raise(&mut self) {
        // SAFETY: the handler goes on behind the instruction.
        unsafe { std::arch::asm!("ud2", options(nostack, preserves_flags)) };
    }

    fn taken(&self) -> u64 {
        TAKEN.load(Ordering::Relaxed)
    }
}

/// An exception that becomes a signal: it comes from ring 3, and the handler's return is a system call.
pub fn fault() -> Plan {
    Plan::default().with_rings(1).with_exceptions(1)
}

/// `exception`: an invalid opcode, its signal, and on behind it.
pub fn exception(meter: &mut Meter) -> Result<(), Error> {
    handle(libc::SIGILL, on_exception)?;
    row(appel_li::exception(meter, &fault(), &mut InvalidOpcode))
}

/// `event`: a signal to oneself.
pub fn event(meter: &mut Meter) -> Result<(), Error> {
    handle(libc::SIGUSR1, on_event)?;
    // SAFETY: no memory is involved.
    let own = unsafe { libc::getpid() };
    let send = |_| {
        // SAFETY: the signal has a handler.
        unsafe { libc::kill(own, libc::SIGUSR1) };
        TAKEN.load(Ordering::Relaxed)
    };
    row(meter.row(
        "event",
        &Plan::default().with_rings(2),
        &mut returning(|nonce| SENT.store(nonce, Ordering::Relaxed), send),
    ))
}
