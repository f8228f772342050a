//! Exceptions as types, and handlers that are compiled into their entry.

use super::entry::{FAST, FastEntry, has_error_code};
use super::frame::{ExceptionFrame, Interrupted};
use super::local::Local;
use super::{set_handler, table, vector};
use crate::cpu;
use bitflags::bitflags;
use core::ptr::{NonNull, null_mut};
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};
use exo_abi::fault_page::FAULT_VECTOR;

/// What the stubs of the fast kind call.
pub(super) static FAST_HANDLERS: [AtomicPtr<()>; FAST] = [const { AtomicPtr::new(null_mut()) }; FAST];

/// An exception with what the CPU says of it.
pub trait Exception: Sized {
    /// Its vector.
    const VECTOR: u8;

    /// What the CPU says, given its error code (0 where the exception has none) and the part of memory that the frame lies in. To
    /// be asked for once, before anything else can fault.
    #[doc(hidden)]
    fn read(error_code: u64, local: &Local) -> Self;
}

bitflags! {
    /// The error code of a page fault (SDM Vol. 3, 4.7).
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Access: u64 {
        /// The page is present: what was tried is not allowed. Else nothing is there.
        const PRESENT = 1;
        /// It was a write.
        const WRITE = 1 << 1;
        /// It came from ring 3.
        const USER = 1 << 2;
        /// An entry on the way has a reserved bit set.
        const RESERVED = 1 << 3;
        /// It was an instruction fetch.
        const FETCH = 1 << 4;
        const _ = !0;
    }
}

/// An access that the environment's own page tables do not allow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageFault {
    /// The virtual address that was used.
    pub address: u64,
    /// What was tried.
    pub access: Access,
}

impl Exception for PageFault {
    const VECTOR: u8 = vector::PAGE_FAULT;

    #[inline(always)]
    fn read(error_code: u64, _: &Local) -> Self {
        Self { address: cpu::read_cr2(), access: Access::from_bits_retain(error_code) }
    }
}

macro_rules! exceptions {
    ($($(#[$doc:meta])* $name:ident = $vector:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;

        impl Exception for $name {
            const VECTOR: u8 = vector::$vector;

            #[inline(always)]
            fn read(_: u64, _: &Local) -> Self {
                Self
            }
        }
    )* };
    (with selector: $($(#[$doc:meta])* $name:ident = $vector:ident;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name {
            /// The selector that it is about, with the table that it is from in its lowest three bits (SDM Vol. 3, 6.13), or 0.
            pub selector: u64,
        }

        impl Exception for $name {
            const VECTOR: u8 = vector::$vector;

            #[inline(always)]
            fn read(error_code: u64, _: &Local) -> Self {
                Self { selector: error_code }
            }
        }
    )* };
}

exceptions! {
    /// A division by zero, or with a quotient that does not fit. `rip` is at the instruction.
    DivideError = DIVIDE;
    /// INT3. `rip` is behind it.
    Breakpoint = BREAKPOINT;
    /// An instruction that there is not, or not here. `rip` is at it.
    InvalidOpcode = INVALID_OPCODE;
    /// An instruction for x87 or vectors while CR0.TS is set.
    DeviceNotAvailable = DEVICE_NOT_AVAILABLE;
    /// A misaligned access of ring 3 with alignment checks on.
    AlignmentCheck = ALIGNMENT_CHECK;
}

exceptions! { with selector:
    /// A segment whose descriptor says that it is not present.
    SegmentNotPresent = SEGMENT_NOT_PRESENT;
    /// A stack address that is not canonical, or a stack segment that is not present.
    StackFault = STACK_FAULT;
    /// A violation of protection that has no vector of its own.
    GeneralProtection = GENERAL_PROTECTION;
}

/// An access to memory that the environment does not hold. There are none, but the end, before
/// [`foreign::begin`](crate::foreign::begin).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignAccess {
    /// What was tried: [`READ`](exo_abi::fault_page::READ), [`WRITE`](exo_abi::fault_page::WRITE),
    /// [`EXECUTE`](exo_abi::fault_page::EXECUTE) and further bits.
    pub qualification: u64,
    /// The virtual address that was used.
    pub linear: u64,
    /// The physical address that it led to.
    pub physical: u64,
}

impl Exception for ForeignAccess {
    const VECTOR: u8 = FAULT_VECTOR;

    #[inline(always)]
    fn read(_: u64, local: &Local) -> Self {
        let page = local.fault_page();
        // SAFETY: the page is this virtual CPU's fault page, in the window for good. CPU or kernel write it, but not while it is
        // busy, which it is from before this vector was raised to the last line, which nothing of the rest comes after.
        unsafe {
            let access =
                Self { qualification: (*page).qualification, linear: (*page).linear, physical: (*page).physical };
            AtomicU32::from_ptr(&raw mut (*page).busy).store(0, Ordering::Release);
            access
        }
    }
}

/// A value of a type that has only one.
///
/// # Safety
/// There has been one.
#[inline(always)]
unsafe fn only_value<F: Copy>() -> F {
    // SAFETY: the caller promises that such values exist; without bytes, one is as good as another.
    unsafe { NonNull::<F>::dangling().read() }
}

extern "C" fn enter_fast<E: Exception, F: Fn(E, &mut Interrupted) + Copy>(frame: *mut Interrupted) {
    // SAFETY: (1) the stub's frame lies on a stack of an area, and nobody else uses it; (2) where there is an error code the CPU pushed it
    // last, below the rest; (3) `handle` was given an `F`.
    let (interrupted, error_code, handler) = unsafe {
        let error_code = if has_error_code(E::VECTOR) { frame.cast::<u64>().sub(1).read() } else { 0 };
        (&mut *frame, error_code, only_value::<F>())
    };
    // SAFETY: as above.
    let local = unsafe { Local::of(interrupted) };
    handler(E::read(error_code, local), interrupted);
}

fn enter_full<E: Exception, F: Fn(E, &mut ExceptionFrame) + Copy>(frame: &mut ExceptionFrame) {
    // SAFETY: as for `enter_fast`.
    let (local, handler) = unsafe { (Local::of(frame), only_value::<F>()) };
    handler(E::read(frame.error_code, local), frame);
}

/// Has the function `handler` take this exception on every virtual CPU from now on, in the fast kind: it sees what the CPU saved, and
/// what a function may change in registers is put back. It runs with interrupts off; returning resumes. A closure that holds
/// something, or a pointer to a function, does not compile: the handler is part of its entry.
pub fn handle<E: Exception, F: Fn(E, &mut Interrupted) + Copy + Send + Sync + 'static>(_handler: F) {
    const {
        assert!(size_of::<F>() == 0, "a handler is a function by name");
        assert!((E::VECTOR as usize) < FAST);
    }
    let entry: FastEntry = enter_fast::<E, F>;
    FAST_HANDLERS[usize::from(E::VECTOR)].store(entry as *mut (), Ordering::Release);
    table::lead_to_fast(E::VECTOR);
}

/// The same in the full kind: the handler has all registers of the interrupted code, and may change them or put another context
/// there.
pub fn handle_fully<E: Exception, F: Fn(E, &mut ExceptionFrame) + Copy + Send + Sync + 'static>(_handler: F) {
    const { assert!(size_of::<F>() == 0, "a handler is a function by name") }
    set_handler(E::VECTOR, enter_full::<E, F>);
}
