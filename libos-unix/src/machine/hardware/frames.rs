//! Frames out of the environment's pool, with a count of who shares each, and the ways into them through the physical window.

use super::Single;
use crate::memory::{FRAME_BYTES, Frame};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::frames::{self, window};
use exo_user::heap;

/// Counts are kept for so many frames at a time.
const GROUP: usize = 512;

/// Frames that are free and near at hand, and counts of those in use.
struct Table {
    free: Vec<u64>,
    counts: Vec<Option<Box<[u32; GROUP]>>>,
}

static TABLE: Single<Table> = Single::new(Table { free: Vec::new(), counts: Vec::new() });

/// Frames that programs leave in the pool, for the heap: half of them for what can be refused, half for what cannot.
const HEAP_SHARE: u64 = 256;

/// Free frames that are kept at hand at most.
const AT_HAND: usize = 1024;

impl Table {
    fn count(&mut self, number: u64) -> Option<&mut u32> {
        let (group, index) = (number as usize / GROUP, number as usize % GROUP);
        if self.counts.get(group).is_none_or(Option::is_none) {
            if group >= self.counts.len() {
                self.counts.try_reserve(group + 1 - self.counts.len()).ok()?;
                self.counts.resize_with(group + 1, || None);
            }
            self.counts[group] = Some(Box::new([0; GROUP]));
        }
        self.counts.get_mut(group)?.as_mut().map(|counts| &mut counts[index])
    }

    fn known(&mut self, number: u64) -> &mut u32 {
        match self.counts.get_mut(number as usize / GROUP) {
            Some(Some(counts)) => &mut counts[number as usize % GROUP],
            _ => panic!("frame {number} was never taken"),
        }
    }
}

pub(crate) fn take_frame() -> Option<u64> {
    TABLE.with(|table| {
        let number = match table.free.pop() {
            Some(number) => number,
            None if frames::available() <= HEAP_SHARE && !trim() => return None,
            None => frames::allocate()?.leak() / FRAME_BYTES as u64,
        };
        *table.count(number)? = 1;
        Some(number)
    })
}

#[inline]
pub(crate) fn share_frame(number: u64) {
    TABLE.with(|table| *table.known(number) += 1);
}

#[inline]
pub(crate) fn shares(number: u64) -> u32 {
    TABLE.with(|table| *table.known(number))
}

#[inline]
pub(crate) fn release_frame(number: u64) {
    TABLE.with(|table| {
        let count = table.known(number);
        *count -= 1;
        if *count == 0 {
            if table.free.len() < AT_HAND {
                table.free.push(number);
            } else {
                give(number);
            }
        }
    });
}

fn give(number: u64) {
    // SAFETY: the frame was leaked by `take_frame`, and its last share has gone.
    drop(unsafe { frames::Frame::from_leaked(number * FRAME_BYTES as u64) });
}

/// Has the heap give back what it does not use, if that may be much; whether programs can have some of it.
fn trim() -> bool {
    const WORTH_IT: usize = 128 * FRAME_BYTES;
    heap::free_bytes() >= WORTH_IT && heap::trim() != 0 && frames::available() > HEAP_SHARE
}

/// Gives the pool what is kept at hand; how many frames that are.
pub fn give_back_free() -> usize {
    heap::trim();
    let (tables, roots) =
        TABLES.with(|tables| (core::mem::take(&mut tables.empty), core::mem::take(&mut tables.roots)));
    tables.into_iter().chain(roots).for_each(release_frame);
    let free = TABLE.with(|table| core::mem::take(&mut table.free));
    free.iter().for_each(|&number| give(number));
    free.len()
}

/// Whether the heap may grow by so many bytes for a program's sake, and leave enough for what must not fail.
pub(crate) fn has_room(bytes: usize) -> bool {
    let frames = frames::available() as usize * FRAME_BYTES;
    // Of what is free in the heap a good part is in pieces too small for much.
    frames + heap::free_bytes() / 2 >= HEAP_SHARE as usize / 2 * FRAME_BYTES + bytes
}

/// How many frames are to be had without asking the kernel.
#[must_use]
pub fn free_frames() -> u64 {
    trim();
    let tables = TABLES.with(|tables| tables.empty.len() + tables.roots.len());
    frames::available() + TABLE.with(|table| table.free.len() as u64) + tables as u64
}

#[inline(always)]
fn bytes(number: u64, offset: usize) -> *mut u8 {
    window(number * FRAME_BYTES as u64 + offset as u64)
}

