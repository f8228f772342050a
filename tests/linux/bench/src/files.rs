//! File descriptors, used by bare system calls so that nothing but the call is measured.

use crate::{Error, checked};
use std::ffi::CStr;

/// An open file, open to the end.
#[derive(Clone, Copy, Debug)]
pub struct Handle(i32);

impl Handle {
    /// Opens a file that exists.
    pub fn open(path: &CStr, flags: i32) -> Result<Handle, Error> {
        // SAFETY: the path ends with 0.
        let file = unsafe { libc::open(path.as_ptr(), flags) };
        checked(file, &path.to_string_lossy())?;
        Ok(Handle(file))
    }

    /// A pipe: what is read from, and what is written to.
    pub fn pipe() -> Result<(Handle, Handle), Error> {
        let mut ends = [0; 2];
        // SAFETY: there is room for both.
        checked(unsafe { libc::pipe(ends.as_mut_ptr()) }, "pipe")?;
        Ok((Handle(ends[0]), Handle(ends[1])))
    }

    /// A file in memory, of so many bytes.
    pub fn memory(bytes: i64) -> Result<Handle, Error> {
        // SAFETY: the name ends with 0.
        let file = unsafe { libc::memfd_create(c"bench".as_ptr(), 0) };
        checked(file, "memfd_create")?;
        // SAFETY: no memory is involved.
        checked(unsafe { libc::ftruncate(file, bytes) }, "ftruncate")?;
        Ok(Handle(file))
    }

    /// The number that the kernel knows it by.
    pub fn number(self) -> i32 {
        self.0
    }

    /// The word at a place; all ones where there is none.
    #[inline(always)]
    pub fn read_word(self, place: i64) -> u64 {
        let mut word = [0; 8];
        // SAFETY: there is room for what is asked for.
        let count = unsafe { libc::pread(self.0, word.as_mut_ptr().cast(), word.len(), place) };
        if count == 8 { u64::from_ne_bytes(word) } else { u64::MAX }
    }

    /// What of a file's bytes from a place on fits the buffer.
    pub fn read_at(self, buffer: &mut [u8], place: i64) -> Option<&[u8]> {
        // SAFETY: there is room for what is asked for.
        let count = unsafe { libc::pread(self.0, buffer.as_mut_ptr().cast(), buffer.len(), place) };
        buffer.get(..usize::try_from(count).ok()?)
    }

    /// The next word of a pipe; `None` when the other side is gone.
    #[inline(always)]
    pub fn receive(self) -> Option<u64> {
        let mut word = [0; 8];
        // SAFETY: there is room for what is asked for.
        let count = unsafe { libc::read(self.0, word.as_mut_ptr().cast(), word.len()) };
        (count == 8).then(|| u64::from_ne_bytes(word))
    }

    /// Writes bytes; the reader notices if it fails.
    #[inline(always)]
    pub fn write(self, bytes: &[u8]) -> bool {
        // SAFETY: the bytes are there.
        let count = unsafe { libc::write(self.0, bytes.as_ptr().cast(), bytes.len()) };
        usize::try_from(count) == Ok(bytes.len())
    }

    /// Closes this number of it.
    pub fn close(self) {
        // SAFETY: nobody uses the number after this.
        unsafe { libc::close(self.0) };
    }
}
