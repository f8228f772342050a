//! A kernel frame seen as one structure, which a guest may be shown read-only.

use crate::addr::FrameNumber;
use crate::pool::KernelFrame;
use core::marker::PhantomData;
use core::ops::{Deref, DerefMut};
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
