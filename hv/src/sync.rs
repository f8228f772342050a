//! Atomics for what is shared between CPUs without a lock: the CPU's, or in a build with `--cfg loom` those of `loom`, which tries every order that the memory model allows.

#[cfg(not(all(test, loom)))]
pub(crate) use core::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering, fence};
#[cfg(all(test, loom))]
pub(crate) use loom::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

/// `loom` lets another thread run before an access to something that both use, but not before a fence: so this is one.
#[cfg(all(test, loom))]
pub(crate) fn fence(ordering: Ordering) {
    loom::lazy_static! {
        static ref FENCES: AtomicU64 = AtomicU64::new(0);
    }
    FENCES.fetch_add(1, Ordering::Relaxed);
    loom::sync::atomic::fence(ordering);
}

/// A function that is `const`, but not with `loom`, whose atomics are made at run time.
macro_rules! const_fn {
    ($(#[$attribute:meta])* $visibility:vis fn $($rest:tt)*) => {
        #[cfg(not(all(test, loom)))]
        $(#[$attribute])*
        $visibility const fn $($rest)*
        #[cfg(all(test, loom))]
        $(#[$attribute])*
        $visibility fn $($rest)*
    };
}

/// An array of as many values made by the same expression, `const` where [`const_fn`] is.
#[cfg(not(all(test, loom)))]
macro_rules! array {
    ($value:expr; $count:expr) => {
        [const { $value }; $count]
    };
}
#[cfg(all(test, loom))]
macro_rules! array {
    ($value:expr; $count:expr) => {
        core::array::from_fn(|_| $value)
    };
}

pub(crate) use {array, const_fn};
