//! More virtual CPUs of this environment, in the same address space, each with a stack, a GDT and a TSS of its own.

use crate::call::{Failure, Kernel, Machine};
use crate::capability::Capability;
use crate::events::EventPage;
use crate::page_table::{Flags, MapError, SMALL, with_current};
use crate::{cpu, events, exceptions, frames, segments};
use alloc::boxed::Box;
use core::fmt;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use exo_abi::boot_page::FrameRun;
use exo_abi::layout::{FRAME_SIZE, STACK_SIZE, STACK_TOP};

/// From one stack to the next; what lies between is not mapped.
const STACK_DISTANCE: u64 = 1 << 20;

/// Why a virtual CPU was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VcpuError {
    /// No frames are left for its stack, or the kernel's pages cannot be mapped.
    Map(MapError),
    /// The kernel refused.
    Refused(Failure),
}

impl From<MapError> for VcpuError {
    fn from(error: MapError) -> Self {
        Self::Map(error)
    }
}

impl From<Failure> for VcpuError {
    fn from(failure: Failure) -> Self {
        Self::Refused(failure)
    }
}

impl fmt::Display for VcpuError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            VcpuError::Map(error) => error.fmt(f),
            VcpuError::Refused(failure) => failure.fmt(f),
        }
    }
}

impl core::error::Error for VcpuError {}

/// What a new virtual CPU does. On its stack.
struct Beginning {
    /// Set before it has a slice.
    vcpu: AtomicUsize,
    entry: fn(u64),
    argument: u64,
}

// rdi holds the physical address of the event page; what is to be done lies on the stack.
core::arch::global_asm!(
    ".pushsection .text.ravelin_vcpu_start,\"ax\",@progbits",
    "ravelin_vcpu_start:",
    "xor ebp, ebp",
    "pop rdi",
    "and rsp, -16",
    "cld",
    "call {begin}",
    "ud2",
    ".popsection",
    begin = sym begin,
);

fn start_address() -> u64 {
    let address: u64;
    // SAFETY: computes the address of the code above and does nothing else.
    unsafe {
        core::arch::asm!("lea {}, [rip + ravelin_vcpu_start]", out(reg) address, options(nomem, nostack, preserves_flags))
    };
    address
}

extern "C" fn begin(beginning: &'static Beginning) -> ! {
    segments::load(beginning.vcpu.load(Ordering::Acquire));
    exceptions::load();
    (beginning.entry)(beginning.argument);
    events::set_mask(u64::MAX);
    loop {
        events::block(0);
    }
}

/// A new stack with one word on it; the stack pointer.
fn make_stack(word: u64) -> Result<u64, MapError> {
    static STACKS: AtomicU64 = AtomicU64::new(1);
    let top = STACK_TOP - STACKS.fetch_add(1, Ordering::Relaxed) * STACK_DISTANCE;
    let bytes = frames::allocate_contiguous(STACK_SIZE / FRAME_SIZE).ok_or(MapError::NoFrame)?;
    if let Some(last) = bytes.last_chunk_mut() {
        *last = word.to_ne_bytes();
    }
    let physical = crate::page_table::translate(bytes.as_ptr() as u64).ok_or(MapError::NoFrame)?;
    let flags = Flags::PRESENT | Flags::WRITABLE | Flags::NO_EXECUTE;
    // SAFETY: the frames are the stack's for ever, no reference to them is left, and nothing else is mapped there.
    unsafe {
        with_current(|table| {
            table.map(top - STACK_SIZE, physical, STACK_SIZE, flags, SMALL).map(|flush| _ = flush.here())
        })?;
    }
    Ok(top - 8)
}

/// Makes a virtual CPU on `cpu` that calls `entry` with `argument`, interrupts off, and sleeps for ever once that returns; its number. It
/// runs when it has a slice: see [`crate::slices::allocate`]. What is edited in page tables must be made known to it: see
/// [`Flush`](crate::page_table::Flush).
///
/// # Errors
/// [`VcpuError`]. What a stack took is then lost.
pub fn create(cpu: u32, entry: fn(u64), argument: u64) -> Result<usize, VcpuError> {
    let beginning = Box::leak(Box::new(Beginning { vcpu: AtomicUsize::new(0), entry, argument }));
    let stack = make_stack(&raw const *beginning as u64)?;
    let own = Capability::own().slot();
    // SAFETY: the code at that address expects this stack; the address space is this one.
    let physical = unsafe { Machine.vcpu_create(own, 0, cpu.into(), start_address(), stack, cpu::read_cr3()) }?;
    let show = |physical: u64| frames::extend_window(FrameRun { first: physical / FRAME_SIZE, count: 1 });
    show(physical)?;
    // SAFETY: the kernel's page lies there, mapped a moment ago.
    let page = unsafe { frames::window(physical).cast::<EventPage>().read_volatile() };
    show(page.counters)?;
    show(page.fault_page)?;
    let vcpu = usize::try_from(page.vcpu).unwrap_or(0);
    super::note(vcpu, physical, page.counters, page.fault_page);
    exceptions::stacks::prepare(vcpu)?;
    beginning.vcpu.store(vcpu, Ordering::Release);
    Ok(vcpu)
}

/// Raises the notification event of a virtual CPU of this environment.
///
/// # Errors
/// As the table says.
pub fn notify(vcpu: usize) -> Result<(), Failure> {
    Machine.notify(Capability::own().slot(), 0, vcpu as u64).map(drop)
}
