//! What the code that enters and leaves guests needs of a virtual CPU, where assembly finds it.

use super::registers::GuestRegisters;
use super::switched::Switched;
use super::transfer::{self, Name};
use crate::cpu::CpuIndex;
use crate::page::Page;
use crate::shootdown::{self, SpaceNumber};
use core::ptr::NonNull;
use core::sync::atomic::AtomicU64;

/// The counters of a virtual CPU, a page of words that the assembly also counts in: word `n` counts exits for basic reason `n`.
pub type Counters = Page<[u64; 512]>;

/// See the module. The assembly changes the contexts of this CPU's virtual CPUs, and only while a guest runs: nobody keeps a reference
/// to anything in one over an entry but the registers', which are of the one that is entered.
#[derive(Debug)]
#[repr(C)]
pub(super) struct Context {
    pub(super) registers: GuestRegisters,
    pub(super) switched: Switched,
    /// Physical address of the VMCS.
    pub(super) vmcs: u64,
    /// What the VMCS's field of the host's stack pointer holds.
    pub(super) host_stack: u64,
    /// Where VMCALLs are counted; null where none is to be answered on a shortcut.
    pub(super) calls: *mut u64,
    /// Its name among all virtual CPUs, counted from 1.
    pub(super) name: u64,
    /// What whoever it calls finds in rax.
    pub(super) identity: u64,
    /// The gates that its environment has bound, by slot.
    pub(super) slots: *const AtomicU64,
    /// The CPU that it stays on.
    pub(super) cpu: u64,
    /// Its space as the shootdown publishes it.
    pub(super) space: u64,
    /// Two whose classes are equal agree in all that a transfer does not switch; with [`UNTRANSFERABLE`] where none may go from or to it.
    pub(super) class: u64,
}

/// In [`Context::class`].
const UNTRANSFERABLE: u64 = 1 << 63;

// SAFETY: the pointers lead to words of statics, and to a page of the virtual CPU's own that only its CPU uses.
unsafe impl Sync for Context {}

impl Context {
    /// That of nobody.
    pub(super) const NOBODY: Self = Self {
        registers: GuestRegisters::ZERO,
        switched: Switched::FRESH,
        vmcs: 0,
        host_stack: 0,
        calls: core::ptr::null_mut(),
        name: 0,
        identity: 0,
        slots: core::ptr::null(),
        cpu: u64::MAX,
        space: 0,
        class: UNTRANSFERABLE,
    };

    /// That of a fresh virtual CPU.
    pub(super) fn new(
        who: Name,
        cpu: CpuIndex,
        space: SpaceNumber,
        registers: GuestRegisters,
        switched: Switched,
        shortcut: Option<NonNull<u64>>,
    ) -> Self {
        Self {
            registers,
            switched,
            vmcs: 0,
            host_stack: 0,
            calls: shortcut.map_or(core::ptr::null_mut(), NonNull::as_ptr),
            name: who.number(),
            identity: who.identity,
            slots: transfer::slots(who.place).as_ptr(),
            cpu: cpu.as_usize() as u64,
            space: shootdown::in_guest_of(space),
            class: UNTRANSFERABLE,
        }
    }

    /// Says whether transfers may go from and to this virtual CPU from now on.
    pub(super) fn set_transferable(&mut self, transferable: bool) {
        let Switched { system_call, tsc_aux, xcr0, .. } = &self.switched;
        // At every entry: the words are joined and compared once.
        let fresh = system_call.iter().fold(*tsc_aux | (*xcr0 ^ 1), |joined, word| joined | word) == 0;
        // A name fits ten bits, and a stack pointer of the kernel's differs from another one in bits 47:3.
        let own = if fresh && transferable { 0 } else { self.name };
        let class = (self.host_stack & 0x0000_ffff_ffff_fff8) << 7 | own;
        // No two have the same name, so nobody is of the class of somebody who may not.
        self.class = if transferable { class } else { class | UNTRANSFERABLE };
    }
}
