//! The page table of a program: four levels (SDM Vol. 3, 4.5), of which the lower half is the program's. A present leaf holds a share of its
//! frame.

mod tree;

use super::{Frame, PAGE};
use crate::errno::{Errno, Result};
use crate::machine;
use core::ops::Range;

bitflags::bitflags! {
    /// Bits of an entry.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Bits: u64 {
        /// There is a page.
        const PRESENT = 1;
        /// It can be written.
        const WRITE = 1 << 1;
        /// Programs reach it.
        const USER = 1 << 2;
        /// It has been read or written.
        const ACCESSED = 1 << 5;
        /// It has been written.
        const DIRTY = 1 << 6;
        /// It cannot be executed.
        const NO_EXECUTE = 1 << 63;
    }
}

const ADDRESS: u64 = 0x000f_ffff_ffff_f000;
/// What tables' entries say: the leaves decide.
const WAY: u64 = Bits::PRESENT.union(Bits::WRITE).union(Bits::USER).bits();
/// Entries of the root that are the program's.
const USER_ENTRIES: usize = 256;
/// The level of the root; leaves are in tables of level 0.
const ROOT: u32 = 3;

const fn index(address: u64, level: u32) -> usize {
    (address >> (12 + 9 * level)) as usize & 511
}

const fn span(level: u32) -> u64 {
    PAGE << (9 * level)
}

const fn number(entry: u64) -> u64 {
    (entry & ADDRESS) / PAGE
}

/// Where a leaf's word is.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    table: u64,
    index: usize,
}

impl Place {
    /// The leaf.
    #[inline(always)]
    pub fn get(self) -> Leaf {
        Leaf(machine::read_word(self.table, self.index))
    }

    #[inline(always)]
    fn set(self, word: u64) {
        machine::write_word(self.table, self.index, word);
    }

    /// Changes the leaf's bits. The TLB is the caller's affair.
    #[inline(always)]
    pub fn set_bits(self, bits: Bits) {
        self.set((self.get().0 & ADDRESS) | bits.bits());
    }

    /// Has the leaf hold `frame`; the one that it held.
    pub fn replace(self, frame: Frame, bits: Bits) -> Option<Frame> {
        let old = self.get();
        self.set((frame.into_number() * PAGE) | bits.bits());
        old.is_present().then(|| Frame::from_number(number(old.0)))
    }

    /// Takes the frame out of the leaf.
    pub fn take(self) -> Option<Frame> {
        let old = self.get();
        self.set(0);
        old.is_present().then(|| Frame::from_number(number(old.0)))
    }
}

/// The word of a leaf.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Leaf(u64);

impl Leaf {
    /// Whether there is a page.
    #[inline(always)]
    pub const fn is_present(self) -> bool {
        self.0 & Bits::PRESENT.bits() != 0
    }

    /// Its bits.
    pub const fn bits(self) -> Bits {
        Bits::from_bits_truncate(self.0)
    }

    /// Another share of its frame. There must be one.
    pub fn share(self) -> Frame {
        let held = core::mem::ManuallyDrop::new(Frame::from_number(number(self.0)));
        Frame::clone(&held)
    }

    /// Does something with its frame without taking a share. There must be one.
    #[inline(always)]
    pub fn with_frame<R>(self, work: impl FnOnce(&Frame) -> R) -> R {
        let held = core::mem::ManuallyDrop::new(Frame::from_number(number(self.0)));
        work(&held)
    }
}

/// A page table.
#[derive(Debug)]
pub struct Table {
    root: u64,
}

impl Table {
    /// A table without pages, with the library OS in its upper half.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn new() -> Result<Self> {
        let root = machine::take_root().ok_or(Errno::ENOMEM)?;
        Ok(Self { root })
    }

    /// What CR3 holds for it.
    pub const fn root(&self) -> u64 {
        self.root * PAGE
    }

    /// Where the leaf of an address is, if there are tables for it.
    #[inline]
    pub fn find(&self, address: u64) -> Option<Place> {
        let mut table = self.root;
        for level in (1..=ROOT).rev() {
            let entry = machine::read_word(table, index(address, level));
            if entry & 1 == 0 {
                return None;
            }
            table = number(entry);
        }
        Some(Place { table, index: index(address, 0) })
    }

    /// The leaf of an address.
    #[inline]
    pub fn leaf(&self, address: u64) -> Leaf {
        self.find(address).map_or(Leaf(0), Place::get)
    }

    /// Where the leaf of an address is, with tables made for it.
    ///
    /// # Errors
    /// ENOMEM.
    pub fn make(&mut self, address: u64) -> Result<Place> {
        let mut table = self.root;
        for level in (1..=ROOT).rev() {
            let at = index(address, level);
            let entry = machine::read_word(table, at);
            table = if entry & 1 == 0 { tree::add(table, at)? } else { number(entry) };
        }
        Ok(Place { table, index: index(address, 0) })
    }

    /// Calls `visit` with each present leaf of a range, in ascending order.
    pub fn each(&self, range: Range<u64>, mut visit: impl FnMut(u64, Place)) {
        tree::walk(self.root, ROOT, 0, &range, &mut visit);
    }

    /// Shares the pages of a range with the table of a child, which has none there: neither can write any where `protects` says so.
    ///
    /// # Errors
    /// ENOMEM; some pages are shared then.
    pub fn share(&mut self, range: &Range<u64>, child: &mut Self, protects: bool) -> Result<()> {
        let kept = if protects { !Bits::WRITE.bits() } else { !0 };
        tree::share(self.root, child.root, ROOT, 0, range, kept)
    }

    /// Takes all pages of some ranges out, which are in ascending order, and drops their frames; and all tables that are in the way to
    /// these ranges and lie within `alone`, where there is nothing else. Whether there were any.
    pub fn clear(&mut self, ranges: &[Range<u64>], alone: &Range<u64>) -> bool {
        tree::clear(self.root, ROOT, 0, ranges, alone)
    }
}

impl Drop for Table {
    /// Whoever has a table clears it first: only he knows where there is something in it.
    fn drop(&mut self) {
        debug_assert!((0..USER_ENTRIES).all(|index| machine::read_word(self.root, index) == 0), "tables are left");
        machine::release_root(self.root);
    }
}