pub(crate) fn clear_frame(number: u64) {
    // SAFETY: the frame is the environment's own, was handed out by `take_frame` and is mapped in the window; no reference to its
    // bytes is ever made.
    unsafe { bytes(number, 0).cast::<u64>().write_bytes(0, FRAME_BYTES / 8) };
}

pub(crate) fn copy_frame(from: u64, from_offset: usize, to: u64, to_offset: usize, length: usize) {
    // SAFETY: as for `clear_frame`; `Frame` has checked that both ranges are in their frames.
    unsafe { bytes(from, from_offset).copy_to(bytes(to, to_offset), length) };
}

pub(crate) fn read_frame(number: u64, offset: usize, into: &mut [u8]) {
    // SAFETY: as for `copy_frame`; `into` is the library OS's own memory, no frame of a program.
    unsafe { bytes(number, offset).copy_to_nonoverlapping(into.as_mut_ptr(), into.len()) };
}

pub(crate) fn write_frame(number: u64, offset: usize, from: &[u8]) {
    // SAFETY: as for `read_frame`.
    unsafe { from.as_ptr().copy_to_nonoverlapping(bytes(number, offset), from.len()) };
}

#[inline(always)]
pub(crate) fn read_word(number: u64, index: usize) -> u64 {
    // SAFETY: as for `clear_frame`; volatile, because the CPU sets accessed and dirty bits.
    unsafe { bytes(number, index * 8).cast::<u64>().read_volatile() }
}

#[inline(always)]
pub(crate) fn write_word(number: u64, index: usize, word: u64) {
    // SAFETY: as above.
    unsafe { bytes(number, index * 8).cast::<u64>().write_volatile(word) };
}

/// How many frames the environment has, those in use included.
#[must_use]
pub fn total_frames() -> u64 {
    TOTAL.load(Ordering::Relaxed)
}

/// Says how many frames there are.
pub fn set_total_frames(frames: u64) {
    TOTAL.store(frames, Ordering::Relaxed);
}

static TOTAL: AtomicU64 = AtomicU64::new(0);
static ZEROS: AtomicU64 = AtomicU64::new(0);

/// A share of the frame of zeros that everybody reads who has written nothing yet.
pub(crate) fn zero_frame() -> Option<Frame> {
    if ZEROS.load(Ordering::Relaxed) == 0 {
        let number = take_frame()?;
        clear_frame(number);
        ZEROS.store(number, Ordering::Relaxed);
    }
    let number = ZEROS.load(Ordering::Relaxed);
    share_frame(number);
    Some(Frame::from_number(number))
}

/// Frames for page tables, which are empty when they come back: then the next one need not be cleared.
struct Tables {
    /// Of zeros.
    empty: Vec<u64>,
    /// With the library OS in their upper half, and nothing in the lower one.
    roots: Vec<u64>,
    /// The root of the page table with which the library OS began.
    template: u64,
}

static TABLES: Single<Tables> = Single::new(Tables { empty: Vec::new(), roots: Vec::new(), template: 0 });

/// Tables, and roots, that are kept at most.
const KEPT: [usize; 2] = [64, 8];

/// A frame of zeros, for a page table.
pub(crate) fn take_table() -> Option<u64> {
    TABLES.with(|tables| tables.empty.pop()).or_else(|| take_frame().inspect(|&number| clear_frame(number)))
}

/// Takes a table back in which there is nothing.
pub(crate) fn release_table(number: u64) {
    let kept = TABLES.with(|tables| keep(&mut tables.empty, number, KEPT[0]));
    if !kept {
        release_frame(number);
    }
}

/// A page table for a program, with the library OS in its upper half.
pub(crate) fn take_root() -> Option<u64> {
    if let Some(root) = TABLES.with(|tables| tables.roots.pop()) {
        return Some(root);
    }
    let root = take_table()?;
    let template = TABLES.with(|tables| {
        if tables.template == 0 {
            tables.template = exo_user::cpu::read_cr3() & !0xfff;
        }
        window(tables.template)
    });
    // SAFETY: both are tables of the environment's; the upper half of the new one is nobody's yet.
    unsafe { template.add(FRAME_BYTES / 2).copy_to_nonoverlapping(bytes(root, FRAME_BYTES / 2), FRAME_BYTES / 2) };
    Some(root)
}

/// Takes one back in whose lower half there is nothing.
pub(crate) fn release_root(number: u64) {
    let kept = TABLES.with(|tables| keep(&mut tables.roots, number, KEPT[1]));
    if !kept {
        release_frame(number);
    }
}

fn keep(kept: &mut Vec<u64>, number: u64, most: usize) -> bool {
    let keeps = kept.len() < most;
    if keeps {
        kept.push(number);
    }
    keeps
}
