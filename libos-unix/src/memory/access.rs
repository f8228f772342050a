//! Copying to and from a program's memory: pages come as if the program had touched them, and a bad address is EFAULT.

use super::fault::Access;
use super::table::{Bits, Leaf};
use super::{AddressSpace, Frame, PAGE, USER_END, UserMemory};
use crate::errno::{Errno, Result};
use crate::io::{Destination, Source};
use alloc::vec::Vec;
use core::cell::RefCell;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// Whether a range, which is not empty, lies in one page: most do, and need no loop.
#[inline]
const fn is_in_a_page(address: u64, length: usize) -> bool {
    length != 0 && (address % PAGE) as usize + length <= PAGE as usize
}

impl AddressSpace {
    /// The leaf of an address that the program may access.
    #[inline]
    fn reach(&mut self, address: u64, access: Access) -> Result<Leaf> {
        if address >= USER_END {
            return Err(Errno::EFAULT);
        }
        let wanted = match access {
            Access::Write => Bits::PRESENT | Bits::USER | Bits::WRITE,
            _ => Bits::PRESENT | Bits::USER,
        };
        let leaf = self.table.leaf(address);
        if leaf.bits().contains(wanted) {
            return Ok(leaf);
        }
        self.fault(address, access).map_err(|_| Errno::EFAULT)?;
        Ok(self.table.leaf(address))
    }

    /// Goes through the pages of a range: the frame, the offset in it, and how many bytes. How many bytes could be reached.
    fn each_part(
        &mut self,
        address: u64,
        length: usize,
        access: Access,
        mut visit: impl FnMut(&Frame, usize, usize, usize) -> Result<usize>,
    ) -> Result<usize> {
        let mut done = 0;
        while done < length {
            let at = address.wrapping_add(done as u64);
            let offset = (at % PAGE) as usize;
            let part = (length - done).min(PAGE as usize - offset);
            let leaf = match self.reach(at, access) {
                Ok(leaf) => leaf,
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            };
            let count = leaf.with_frame(|frame| visit(frame, offset, done, part))?;
            done += count;
            if count < part {
                break;
            }
        }
        Ok(done)
    }

    /// Copies as many bytes as can be read; how many.
    ///
    /// # Errors
    /// EFAULT where that is none.
    pub fn copy_out(&mut self, address: u64, into: &mut [u8]) -> Result<usize> {
        let length = into.len();
        if is_in_a_page(address, length) {
            self.reach(address, Access::Read)?.with_frame(|frame| frame.read((address % PAGE) as usize, into));
            return Ok(length);
        }
        self.each_part(address, length, Access::Read, |frame, offset, done, part| {
            frame.read(offset, &mut into[done..done + part]);
            Ok(part)
        })
    }

    /// Copies as many bytes as can be written; how many.
    ///
    /// # Errors
    /// EFAULT where that is none.
    pub fn copy_in(&mut self, address: u64, bytes: &[u8]) -> Result<usize> {
        if is_in_a_page(address, bytes.len()) {
            self.reach(address, Access::Write)?.with_frame(|frame| frame.write((address % PAGE) as usize, bytes));
            return Ok(bytes.len());
        }
        self.each_part(address, bytes.len(), Access::Write, |frame, offset, done, part| {
            frame.write(offset, &bytes[done..done + part]);
            Ok(part)
        })
    }

    /// The frame behind an address, and the offset in it, for words that are waited for.
    ///
    /// # Errors
    /// EFAULT.
    pub fn frame_at(&mut self, address: u64, access: Access) -> Result<(Frame, usize)> {
        Ok((self.reach(address, access)?.share(), (address % PAGE) as usize))
    }
}

impl UserMemory for AddressSpace {
    fn read_bytes(&mut self, address: u64, into: &mut [u8]) -> Result<()> {
        let length = into.len();
        if self.copy_out(address, into)? == length { Ok(()) } else { Err(Errno::EFAULT) }
    }

    fn write_bytes(&mut self, address: u64, bytes: &[u8]) -> Result<()> {
        if self.copy_in(address, bytes)? == bytes.len() { Ok(()) } else { Err(Errno::EFAULT) }
    }
}

/// A space that is only borrowed for the moment of each access.
#[derive(Debug)]
pub struct SharedSpace<'s>(pub &'s RefCell<AddressSpace>);

impl UserMemory for SharedSpace<'_> {
    fn read_bytes(&mut self, address: u64, into: &mut [u8]) -> Result<()> {
        self.0.borrow_mut().read_bytes(address, into)
    }

    fn write_bytes(&mut self, address: u64, bytes: &[u8]) -> Result<()> {
        self.0.borrow_mut().write_bytes(address, bytes)
    }
}

