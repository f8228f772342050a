//! An IDT of the guest's own making, for what the library's handlers are too well-behaved for.

use alloc::boxed::Box;
use exo_user::segments::KERNEL_CODE;
use x86_64::VirtAddr;
use x86_64::instructions::tables::{lidt, sidt};
use x86_64::structures::DescriptorTablePointer;

/// A copy of the IDT in force, to be changed and loaded.
pub struct Table(Box<[[u64; 2]; 256]>);

impl Table {
    /// Copies the library's table.
    pub fn copied() -> Table {
        let current = sidt().base.as_ptr::<[[u64; 2]; 256]>();
        // SAFETY: the library has loaded a full table, which stays where it is.
        Table(Box::new(unsafe { current.read() }))
    }

    /// Makes a vector lead straight to an address, on interrupt stack `stack` (0: the current one), with the given
    /// gate type and code segment.
    pub fn set_with(&mut self, vector: u8, address: u64, stack: u64, kind: u64, selector: u16) {
        let low = address & 0xffff | u64::from(selector) << 16 | stack << 32 | kind << 40;
        self.0[usize::from(vector)] = [low | (address >> 16 & 0xffff) << 48, address >> 32];
    }

    /// Makes a vector lead straight to an address in ring 0, also from ring 3.
    pub fn set(&mut self, vector: u8, address: u64, stack: u64) {
        const INTERRUPT_GATE_FOR_ALL: u64 = 0xee;
        self.set_with(vector, address, stack, INTERRUPT_GATE_FOR_ALL, KERNEL_CODE.0);
    }

    /// Has a vector use interrupt stack `stack` (0: the current one), and its handler as before.
    pub fn on_stack(&mut self, vector: u8, stack: u64) {
        let gate = &mut self.0[usize::from(vector)];
        gate[0] = gate[0] & !(7 << 32) | stack << 32;
    }

    /// Loads the table, for good.
    pub fn load(self) {
        let table = Box::leak(self.0);
        // SAFETY: the table stays for ever; what its gates lead to is the case's own affair.
        unsafe { lidt(&DescriptorTablePointer { limit: 0xfff, base: VirtAddr::from_ptr(table) }) };
    }
}
