//! The registers of threads, and putting them into the CPU.

use super::entry;
use super::vectors::{self, VectorState, vector_state_bytes};
use crate::errno::Result;
use crate::memory::UserMemory;
use crate::process::Thread;
use alloc::rc::Rc;
use core::cell::{Cell, UnsafeCell};
use exo_user::cpu::{self, msr};
pub use exo_user::exceptions::ExceptionFrame as Registers;
use exo_user::segments;

/// The selector of ring-3 code.
pub const USER_CODE: u64 = segments::USER_CODE.0 as u64;
/// The selector of ring-3 data.
pub const USER_DATA: u64 = segments::USER_DATA.0 as u64;

/// The registers of a thread. While it has the CPU the vector registers are there, and everything else here.
#[derive(Debug)]
#[repr(C)]
pub struct Context {
    // First: see `of`.
    registers: UnsafeCell<Registers>,
    /// They are not as a system call left them: SYSRET would not restore all. False while the program runs.
    is_replaced: Cell<bool>,
    fs_base: Cell<u64>,
    gs_base: Cell<u64>,
    vector_state: VectorState,
}

impl Default for Context {
    fn default() -> Self {
        Self {
            registers: UnsafeCell::new(Registers::in_ring_3(0, 0)),
            is_replaced: Cell::new(true),
            fs_base: Cell::new(0),
            gs_base: Cell::new(0),
            vector_state: VectorState::new(),
        }
    }
}

impl Context {
    pub(super) const fn place(&self) -> *mut Registers {
        self.registers.get()
    }

    /// Where [`is_replaced`](Self::is_replaced) is, from the registers.
    pub(super) const IS_REPLACED: usize = core::mem::offset_of!(Self, is_replaced);

    /// The context with these registers.
    ///
    /// # Safety
    /// They are the [place](Self::place) of a context, which is there as long as the reference is used.
    pub(super) const unsafe fn of<'c>(place: *mut Registers) -> &'c Self {
        // SAFETY: the registers are the first of the context, and the caller answers for it.
        unsafe { &*place.cast::<Self>() }
    }

    pub(super) const fn is_replaced(&self) -> bool {
        self.is_replaced.get()
    }

    #[inline(always)]
    fn with<R>(&self, work: impl FnOnce(&mut Registers) -> R) -> R {
        // SAFETY: the entry code writes them only while the program runs; here nothing but this closure refers to them, and it
        // calls nothing that comes here.
        work(unsafe { &mut *self.registers.get() })
    }

    /// The number of the system call that it makes.
    #[inline(always)]
    #[must_use]
    pub fn number(&self) -> u64 {
        self.with(|registers| registers.rax)
    }

    /// Number and arguments of the system call that it makes.
    #[inline(always)]
    pub fn call(&self) -> (u64, [u64; 6]) {
        self.with(|r| (r.rax, [r.rdi, r.rsi, r.rdx, r.r10, r.r8, r.r9]))
    }

    /// What the call comes to.
    #[inline(always)]
    pub fn set_result(&self, value: u64) {
        self.with(|registers| registers.rax = value);
    }

    /// All of them.
    #[must_use]
    pub fn registers(&self) -> Registers {
        self.with(|registers| *registers)
    }

    /// Replaces all of them.
    pub fn set_registers(&self, registers: &Registers) {
        self.is_replaced.set(true);
        self.with(|own| *own = *registers);
    }

    /// A copy, for another thread. The thread that it is copied from has the CPU.
    #[must_use]
    pub fn duplicate(&self) -> Self {
        self.vector_state.save();
        Self {
            registers: UnsafeCell::new(self.registers()),
            is_replaced: Cell::new(true),
            fs_base: self.fs_base.clone(),
            gs_base: self.gs_base.clone(),
            vector_state: self.vector_state.duplicate(),
        }
    }

    /// FS base.
    #[must_use]
    pub const fn fs_base(&self) -> u64 {
        self.fs_base.get()
    }

    /// GS base.
    #[must_use]
    pub const fn gs_base(&self) -> u64 {
        self.gs_base.get()
    }

    /// Sets FS base; [`load_bases`] puts it into the CPU.
    pub fn set_fs_base(&self, base: u64) {
        self.fs_base.set(base);
    }

    /// The same for GS.
    pub fn set_gs_base(&self, base: u64) {
        self.gs_base.set(base);
    }

    /// Writes the vector registers as a signal frame has them, [`vector_state_bytes`] long, once they are [saved](save).
    ///
    /// # Errors
    /// EFAULT.
    pub fn write_vector_state(&self, memory: &mut impl UserMemory, at: u64) -> Result<()> {
        self.vector_state.with(|bytes| memory.write_bytes(at, bytes))
    }

    /// Takes them from a signal frame; [`restore`] puts them into the CPU.
    ///
    /// # Errors
    /// EFAULT; it is open then what [`restore`] would do.
    pub fn read_vector_state(&self, memory: &mut impl UserMemory, at: u64) -> Result<()> {
        self.vector_state.with(|bytes| {
            let outcome = memory.read_bytes(at, &mut bytes[..vectors::area_bytes()]);
            vectors::accept(bytes);
            outcome
        })
    }

    /// As they are when a program begins.
    pub fn reset_vector_state(&self) {
        self.vector_state.reset();
    }
}

/// Keeps the vector registers of the thread that has the CPU.
pub(crate) fn save(context: &Context) {
    context.vector_state.save();
}

/// Puts the vector registers of the thread that has the CPU there.
pub(crate) fn restore(context: &Context) {
    context.vector_state.restore();
}

/// Puts the vector registers there as they are when a program begins.
pub(crate) fn clear_vectors(_: &Context) {
    vectors::clear();
}

/// Puts the segment bases of the thread that has the CPU there.
pub(crate) fn load_bases(context: &Context) {
    // SAFETY: `arch_prctl` and `clone` have checked that they are addresses of programs; ring 0 uses neither.
    unsafe {
        cpu::write_msr(msr::FS_BASE, context.fs_base.get());
        cpu::write_msr(msr::GS_BASE, context.gs_base.get());
    }
}

/// Gives the CPU to a thread: its page table, its registers, its bases.
pub(crate) fn activate(thread: &Rc<Thread>, root: u64) {
    let context = &thread.context;
    // SAFETY: every page table has the library OS in its upper half.
    unsafe {
        if cpu::read_cr3() != root {
            cpu::write_cr3(root);
        }
    }
    load_bases(context);
    restore(context);
    entry::set_thread(thread);
}

/// What AT_HWCAP says: CPUID leaf 1, EDX.
pub(crate) fn capabilities() -> u64 {
    cpu::cpuid(1, 0).edx.into()
}

/// The most that a signal takes of a stack.
pub(crate) fn signal_frame_bytes() -> u64 {
    vector_state_bytes() + 440 + 128 + 64 + 16
}