/// A piece of a program's memory, as readv(2) has it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, FromBytes, IntoBytes, Immutable)]
#[repr(C)]
pub struct Vector {
    /// Its address.
    pub address: u64,
    /// Its bytes.
    pub length: u64,
}

/// Pieces of a program's memory, one after the other: what system calls read into and write from.
#[derive(Debug)]
pub struct UserBuffers<'s> {
    space: &'s RefCell<AddressSpace>,
    first: Vector,
    rest: Vec<Vector>,
    next: usize,
}

impl<'s> UserBuffers<'s> {
    /// One piece.
    #[must_use]
    pub fn one(space: &'s RefCell<AddressSpace>, address: u64, length: u64) -> Self {
        Self { space, first: Vector { address, length }, rest: Vec::new(), next: 0 }
    }

    /// Several.
    #[must_use]
    pub fn several(space: &'s RefCell<AddressSpace>, vectors: Vec<Vector>) -> Self {
        Self { space, first: Vector::default(), rest: vectors, next: 0 }
    }

    /// Leaves the first `bytes` out.
    pub fn skip(&mut self, bytes: usize) {
        let mut left = bytes as u64;
        while left != 0 && self.current() {
            let part = self.first.length.min(left);
            self.advance(part as usize);
            left -= part;
        }
    }

    /// Ends after so many bytes.
    pub fn limit(&mut self, bytes: usize) {
        let mut left = bytes as u64;
        for piece in core::iter::once(&mut self.first).chain(&mut self.rest[self.next..]) {
            piece.length = piece.length.min(left);
            left -= piece.length;
        }
    }

    /// Makes `first` a piece with bytes, if one is left.
    fn current(&mut self) -> bool {
        while self.first.length == 0 {
            let Some(&next) = self.rest.get(self.next) else { return false };
            self.first = next;
            self.next += 1;
        }
        true
    }

    fn advance(&mut self, bytes: usize) {
        self.first.address = self.first.address.wrapping_add(bytes as u64);
        self.first.length -= bytes as u64;
    }

    /// Does something with piece after piece, up to `length` bytes.
    fn pieces(
        &mut self,
        length: usize,
        mut copy: impl FnMut(&mut AddressSpace, u64, usize, usize) -> Result<usize>,
    ) -> Result<usize> {
        let mut done = 0;
        while done < length && self.current() {
            let part = (length - done).min(usize::try_from(self.first.length).unwrap_or(usize::MAX));
            // Not for longer: what is copied may come from files that look at the space.
            match copy(&mut self.space.borrow_mut(), self.first.address, done, part) {
                Ok(count) => {
                    self.advance(count);
                    done += count;
                    if count < part {
                        break;
                    }
                }
                Err(error) if done == 0 => return Err(error),
                Err(_) => break,
            }
        }
        Ok(done)
    }

    fn bytes_left(&self) -> usize {
        let rest: u64 = self.rest[self.next..].iter().map(|vector| vector.length).sum();
        usize::try_from(self.first.length + rest).unwrap_or(usize::MAX)
    }
}

impl Destination for UserBuffers<'_> {
    fn remaining(&self) -> usize {
        self.bytes_left()
    }

    fn put(&mut self, bytes: &[u8]) -> Result<usize> {
        self.pieces(bytes.len(), |space, address, done, part| space.copy_in(address, &bytes[done..done + part]))
    }

    fn put_frame(&mut self, frame: &Frame, offset: usize, length: usize) -> Result<usize> {
        self.pieces(length, |space, address, done, part| {
            space.each_part(address, part, Access::Write, |to, at, inside, count| {
                to.copy_from(at, frame, offset + done + inside, count);
                Ok(count)
            })
        })
    }
}

impl Source for UserBuffers<'_> {
    fn remaining(&self) -> usize {
        self.bytes_left()
    }

    fn take(&mut self, into: &mut [u8]) -> Result<usize> {
        self.pieces(into.len(), |space, address, done, part| space.copy_out(address, &mut into[done..done + part]))
    }

    fn take_frame(&mut self, frame: &Frame, offset: usize, length: usize) -> Result<usize> {
        self.pieces(length, |space, address, done, part| {
            space.each_part(address, part, Access::Read, |from, at, inside, count| {
                frame.copy_from(offset + done + inside, from, at, count);
                Ok(count)
            })
        })
    }
}
