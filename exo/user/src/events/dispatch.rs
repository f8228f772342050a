//! Taking bits and running handlers. Nothing here knows where the page is.

use super::{Handler, Upcall};
use crate::exceptions::ExceptionFrame;
use core::mem::{offset_of, transmute};
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use exo_abi::events::EventPage;

/// The words of an event page that a library OS writes.
#[repr(C)]
#[derive(Debug, Default)]
pub(super) struct Shared {
    pub(super) pending: AtomicU64,
    pub(super) mask: AtomicU64,
    pub(super) vector: AtomicU64,
    pub(super) wants_slice_end: AtomicU64,
}

const _: () = {
    assert!(offset_of!(EventPage, pending) == offset_of!(Shared, pending));
    assert!(offset_of!(EventPage, mask) == offset_of!(Shared, mask));
    assert!(offset_of!(EventPage, vector) == offset_of!(Shared, vector));
    assert!(offset_of!(EventPage, wants_slice_end) == offset_of!(Shared, wants_slice_end));
};

impl Shared {
    /// Whether something is pending and not masked.
    pub(super) fn wants_attention(&self) -> bool {
        self.pending.load(Ordering::SeqCst) & !self.mask.load(Ordering::SeqCst) != 0
    }

    /// Takes what is pending and not masked. What is masked stays, and so does what the kernel adds meanwhile.
    fn take(&self) -> u64 {
        let mask = self.mask.load(Ordering::SeqCst);
        self.pending.fetch_and(mask, Ordering::SeqCst) & !mask
    }
}

/// A handler for each bit.
pub(super) struct Handlers {
    handlers: [AtomicPtr<()>; 64],
    noted: AtomicU64,
}

impl Handlers {
    pub(super) const fn new() -> Self {
        Self { handlers: [const { AtomicPtr::new(null_mut()) }; 64], noted: AtomicU64::new(0) }
    }

    pub(super) fn set(&self, event: u64, handler: Option<Handler>) {
        let bit = usize::try_from(event.trailing_zeros()).unwrap_or(64);
        if let Some(place) = self.handlers.get(bit) {
            place.store(handler.map_or(null_mut(), |handler| handler as *mut ()), Ordering::Release);
        }
    }

    pub(super) fn take_noted(&self, events: u64) -> u64 {
        self.noted.fetch_and(!events, Ordering::Relaxed) & events
    }

    /// Takes events until none is left that is not masked.
    pub(super) fn run(&self, shared: &Shared, mut frame: Option<&mut ExceptionFrame>) {
        loop {
            let mut taken = shared.take();
            if taken == 0 {
                return;
            }
            while taken != 0 {
                let event = taken & taken.wrapping_neg();
                taken &= !event;
                self.run_one(&mut Upcall { event, frame: frame.as_deref_mut() });
            }
        }
    }

    fn run_one(&self, upcall: &mut Upcall<'_>) {
        let bit = usize::try_from(upcall.event.trailing_zeros()).unwrap_or(0);
        let handler = self.handlers[bit].load(Ordering::Acquire);
        if handler.is_null() {
            self.noted.fetch_or(upcall.event, Ordering::Relaxed);
        } else {
            // SAFETY: only `set` stores into the table, and it stores a `Handler`.
            unsafe { transmute::<*mut (), Handler>(handler)(upcall) }
        }
    }
}
