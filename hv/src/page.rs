//! A kernel frame seen as one structure, which a guest may be shown read-only.

use crate::addr::FrameNumber;
use crate::pool::KernelFrame;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::ptr;
use zerocopy::{FromBytes, IntoBytes};

/// A structure in a frame of its own.
#[derive(Debug)]
pub struct Page<T> {
    frame: KernelFrame,
    content: PhantomData<T>,
}

impl<T: FromBytes + IntoBytes> Page<T> {
    /// The structure with all bytes zero; `None` where the pool is empty.
    #[must_use]
    pub fn new() -> Option<Self> {
        const { assert!(size_of::<T>() <= 4096 && align_of::<T>() <= 4096) };
        Some(Self { frame: KernelFrame::take()?, content: PhantomData })
    }

    /// The frame.
    #[must_use]
    pub fn number(&self) -> FrameNumber {
        self.frame.number()
    }
}

impl<T: FromBytes + IntoBytes> Deref for Page<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the frame is large enough and aligned (`new`), began as zeros, any bytes are a `T` (`FromBytes`), and it is
        // this page's alone: a guest has it read-only.
        unsafe { &*self.frame.pointer::<T>() }
    }
}

impl<T: FromBytes + IntoBytes> DerefMut for Page<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`; `&mut self` makes it the only reference.
        unsafe { &mut *self.frame.pointer::<T>() }
    }
}

/// A kernel frame that a guest may write as well: words that change under the kernel's hands.
#[derive(Debug)]
pub struct SharedPage {
    frame: KernelFrame,
}

impl SharedPage {
    /// A page of zeros; `None` where the pool is empty.
    #[must_use]
    pub fn new() -> Option<Self> {
        Some(Self { frame: KernelFrame::take()? })
    }

    /// The frame.
    #[must_use]
    pub fn number(&self) -> FrameNumber {
        self.frame.number()
    }

    /// The word of 32 bits at this offset in bytes, which is rounded down to one that is aligned and in the page.
    #[must_use]
    pub fn read(&self, offset: usize) -> u32 {
        // SAFETY: the offset is aligned and inside the frame, which is this page's; any bits are a `u32`, whoever wrote them.
        unsafe { ptr::read_volatile(self.frame.pointer::<u8>().add(offset & 0xffc).cast::<u32>()) }
    }

    /// Writes these words to the beginning of the page; what does not fit is left out.
    pub fn write(&self, words: &[u64]) {
        for (index, &word) in words.iter().enumerate().take(512) {
            // SAFETY: the word is aligned and inside the frame, which is this page's.
            unsafe { ptr::write_volatile(self.frame.pointer::<u64>().add(index), word) };
        }
    }
}
