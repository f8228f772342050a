//! A vector of fixed capacity: nothing can be allocated before the memory map is known.

use core::fmt;
use core::ops::Deref;

/// At most `N` values of a plain type, in the order in which they were pushed.
#[derive(Clone, Copy)]
pub struct List<T, const N: usize> {
    elements: [T; N],
    length: usize,
}

impl<T: Copy + Default, const N: usize> List<T, N> {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self { elements: [T::default(); N], length: 0 }
    }

    /// Appends a value; `false` where the list is full.
    #[must_use]
    pub fn push(&mut self, value: T) -> bool {
        let Some(free) = self.elements.get_mut(self.length) else { return false };
        *free = value;
        self.length += 1;
        true
    }

    /// Forgets all values from `length` on.
    pub fn truncate(&mut self, length: usize) {
        self.length = self.length.min(length);
    }

    /// The values, changeable.
    #[must_use]
    pub fn as_mut_slice(&mut self) -> &mut [T] {
        &mut self.elements[..self.length]
    }
}

impl<T: Copy + Default, const N: usize> Default for List<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> Deref for List<T, N> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.elements[..self.length]
    }
}

impl<T: fmt::Debug, const N: usize> fmt::Debug for List<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.iter()).finish()
    }
}

impl<T: PartialEq, const N: usize> PartialEq for List<T, N> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}
