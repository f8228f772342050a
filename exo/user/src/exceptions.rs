//! Exceptions of the environment's own code and of its programs in ring 3, without the kernel.
//!
//! [`handle`] takes an exception by its type, with the least work: [`handle_fully`] and [`set_handler`] see all registers and can switch to
//! another context. A handler may fault itself, [`LEVELS`] deep: each has a stack of its own of [`STACK_BYTES`], and nothing is pushed on
//! the stack of the interrupted code, whatever its ring. A handler that overflows its stack is a page fault like any other, on the
//! next stack; beyond the last there is a double fault, which says so and ends the environment.
//!
//! The stacks are mapped in the page tables that were in force when the virtual CPU was made. Whoever makes others keeps the
//! top-level entry of the first stack in them, as that of the window.

mod entry;
mod frame;
mod local;
pub(crate) mod stacks;
mod table;
#[cfg(test)]
mod tests;
mod typed;

pub use frame::{ExceptionFrame, Interrupted};
pub use stacks::{LEVELS, STACK_BYTES};
pub use table::load;
pub use typed::{
    Access, AlignmentCheck, Breakpoint, DeviceNotAvailable, DivideError, Exception, ForeignAccess, GeneralProtection,
    InvalidOpcode, PageFault, SegmentNotPresent, StackFault, handle, handle_fully,
};

use crate::{STATUS_EXCEPTION, call, console, eprintln};
use core::fmt;
use core::mem::transmute;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};
use local::Local;

/// The vector that ring 3 may raise with `INT`, beside breakpoint and overflow.
pub const USER_VECTOR: u8 = 0x80;

/// Vectors by name.
pub mod vector {
    #![allow(missing_docs)] // the names are the manual's
    pub const DIVIDE: u8 = 0;
    pub const DEBUG: u8 = 1;
    pub const NMI: u8 = 2;
    pub const BREAKPOINT: u8 = 3;
    pub const OVERFLOW: u8 = 4;
    pub const INVALID_OPCODE: u8 = 6;
    pub const DEVICE_NOT_AVAILABLE: u8 = 7;
    pub const DOUBLE_FAULT: u8 = 8;
    pub const INVALID_TSS: u8 = 10;
    pub const SEGMENT_NOT_PRESENT: u8 = 11;
    pub const STACK_FAULT: u8 = 12;
    pub const GENERAL_PROTECTION: u8 = 13;
    pub const PAGE_FAULT: u8 = 14;
    pub const ALIGNMENT_CHECK: u8 = 17;
    pub const MACHINE_CHECK: u8 = 18;
}

/// A handler of the full kind. It runs with interrupts off; returning resumes what the frame says.
pub type Handler = fn(&mut ExceptionFrame);

static HANDLERS: [AtomicPtr<()>; 256] = [const { AtomicPtr::new(null_mut()) }; 256];

/// Makes `handler` take this vector on every virtual CPU from now on.
pub fn set_handler(vector: u8, handler: Handler) {
    HANDLERS[usize::from(vector)].store(handler as *mut (), Ordering::Release);
    table::lead_to_full(vector);
}

/// Prints the registers and ends the environment: what happens to a vector without a handler.
pub fn fatal(frame: &mut ExceptionFrame) {
    console::flush();
    eprintln!("{frame}");
    end(frame.vector)
}

/// The same for a handler of the fast kind that cannot go on.
pub fn give_up<E: Exception + fmt::Debug>(exception: E, interrupted: &Interrupted) -> ! {
    console::flush();
    eprintln!("{exception:x?} at rip {:016x}, rsp {:016x}", interrupted.rip, interrupted.rsp());
    end(E::VECTOR.into())
}

/// Says what the vector alone does not, and ends the environment.
fn end(vector: u64) -> ! {
    // SAFETY: no exception comes before the area is there.
    let depth = unsafe { Local::current() }.depth();
    if vector == u64::from(vector::DOUBLE_FAULT) && depth > LEVELS {
        eprintln!("the stacks of exceptions are exhausted: {LEVELS} are nested");
    } else if vector == u64::from(vector::PAGE_FAULT) && stacks::overflowed() {
        eprintln!("the stack of an exception's handler is exhausted");
    }
    console::flush();
    call::exit(STATUS_EXCEPTION)
}

fn run_handler(frame: &mut ExceptionFrame) {
    let slot = usize::try_from(frame.vector).ok().and_then(|vector| HANDLERS.get(vector));
    let handler = slot.map_or(null_mut(), |slot| slot.load(Ordering::Acquire));
    if handler.is_null() {
        fatal(frame);
    } else {
        // SAFETY: only `set_handler` stores into the table, and it stores a `Handler`.
        unsafe { transmute::<*mut (), Handler>(handler)(frame) }
    }
}

/// The stubs enter here with the frame that they and the CPU pushed, the common pointer moved to the next stack. They move it back.
extern "C" fn dispatch(frame: &mut ExceptionFrame) {
    let (rsp, from_ring_3) = (frame.rsp, frame.is_ring_3());
    run_handler(frame);
    // Nothing of ring 3 lies on the stacks of an area, wherever it goes on.
    if frame.rsp != rsp && !(from_ring_3 && frame.is_ring_3()) {
        // SAFETY: the frame lies on a stack of an area.
        let local = unsafe { Local::of(frame) };
        local.continue_on(frame.rsp);
        // The stub will move it up.
        local.lower_main();
    }
}

/// The same for the vectors with stacks of their own, with no pointer moved.
extern "C" fn dispatch_special(frame: &mut ExceptionFrame) {
    let own = match u8::try_from(frame.vector) {
        Ok(vector::NMI) => stacks::NMI,
        Ok(vector::MACHINE_CHECK) => stacks::MACHINE_CHECK,
        Ok(vector::DEBUG) => stacks::DEBUG,
        _ => stacks::DOUBLE_FAULT,
    };
    // SAFETY: the frame lies on a stack of an area.
    let local = unsafe { Local::of(frame) };
    local.enter(own);
    let rsp = frame.rsp;
    run_handler(frame);
    if frame.rsp == rsp {
        local.leave(own);
    } else {
        local.continue_on(frame.rsp);
    }
}
