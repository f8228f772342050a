//! Areas: what a range of addresses is, whether or not it has pages yet.

use super::PAGE;
use crate::file::File;
use alloc::rc::Rc;

bitflags::bitflags! {
    /// What a program may do with an area, as mmap(2) numbers it.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Protection: u32 {
        /// Read it.
        const READ = 1;
        /// Write it.
        const WRITE = 2;
        /// Execute it.
        const EXECUTE = 4;
    }
}

/// Where the pages of an area come from.
#[derive(Clone, Debug)]
pub enum Backing {
    /// They are zeros at first.
    Zeros,
    /// They are a file's, from this page of it on.
    File(Rc<dyn File>, u64),
}

impl Backing {
    /// The backing of what begins so many pages later.
    fn later(&self, pages: u64) -> Self {
        match self {
            Self::Zeros => Self::Zeros,
            Self::File(file, page) => Self::File(Rc::clone(file), page + pages),
        }
    }

    fn continues(&self, other: &Self, pages: u64) -> bool {
        match (self, other) {
            (Self::Zeros, Self::Zeros) => true,
            (Self::File(file, page), Self::File(other, next)) => Rc::ptr_eq(file, other) && page + pages == *next,
            _ => false,
        }
    }
}

/// What a child has of an area, madvise(2).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Inherited {
    /// The same.
    #[default]
    Same,
    /// Nothing.
    Nothing,
    /// Zeros.
    Zeros,
}

/// A range of addresses that is all the same.
#[derive(Clone, Debug)]
pub struct Area {
    /// Its first address.
    pub start: u64,
    /// The address behind its last.
    pub end: u64,
    /// What the program may do.
    pub protection: Protection,
    /// What it may be changed to.
    pub most: Protection,
    /// Changes reach the file, and everybody who shares it.
    pub shared: bool,
    /// It grows downwards when touched below.
    pub grows: bool,
    /// What a child has of it.
    pub inherited: Inherited,
    /// Where its pages come from.
    pub backing: Backing,
}

impl Area {
    /// Its bytes.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.end - self.start
    }

    /// Cuts it at an address inside of it; the upper part.
    pub(super) fn cut(&mut self, at: u64) -> Self {
        let mut upper = self.clone();
        upper.backing = self.backing.later((at - self.start) / PAGE);
        upper.start = at;
        // What grows is its lower end.
        upper.grows = false;
        self.end = at;
        upper
    }

    /// Whether `next` goes on where this ends, in every respect.
    pub(super) fn continues_in(&self, next: &Self) -> bool {
        self.end == next.start
            && self.protection == next.protection
            && self.most == next.most
            && self.shared == next.shared
            && self.inherited == next.inherited
            && !next.grows
            && self.backing.continues(&next.backing, self.bytes() / PAGE)
    }
}
