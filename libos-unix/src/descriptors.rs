//! The descriptors of a process: small numbers for open file descriptions.

#[cfg(test)]
mod tests;

use crate::errno::{Errno, Result};
use crate::file::Description;
use alloc::rc::Rc;
use alloc::vec::Vec;

/// One descriptor.
#[derive(Clone, Debug)]
struct Descriptor {
    description: Rc<Description>,
    close_on_exec: bool,
}

/// A table of descriptors. Threads share it; fork copies it.
#[derive(Clone, Debug, Default)]
pub struct Descriptors {
    table: Vec<Option<Descriptor>>,
    /// No free one is below.
    lowest_free: usize,
}

/// The most that a table can hold, whatever the limit (Linux: fs.nr_open).
pub const MOST: u64 = 1 << 20;

impl Descriptors {
    /// The description behind a descriptor.
    ///
    /// # Errors
    /// EBADF.
    #[inline]
    pub fn get(&self, number: u64) -> Result<&Rc<Description>> {
        // Programs pass an int; whatever is in the upper half is nothing.
        let entry = self.table.get(number as u32 as usize).and_then(Option::as_ref);
        entry.map(|entry| &entry.description).ok_or(Errno::EBADF)
    }

    /// Gives a description the lowest free number from `from` on, below `limit`.
    ///
    /// # Errors
    /// EMFILE.
    pub fn add(&mut self, description: Rc<Description>, close_on_exec: bool, from: u64, limit: u64) -> Result<u64> {
        let mut number = (from as usize).max(self.lowest_free);
        while self.table.get(number).is_some_and(Option::is_some) {
            number += 1;
        }
        if number as u64 >= limit.min(MOST) {
            return Err(Errno::EMFILE);
        }
        self.put(number, Descriptor { description, close_on_exec })?;
        if from as usize <= self.lowest_free {
            self.lowest_free = number + 1;
        }
        Ok(number as u64)
    }

    /// Gives a description this number; the description that had it.
    ///
    /// # Errors
    /// EBADF from the limit on.
    pub fn replace(
        &mut self,
        number: u64,
        description: Rc<Description>,
        close_on_exec: bool,
        limit: u64,
    ) -> Result<Option<Rc<Description>>> {
        if number >= limit.min(MOST) {
            return Err(Errno::EBADF);
        }
        let number = number as usize;
        let old = self.table.get_mut(number).and_then(Option::take);
        self.put(number, Descriptor { description, close_on_exec })?;
        Ok(old.map(|old| old.description))
    }

    /// Whether one more has room below `limit`.
    ///
    /// # Errors
    /// EMFILE.
    pub fn check_room(&self, limit: u64) -> Result<()> {
        let free = (self.lowest_free..self.table.len()).find(|&number| self.table[number].is_none());
        let free = free.unwrap_or(self.table.len().max(self.lowest_free));
        if (free as u64) < limit.min(MOST) { Ok(()) } else { Err(Errno::EMFILE) }
    }

    fn put(&mut self, number: usize, descriptor: Descriptor) -> Result<()> {
        if number >= self.table.len() {
            self.table.try_reserve(number + 1 - self.table.len()).map_err(|_| Errno::ENOMEM)?;
            self.table.resize_with(number + 1, || None);
        }
        self.table[number] = Some(descriptor);
        Ok(())
    }

    /// Takes a descriptor away; its description.
    ///
    /// # Errors
    /// EBADF.
    pub fn remove(&mut self, number: u64) -> Result<Rc<Description>> {
        let number = number as u32 as usize;
        let taken = self.table.get_mut(number).and_then(Option::take).ok_or(Errno::EBADF)?;
        self.lowest_free = self.lowest_free.min(number);
        Ok(taken.description)
    }

    /// Whether exec closes it.
    ///
    /// # Errors
    /// EBADF.
    pub fn closes_on_exec(&self, number: u64) -> Result<bool> {
        let entry = self.table.get(number as u32 as usize).and_then(Option::as_ref);
        entry.map(|entry| entry.close_on_exec).ok_or(Errno::EBADF)
    }

    /// Says whether exec closes it.
    ///
    /// # Errors
    /// EBADF.
    pub fn set_close_on_exec(&mut self, number: u64, close: bool) -> Result<()> {
        let entry = self.table.get_mut(number as u32 as usize).and_then(Option::as_mut);
        entry.map(|entry| entry.close_on_exec = close).ok_or(Errno::EBADF)
    }

    /// Takes those away that exec closes.
    pub fn take_for_exec(&mut self) -> Vec<Rc<Description>> {
        let numbers: Vec<u64> = self.numbers().filter(|&number| self.closes_on_exec(number) == Ok(true)).collect();
        numbers.into_iter().filter_map(|number| self.remove(number).ok()).collect()
    }

    /// The numbers in use, in ascending order.
    pub fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.table.iter().enumerate().filter(|(_, entry)| entry.is_some()).map(|(number, _)| number as u64)
    }
}
