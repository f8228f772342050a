//! A program's memory as the library OS sees it: addresses that may lead anywhere, and bytes that are copied.

use crate::errno::Result;
use zerocopy::{FromBytes, Immutable, IntoBytes};

/// The memory of the program that makes a system call.
pub trait UserMemory {
    /// Copies bytes out of it.
    ///
    /// # Errors
    /// EFAULT where not all of them can be read.
    fn read_bytes(&mut self, address: u64, into: &mut [u8]) -> Result<()>;

    /// Copies bytes into it.
    ///
    /// # Errors
    /// EFAULT where not all of them can be written; some may have been.
    fn write_bytes(&mut self, address: u64, bytes: &[u8]) -> Result<()>;
}

impl dyn UserMemory + '_ {
    /// Reads a value.
    ///
    /// # Errors
    /// EFAULT.
    pub fn read<T: FromBytes + IntoBytes>(&mut self, address: u64) -> Result<T> {
        let mut value = T::new_zeroed();
        self.read_bytes(address, value.as_mut_bytes())?;
        Ok(value)
    }

    /// Writes a value.
    ///
    /// # Errors
    /// EFAULT.
    pub fn write<T: IntoBytes + Immutable + ?Sized>(&mut self, address: u64, value: &T) -> Result<()> {
        self.write_bytes(address, value.as_bytes())
    }
}
