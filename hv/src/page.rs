//! A kernel frame seen as one structure, which a guest may be shown read-only.

use crate::addr::FrameNumber;
use crate::pool::{Account, KernelFrame};
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
use core::ptr::{self, NonNull};
use core::sync::atomic::{AtomicU64, Ordering};
use zerocopy::{FromBytes, IntoBytes};

/// A structure in a frame of its own.
#[derive(Debug)]
pub struct Page<T> {
    frame: KernelFrame,
    content: PhantomData<T>,
}

impl<T: FromBytes + IntoBytes> Page<T> {
    /// The structure with all bytes zero, in a frame of this account; `None` where it has none.
    #[must_use]
    pub fn new_in(account: Account) -> Option<Self> {
        const { assert!(size_of::<T>() <= 4096 && align_of::<T>() <= 4096) };
        Some(Self { frame: KernelFrame::take_from(account)?, content: PhantomData })
    }

    /// The frame.
    #[must_use]
    pub fn number(&self) -> FrameNumber {
        self.frame.number()
    }
}

impl Page<[u64; 512]> {
    /// Where a word is, for assembly. It is there as long as the page.
    ///
    /// # Panics
    /// Where there is no such word.
    pub(crate) fn word(&self, index: usize) -> NonNull<u64> {
        assert!(index < 512, "a page has 512 words");
        // SAFETY: the word is inside the frame, whose pointer is not null.
        unsafe { NonNull::new_unchecked(self.frame.pointer::<u64>().add(index)) }
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
    /// A page of zeros in a frame of this account; `None` where it has none.
    #[must_use]
    pub fn new_in(account: Account) -> Option<Self> {
        Some(Self { frame: KernelFrame::take_from(account)? })
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

    /// A word of 64 bits at an offset in bytes, which is rounded down to one that is aligned and in the page.
    fn word(&self, offset: usize) -> &AtomicU64 {
        // SAFETY: the offset is aligned and inside the frame, which is this page's and lives as long; any bits are a `u64`, whoever
        // wrote them, and all that the kernel does with these words is atomic or volatile.
        unsafe { AtomicU64::from_ptr(self.frame.pointer::<u8>().add(offset & 0xff8).cast::<u64>()) }
    }

    /// Reads the word at this offset.
    #[must_use]
    pub fn read64(&self, offset: usize) -> u64 {
        // Acquire and Release here and below: what one side wrote before its word is there when the other sees the word.
        self.word(offset).load(Ordering::Acquire)
    }

    /// Writes the word at this offset.
    pub fn write64(&self, offset: usize, value: u64) {
        self.word(offset).store(value, Ordering::Release);
    }

    /// Sets bits of the word at this offset in one step.
    pub fn fetch_or64(&self, offset: usize, bits: u64) -> u64 {
        self.word(offset).fetch_or(bits, Ordering::AcqRel)
    }

    /// Writes these words to the beginning of the page; what does not fit is left out.
    pub fn write(&self, words: &[u64]) {
        for (index, &word) in words.iter().enumerate().take(512) {
            // SAFETY: the word is aligned and inside the frame, which is this page's.
            unsafe { ptr::write_volatile(self.frame.pointer::<u64>().add(index), word) };
        }
    }
}
