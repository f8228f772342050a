//! A machine for tests on the host: memory behind the window, the pool, guest memory. All tests share it, each with frames and
//! accounts of its own.

use crate::addr::{FRAME_SIZE, FrameNumber, HostPhysical};
use crate::guest_memory::GuestMemory;
use crate::paging::Flushed;
use crate::physmap::usize_of;
use crate::pool::{self, Account};
use crate::shootdown::SHOOTDOWN;
use std::alloc::{Layout, alloc_zeroed};
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Once, OnceLock};

/// Frames of the machine.
pub const FRAMES: u64 = 64 << 9;
/// From here on they are guest memory.
pub const GUESTS: u64 = 8 << 9;

/// Where the window reaches this address.
pub fn pointer(address: HostPhysical) -> usize {
    static MEMORY: OnceLock<usize> = OnceLock::new();
    let bytes = usize_of(FRAMES * FRAME_SIZE);
    let start = MEMORY.get_or_init(|| {
        let layout = Layout::from_size_align(bytes, 2 << 20).expect("a valid layout");
        // SAFETY: the size is not zero. The memory is never freed.
        unsafe { alloc_zeroed(layout) }.expose_provenance()
    });
    let offset = usize_of(address.as_u64());
    assert!(offset < bytes, "{address} is beyond the machine's memory");
    start + offset
}

/// The machine's guest memory.
pub fn memory() -> &'static GuestMemory {
    static POOL: Once = Once::new();
    static MEMORY: OnceLock<GuestMemory> = OnceLock::new();
    let frame = |number| FrameNumber::new(number).expect("a small number");
    // SAFETY: the memory is there (`pointer`), nothing else uses it, and this happens once.
    POOL.call_once(|| unsafe { pool::initialise(frame(1), GUESTS - 1) });
    MEMORY.get_or_init(|| {
        // SAFETY: as above; the pool ends where these frames begin.
        let memory = unsafe { GuestMemory::new(FRAMES, [(frame(GUESTS), FRAMES - GUESTS)].into_iter()) };
        memory.expect("the pool is large enough")
    })
}

/// Frames of guest memory for one test alone, from a multiple of 512 on.
pub fn run(count: u64) -> FrameNumber {
    static NEXT: AtomicU64 = AtomicU64::new(GUESTS);
    memory();
    let first = NEXT.fetch_add(count.next_multiple_of(512), Ordering::Relaxed);
    assert!(first + count <= FRAMES, "the tests need more memory");
    FrameNumber::new(first).expect("a small number")
}

/// An account for one test alone, with these frames of guest memory.
pub fn account(first: FrameNumber, count: u64) -> Account {
    static NEXT: AtomicU16 = AtomicU16::new(1);
    let account = Account::new(NEXT.fetch_add(1, Ordering::Relaxed)).expect("there are 64");
    pool::contribute(memory(), account, first, count).expect("nobody uses them yet");
    account
}

/// The proof that all CPUs have flushed: none has ever entered a guest.
pub fn flush(spaces: u64) -> Flushed {
    SHOOTDOWN.flush(0, spaces, |_| ())
}
