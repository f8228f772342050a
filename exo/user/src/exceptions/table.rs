//! The IDT: one for all virtual CPUs, each of which finds its own stacks through its own TSS.

use super::{USER_VECTOR, entry, stacks, vector};
use crate::segments::KERNEL_CODE;
use core::sync::atomic::{AtomicU64, Ordering};
use spin::Once;
use x86_64::VirtAddr;
use x86_64::instructions::tables::lidt;
use x86_64::structures::DescriptorTablePointer;

/// Two words a vector, as the manual lays an interrupt gate out.
#[repr(C, align(16))]
struct Table([[AtomicU64; 2]; 256]);

static TABLE: Table = Table([const { [const { AtomicU64::new(0) }; 2] }; 256]);
static FILLED: Once<()> = Once::new();
const LIMIT: u16 = 0xfff;
const _: () = assert!(size_of::<Table>() == LIMIT as usize + 1);

pub(super) const fn gate(stub: u64, stack: u64, user: bool) -> [u64; 2] {
    const INTERRUPT_GATE: u64 = 0xe;
    const PRESENT: u64 = 0x80;
    let kind = PRESENT | INTERRUPT_GATE | if user { 3 << 5 } else { 0 };
    let low = (stub & 0xffff) | ((KERNEL_CODE.0 as u64) << 16) | (stack << 32) | (kind << 40);
    [low | ((stub >> 16) & 0xffff) << 48, stub >> 32]
}

/// The gate of a vector to a stub, on the stack that the vector has.
fn gate_of(vector: u8, stub: u64) -> [u64; 2] {
    let stack = match vector {
        vector::DOUBLE_FAULT => stacks::DOUBLE_FAULT,
        vector::NMI => stacks::NMI,
        vector::MACHINE_CHECK => stacks::MACHINE_CHECK,
        vector::DEBUG => stacks::DEBUG,
        _ => stacks::MAIN,
    };
    let user = matches!(vector, vector::BREAKPOINT | vector::OVERFLOW | USER_VECTOR);
    // The gate counts from 1; 0 would stay on the interrupted stack.
    gate(stub, stack as u64 + 1, user)
}

/// Leads a vector to another of its stubs. All stubs agree in the bits of the second word, so that other virtual CPUs see the one
/// or the other.
fn lead(vector: u8, stub: u64) {
    let [low, high] = gate_of(vector, stub);
    let place = &TABLE.0[usize::from(vector)];
    place[1].store(high, Ordering::Relaxed);
    place[0].store(low, Ordering::Release);
}

/// Has a vector save everything.
pub(super) fn lead_to_full(vector: u8) {
    lead(vector, entry::full(vector));
}

/// Has a vector below [`entry::FAST`] save little.
pub(super) fn lead_to_fast(vector: u8) {
    lead(vector, entry::fast(vector));
}

/// Loads the table, also after something else was loaded in its place.
pub fn load() {
    FILLED.call_once(|| (0..=255).for_each(lead_to_full));
    let pointer = DescriptorTablePointer { limit: LIMIT, base: VirtAddr::from_ptr(&raw const TABLE) };
    // SAFETY: the table is static; each gate leads to a stub that expects what the CPU pushes for its vector.
    unsafe { lidt(&pointer) };
}
