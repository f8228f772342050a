//! Values in frames of their own: the kernel has no heap.

use super::{Account, KernelFrame};
use core::marker::PhantomData;
use core::mem::ManuallyDrop;
use core::ops::{Deref, DerefMut};

/// A value in a kernel frame of its own: the kernel has no heap.
#[derive(Debug)]
pub struct KernelBox<T> {
    frame: KernelFrame,
    value: PhantomData<T>,
}

impl<T> KernelBox<T> {
    /// Moves a value into a frame of the kernel's own; `None`, and the value is dropped, where there is none.
    #[must_use]
    pub fn new(value: T) -> Option<Self> {
        Self::new_in(Account::KERNEL, value)
    }

    /// The same in a frame of an account.
    #[must_use]
    pub fn new_in(account: Account, value: T) -> Option<Self> {
        const { assert!(size_of::<T>() <= 4096 && align_of::<T>() <= 4096) };
        let frame = KernelFrame::take_from(account)?;
        // SAFETY: the frame is large enough, aligned and this box's alone.
        unsafe { frame.pointer::<T>().write(value) };
        Some(Self { frame, value: PhantomData })
    }

    /// Moves the value out again.
    #[must_use]
    pub fn into_inner(boxed: Self) -> T {
        let boxed = ManuallyDrop::new(boxed);
        // SAFETY: the frame holds an initialised value; neither it nor the frame is used again, since `boxed` is not dropped.
        let (value, frame) = unsafe { (boxed.frame.pointer::<T>().read(), core::ptr::read(&raw const boxed.frame)) };
        drop(frame);
        value
    }
}

impl<T> Deref for KernelBox<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the frame holds an initialised value, and only this box refers to it.
        unsafe { &*self.frame.pointer::<T>() }
    }
}

impl<T> DerefMut for KernelBox<T> {
    fn deref_mut(&mut self) -> &mut T {
        // SAFETY: as in `deref`; `&mut self` makes it the only reference.
        unsafe { &mut *self.frame.pointer::<T>() }
    }
}

impl<T> Drop for KernelBox<T> {
    fn drop(&mut self) {
        // SAFETY: the value is initialised and nobody uses it after its box.
        unsafe { core::ptr::drop_in_place(self.frame.pointer::<T>()) };
    }
}
