//! Accesses to memory that the environment does not hold, as its own exceptions.

pub use crate::exceptions::ForeignAccess;

use crate::call::{self, Failure};
use crate::exceptions::{self, ExceptionFrame};
use core::mem::transmute;
use core::ptr::null_mut;
use core::sync::atomic::{AtomicPtr, Ordering};

/// Makes the access possible, or gives up. On return the instruction runs again.
pub type Handler = fn(&ForeignAccess, &mut ExceptionFrame);

static HANDLER: AtomicPtr<()> = AtomicPtr::new(null_mut());

fn on_access(access: ForeignAccess, frame: &mut ExceptionFrame) {
    let handler = HANDLER.load(Ordering::Relaxed);
    // SAFETY: this function is reached only after `handle`, which stores a `Handler`.
    unsafe { transmute::<*mut (), Handler>(handler)(&access, frame) }
}

/// Hands all such accesses of this virtual CPU to `handler` from now on; before that, they end the environment. There is one
/// handler for all.
///
/// # Errors
/// None that the table names.
pub fn handle(handler: Handler) -> Result<(), Failure> {
    HANDLER.store(handler as *mut (), Ordering::Relaxed);
    exceptions::handle_fully(on_access);
    begin()
}

/// Has such accesses of this virtual CPU come as [`ForeignAccess`] exceptions, for which there is a handler: with
/// [`exceptions::handle`] it is one of the fast kind.
///
/// # Errors
/// None that the table names.
pub fn begin() -> Result<(), Failure> {
    call::set_fault_delivery(true)
}
