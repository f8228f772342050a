//! The virtual machine that this library OS has to itself. It uses one virtual CPU, and ring 0 runs with interrupts off: so nothing
//! here is ever entered twice.

#![allow(unsafe_code)] // frames, page tables and registers are this module's business

mod context;
mod entry;
mod exchange;
mod frames;
mod reserve;
mod traps;
mod vectors;

pub use context::{Context, Registers, USER_CODE, USER_DATA};
pub(crate) use context::{activate, capabilities, clear_vectors, load_bases, restore, save, signal_frame_bytes};
pub(crate) use exchange::breathe;
pub use exchange::{answer, grow, keep_guaranteed};
pub(crate) use frames::{
    clear_frame, copy_frame, has_room, read_frame, read_word, release_frame, release_root, release_table, share_frame,
    shares, take_frame, take_root, take_table, write_frame, write_word, zero_frame,
};
pub use frames::{free_frames, give_back_free, set_total_frames, total_frames};
pub(crate) use reserve::{refill_reserve, take_emergency};
pub use vectors::enable_vector_registers;
pub(crate) use vectors::vector_state_bytes;

use crate::process::Thread;
use crate::syscall::Made;
use crate::unix::Unix;
use alloc::rc::Rc;
use core::cell::UnsafeCell;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use exo_user::cpu;

/// State that only the one virtual CPU touches, with interrupts off.
#[repr(transparent)]
struct Single<T>(UnsafeCell<T>);

// SAFETY: there is one virtual CPU, and nothing interrupts ring 0.
unsafe impl<T> Sync for Single<T> {}

impl<T> Single<T> {
    const fn new(value: T) -> Self {
        Self(UnsafeCell::new(value))
    }

    /// Does something with it. `work` must not come here again.
    #[inline(always)]
    fn with<R>(&self, work: impl FnOnce(&mut T) -> R) -> R {
        // SAFETY: (1) as above; (2) every caller is a leaf, which calls nothing that comes here again.
        work(unsafe { &mut *self.0.get() })
    }
}

static UNIX: AtomicPtr<Unix> = AtomicPtr::new(core::ptr::null_mut());
static HERTZ: AtomicU64 = AtomicU64::new(0);

/// The system that this machine runs.
#[inline(always)]
fn unix() -> &'static Unix {
    // SAFETY: `run` stores it before anything can come here, and it is never dropped.
    unsafe { &*UNIX.load(Ordering::Relaxed) }
}

/// Says how fast the TSC counts.
pub fn set_hertz(hertz: u64) {
    HERTZ.store(hertz, Ordering::Relaxed);
}

/// Runs a system whose first thread is ready, for good. `ended` is called when it has ended.
pub fn run(system: Rc<Unix>, stack: u64, ended: fn(&Unix) -> !) -> ! {
    UNIX.store(Rc::into_raw(system).cast_mut(), Ordering::Relaxed);
    ENDED.store(ended as *mut (), Ordering::Relaxed);
    reserve::keep();
    traps::install();
    entry::install(stack);
    unix().settle();
    end_if_over();
    entry::leave()
}

static ENDED: AtomicPtr<()> = AtomicPtr::new(core::ptr::null_mut());

#[inline(always)]
fn end_if_over() {
    if unix().outcome.get().is_some() {
        // SAFETY: `run` has stored a function of this type.
        unsafe { core::mem::transmute::<*mut (), fn(&Unix) -> !>(ENDED.load(Ordering::Relaxed))(unix()) }
    }
}

/// A call that a thread has made is not all that there is to do.
fn after_call(thread: &Rc<Thread>, made: Made) {
    unix().after_call(thread, made);
    end_if_over();
}

pub(crate) fn flush_page(address: u64) {
    cpu::invalidate_page(address);
}

pub(crate) fn flush_all() {
    // SAFETY: the table in force stays in force.
    unsafe { cpu::write_cr3(cpu::read_cr3()) };
}

pub(crate) fn ticks() -> u64 {
    cpu::read_tsc()
}

/// VM exits that this virtual CPU has caused, and those by a move to or from a control register among them.
pub(crate) fn exits() -> (u64, u64) {
    // SDM Vol. 3, Appendix C.
    const CONTROL_REGISTER: usize = 28;
    let exits = exo_user::counters().exits;
    (exo_user::abi::counters::caused(&exits), exits[CONTROL_REGISTER])
}

pub(crate) fn hertz() -> u64 {
    HERTZ.load(Ordering::Relaxed)
}

/// Chance, as far as there is any: RDRAND where the CPU has it, and the TSC.
pub(crate) fn entropy() -> u64 {
    static HAS_RDRAND: spin::Once<bool> = spin::Once::new();
    let mut value = 0_u64;
    if *HAS_RDRAND.call_once(|| cpu::cpuid(1, 0).ecx & 1 << 30 != 0) {
        for _ in 0..10 {
            let ok: u8;
            // SAFETY: the CPU has the instruction.
            unsafe {
                core::arch::asm!("rdrand {}", "setc {}", out(reg) value, out(reg_byte) ok, options(nomem, nostack))
            };
            if ok != 0 {
                break;
            }
        }
    }
    value ^ cpu::read_tsc().wrapping_mul(0x9e37_79b9_7f4a_7c15)
}
