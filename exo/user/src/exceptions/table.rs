//! The IDTs: each virtual CPU has one in its area, and all lead the same vectors to stubs of the same kind.

use super::{USER_VECTOR, entry, stacks, vector};
use crate::segments::KERNEL_CODE;
use crate::vcpu;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};
use exo_abi::info::MAX_VCPUS;
use x86_64::VirtAddr;
use x86_64::instructions::tables::lidt;
use x86_64::structures::DescriptorTablePointer;

/// Two words a vector, as the manual lays an interrupt gate out.
#[repr(C, align(4096))]
pub(super) struct Table([[AtomicU64; 2]; 256]);

const LIMIT: u16 = 0xfff;
const _: () = assert!(size_of::<Table>() == LIMIT as usize + 1);

/// The tables that there are.
static TABLES: [AtomicPtr<Table>; MAX_VCPUS] = [const { AtomicPtr::new(null_mut()) }; MAX_VCPUS];
/// Vectors that save little, a bit each.
static FAST: AtomicU32 = AtomicU32::new(0);

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

/// Leads a vector where it is to lead by now. All stubs agree in the bits of the second word, so a CPU that takes the exception
/// meanwhile finds the one or the other.
fn lead(vcpu: usize, table: &Table, vector: u8) {
    let bit = 1_u32.checked_shl(vector.into()).unwrap_or(0);
    let stub = if FAST.load(Ordering::Acquire) & bit == 0 { entry::full(vector) } else { entry::fast(vcpu, vector) };
    let [low, high] = gate_of(vector, stub);
    let place = &table.0[usize::from(vector)];
    place[1].store(high, Ordering::Relaxed);
    place[0].store(low, Ordering::Release);
}

fn lead_everywhere(vector: u8) {
    for (vcpu, table) in TABLES.iter().enumerate() {
        // SAFETY: only `fill` stores here, a table that stays for ever.
        if let Some(table) = unsafe { table.load(Ordering::Acquire).as_ref() } {
            lead(vcpu, table, vector);
        }
    }
}

/// Has a vector save everything.
pub(super) fn lead_to_full(vector: u8) {
    FAST.fetch_and(!1_u32.checked_shl(vector.into()).unwrap_or(0), Ordering::AcqRel);
    lead_everywhere(vector);
}

/// Has a vector below [`entry::FAST`] save little.
pub(super) fn lead_to_fast(vector: u8) {
    FAST.fetch_or(1_u32.checked_shl(vector.into()).unwrap_or(0), Ordering::AcqRel);
    lead_everywhere(vector);
}

/// Makes the table of a virtual CPU.
pub(super) fn fill(vcpu: usize, table: &'static Table) {
    // What is changed from here on is changed here too.
    TABLES[vcpu].store(core::ptr::from_ref(table).cast_mut(), Ordering::Release);
    (0..=255).for_each(|vector| lead(vcpu, table, vector));
}

/// Loads the table of this virtual CPU, also after something else was loaded in its place.
pub fn load() {
    let base = VirtAddr::from_ptr(TABLES[vcpu::current()].load(Ordering::Acquire));
    let pointer = DescriptorTablePointer { limit: LIMIT, base };
    // SAFETY: the virtual CPU has been prepared, with a table that stays; each gate leads to a stub that expects what the CPU pushes for
    // its vector.
    unsafe { lidt(&pointer) };
}
