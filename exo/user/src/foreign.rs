//! Accesses to memory that the environment does not hold, as its own exceptions.

use crate::call::{self, Failure};
use crate::exceptions::{self, ExceptionFrame};
use crate::{frames, vcpu};
use core::mem::transmute;
use core::ptr::{addr_of_mut, null_mut};
use core::sync::atomic::{AtomicPtr, Ordering};
use exo_abi::fault_page::{FAULT_VECTOR, FaultPage};

/// An access to memory that the environment does not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ForeignAccess {
    /// What was tried: [`READ`](exo_abi::fault_page::READ), [`WRITE`](exo_abi::fault_page::WRITE),
    /// [`EXECUTE`](exo_abi::fault_page::EXECUTE) and further bits.
    pub qualification: u64,
    /// The virtual address that was used.
    pub linear: u64,
    /// The physical address that it led to.
    pub physical: u64,
}

/// Makes the access possible, or gives up. On return the instruction runs again.
pub type Handler = fn(&ForeignAccess, &mut ExceptionFrame);

static HANDLER: AtomicPtr<()> = AtomicPtr::new(null_mut());

fn on_access(frame: &mut ExceptionFrame) {
    let page = frames::window(vcpu::pages().faults.load(Ordering::Acquire)).cast::<FaultPage>();
    // SAFETY: the boot page names this frame as the fault page, which stays mapped in the physical window. Volatile, as CPU
    // or kernel write it; they do not while it is busy, and it is from before this vector was raised to the last line.
    let access = unsafe {
        let FaultPage { qualification, linear, physical, .. } = page.read_volatile();
        addr_of_mut!((*page).busy).write_volatile(0);
        ForeignAccess { qualification, linear, physical }
    };
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
    exceptions::set_handler(FAULT_VECTOR, on_access);
    call::set_fault_delivery(true)
}
