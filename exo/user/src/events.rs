//! Events: from the pending word of a virtual CPU's page to handlers.
//!
//! The kernel raises one interrupt for what is not masked; its handler, [`poll`], or the end of a [`critical`] section take the
//! bits and run their handlers, with interrupts off. What has no handler is noted until somebody asks, see [`take_noted`].

mod dispatch;
#[cfg(test)]
mod tests;
mod wait;

pub use wait::{block, block_on, wait, yield_to};

use crate::exceptions::{self, ExceptionFrame};
use crate::{frames, revocation, vcpu};
use core::sync::atomic::Ordering;
use dispatch::{Handlers, Shared};
pub use exo_abi::events::{
    CALLER_GONE, CHILD_EXIT, CLAIM, CREDENTIAL_REVOKED, EventPage, INPUT, NOTIFICATION, REPOSSESSION, REVOCATION,
    SLICE_BEGIN, SLICE_END, TIMER,
};

/// An event as its handler sees it.
#[derive(Debug)]
pub struct Upcall<'u> {
    /// The event, one bit.
    pub event: u64,
    /// What was interrupted; `None` where the environment has looked itself. The handler may change it.
    pub frame: Option<&'u mut ExceptionFrame>,
}

/// Takes an event. It runs with interrupts off and must not wait for what the interrupted code may hold: no lock, no heap.
pub type Handler = fn(&mut Upcall<'_>);

static HANDLERS: Handlers = Handlers::new();

/// The page of this virtual CPU.
fn shared() -> Option<&'static Shared> {
    let physical = vcpu::pages().events.load(Ordering::Acquire);
    // SAFETY: the kernel named this frame as the event page, and keeps it mapped in the window for the life of the
    // environment; both sides use atomics on what both write.
    (physical != 0).then(|| unsafe { &*frames::window(physical).cast::<Shared>() })
}

/// A copy of this virtual CPU's event page, with the accounts of its slices.
#[must_use]
pub fn page() -> Option<EventPage> {
    let physical = vcpu::pages().events.load(Ordering::Acquire);
    // SAFETY: as for `shared`; volatile, because the kernel writes it too.
    (physical != 0).then(|| unsafe { frames::window(physical).cast::<EventPage>().read_volatile() })
}

fn on_interrupt(frame: &mut ExceptionFrame) {
    if let Some(shared) = shared() {
        HANDLERS.run(shared, Some(frame));
    }
    revocation::serve_directly();
}

/// Has events of this virtual CPU raise an interrupt on `vector`, 32..=255, when interrupts are on; 0 stops it. The library's
/// handler for that vector takes them.
pub fn set_vector(vector: u8) {
    if vector >= 32 {
        exceptions::set_handler(vector, on_interrupt);
    }
    if let Some(shared) = shared() {
        shared.vector.store(vector.into(), Ordering::SeqCst);
    }
}

/// Has `handler` take an event, one bit, on every virtual CPU.
pub fn set_handler(event: u64, handler: Handler) {
    HANDLERS.set(event, Some(handler));
}

/// Leaves an event without a handler.
pub fn clear_handler(event: u64) {
    HANDLERS.set(event, None);
}

/// Whether this virtual CPU is told of the end of its slices, and gets grace for it.
pub fn want_slice_end(wanted: bool) {
    if let Some(shared) = shared() {
        shared.wants_slice_end.store(wanted.into(), Ordering::SeqCst);
    }
}

/// The events that raise no interrupt here.
#[must_use]
pub fn mask() -> u64 {
    shared().map_or(0, |shared| shared.mask.load(Ordering::SeqCst))
}

/// Replaces the mask; the old one. What was pending and is no longer masked is taken before this returns.
pub fn set_mask(mask: u64) -> u64 {
    let Some(shared) = shared() else { return 0 };
    let before = shared.mask.swap(mask, Ordering::SeqCst);
    if shared.wants_attention() {
        poll();
    }
    before
}

/// Takes the events that are pending and not masked, and runs their handlers.
pub fn poll() {
    let Some(shared) = shared() else { return };
    x86_64::instructions::interrupts::without_interrupts(|| HANDLERS.run(shared, None));
}

/// Runs something without an upcall coming between. Interrupts stay as they are; whatever happens meanwhile is taken at the end.
/// Sections may nest.
pub fn critical<R>(section: impl FnOnce() -> R) -> R {
    let before = set_mask(u64::MAX);
    let result = section();
    set_mask(before);
    result
}

/// Events that came and had no handler, of those asked for. They are forgotten with this.
#[must_use]
pub fn take_noted(events: u64) -> u64 {
    HANDLERS.take_noted(events)
}
