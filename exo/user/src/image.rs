//! The program's own image as it was before its first instruction, from which children can begin.

use crate::frames;
use crate::page_table::{self, Flags};
use core::sync::atomic::{AtomicU64, Ordering};
use exo_abi::boot_page::BootPage;
use exo_abi::layout::FRAME_SIZE;

/// The first frame of the copy of the initialised data, 0 where there is none, and how many.
static KEPT: AtomicU64 = AtomicU64::new(0);
static COUNT: AtomicU64 = AtomicU64::new(0);
static BASE: AtomicU64 = AtomicU64::new(0);
static SIZE: AtomicU64 = AtomicU64::new(0);

/// A page of the image.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ImagePage {
    pub(crate) address: u64,
    pub(crate) flags: Flags,
    /// Where its first content is to be read; `None` for zeros.
    pub(crate) content: Option<*const u8>,
}

/// Where the memory begins that is zero at first: the linker says it.
fn zeros_begin() -> u64 {
    #[cfg(target_os = "none")]
    {
        unsafe extern "C" {
            static __bss_start: u8;
        }
        (&raw const __bss_start) as u64
    }
    #[cfg(not(target_os = "none"))]
    u64::MAX
}

/// The mapped pages of an image.
fn mapped(base: u64, size: u64) -> impl Iterator<Item = (u64, Flags)> {
    let pages = (base..base.saturating_add(size)).step_by(4096);
    pages.filter_map(|address| {
        let flags = Flags::from_bits_retain(page_table::entry(address).get());
        let kept = Flags::PRESENT | Flags::WRITABLE | Flags::NO_EXECUTE;
        flags.contains(Flags::PRESENT).then_some((address, flags & kept))
    })
}

fn is_data(address: u64, flags: Flags) -> bool {
    flags.contains(Flags::WRITABLE) && address < zeros_begin()
}

/// Copies the initialised data into the first free frames of the boot page's first run; how many frames that took.
///
/// Nothing may have written a static before. Where the frames do not suffice nothing is kept.
pub(crate) fn keep(boot: &BootPage) -> u64 {
    let pages = || mapped(boot.image_base, boot.image_size).filter(|&(address, flags)| is_data(address, flags));
    let count = pages().count() as u64;
    let Some(run) = boot.runs().first().filter(|run| run.count >= boot.used_frames + count) else { return 0 };
    let first = run.first + boot.used_frames;
    for ((address, _), frame) in pages().zip(first..) {
        let from = frames::pointer::<u8>(address);
        // SAFETY: (1) the page is mapped; (2) the frame is free, mapped in the window, and handed out to nobody yet.
        unsafe { from.copy_to_nonoverlapping(frames::window(frame * FRAME_SIZE), frames::FRAME_BYTES) };
    }
    KEPT.store(first, Ordering::Relaxed);
    COUNT.store(count, Ordering::Relaxed);
    BASE.store(boot.image_base, Ordering::Relaxed);
    SIZE.store(boot.image_size, Ordering::Relaxed);
    count
}

/// The pages of the image as they were at first; `None` where nothing was kept.
pub(crate) fn pages() -> Option<impl Iterator<Item = ImagePage>> {
    let kept = KEPT.load(Ordering::Relaxed);
    let mut data = kept;
    let page = move |(address, flags)| {
        let content = if is_data(address, flags) {
            data += 1;
            Some(frames::window((data - 1) * FRAME_SIZE).cast_const())
        } else if flags.contains(Flags::WRITABLE) {
            None
        } else {
            Some(frames::pointer::<u8>(address).cast_const())
        };
        ImagePage { address, flags, content }
    };
    let (base, size) = (BASE.load(Ordering::Relaxed), SIZE.load(Ordering::Relaxed));
    (kept != 0).then(|| mapped(base, size).map(page))
}

/// Lowest address and bytes of the image.
pub(crate) fn extent() -> (u64, u64) {
    (BASE.load(Ordering::Relaxed), SIZE.load(Ordering::Relaxed))
}
