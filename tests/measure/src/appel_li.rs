//! The operations by which Appel and Li judge virtual memory for user programs (ASPLOS 1991), written once for every system that has
//! a [`Region`].
//!
//! Each run has a nonce. Where a store goes through in the end, the nonce is stored and read back; where none does, its place in the
//! page is made of the nonce, and the handler must have been told that address.

use crate::{Bench, Failure, Plan, Transitions};
use core::arch::asm;
use core::fmt;

mod operations;
#[cfg(test)]
mod tests;

use operations::{Appel1, Appel2, Dirty, Exception, Protect1, Protect100, Trap, Unprotect100};

/// Pages that the operations on a hundred use, the first of the region.
pub const HUNDRED: usize = 100;
/// Bytes of a page.
pub const PAGE_BYTES: usize = 4096;

/// What the handler does with the faults to come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnFault {
    /// Notes the address and goes on behind the store, which is one of [`store`], [`STORE_BYTES`] long, and is not done.
    Skip,
    /// Makes the page that the fault is in writable; the store is done again.
    Unprotect,
    /// Makes the page writable, and this one read-only; the store is done again.
    UnprotectAndProtect(usize),
}

/// Pages of memory, [`HUNDRED`] at least and present, that can be made read-only and writable again, and a handler for the faults that
/// result. Pages have numbers from 0. All begin writable.
pub trait Region {
    /// Where page `page` begins.
    fn address(&self, page: usize) -> usize;

    /// Makes a page read-only, for any store after this.
    fn protect(&mut self, page: usize);

    /// Makes a page writable.
    fn unprotect(&mut self, page: usize);

    /// Makes the pages below `pages` read-only in whatever is the cheapest way, such as with one flush.
    fn protect_many(&mut self, pages: usize);

    /// Makes the pages below `pages` writable in whatever is the cheapest way.
    fn unprotect_many(&mut self, pages: usize);

    /// Sets what the handler does. A page fault that it did not expect should end the program.
    fn on_fault(&mut self, action: OnFault);

    /// Page faults that the handler has taken so far.
    fn faults(&self) -> u64;

    /// The address whose store faulted last.
    fn last_fault(&self) -> usize;

    /// Whether the page was stored to since [`Region::clean`]. Only asked where [`Region::HAS_DIRTY`].
    fn is_dirty(&mut self, page: usize) -> bool;

    /// Makes the page count as not stored to.
    fn clean(&mut self, page: usize);

    /// Whether this system can say what was stored to.
    const HAS_DIRTY: bool;
}

/// Exceptions that are no page faults, and a handler for them.
pub trait Raise {
    /// What the handler is to find; unmeasured.
    fn prepare(&mut self, nonce: u64);

    /// Raises an exception whose handler takes what was prepared and resumes behind the instruction.
    fn raise(&mut self);

    /// What the handler took since [`Raise::prepare`]; never the nonce before it ran.
    fn taken(&self) -> u64;
}

/// Bytes of the store in [`store`]: what a handler adds to the instruction pointer to skip it.
pub const STORE_BYTES: usize = 3;

/// Stores one word by an instruction of [`STORE_BYTES`] bytes. It may fault.
///
/// # Safety
/// `address` is in a [`Region`], aligned to 8 bytes, and no reference to it exists. If the page is read-only, the region has a handler.
#[inline(always)]
pub unsafe fn store(address: usize, value: u64) {
    // SAFETY: the caller's conditions; `mov [rdi], rsi` is 48 89 37, and a handler restores what it changes.
    unsafe { asm!("mov [rdi], rsi", in("rdi") address, in("rsi") value, options(nostack, preserves_flags)) }
}

/// Reads one word back.
///
/// # Safety
/// As for [`store`]; the page is present, so this does not fault.
#[must_use]
pub unsafe fn load(address: usize) -> u64 {
    // SAFETY: the caller's conditions.
    unsafe { core::ptr::with_exposed_provenance::<u64>(address).read_volatile() }
}

/// Measures and prints `exception`.
pub fn exception<T: Transitions, W: FnMut(fmt::Arguments<'_>)>(
    bench: &mut Bench<T, W>,
    plan: &Plan,
    raise: &mut impl Raise,
) -> Result<(), Failure> {
    bench.row("exception", plan, &mut Exception(raise))
}

/// Measures and prints a fault that is skipped.
pub fn trap<T: Transitions, W: FnMut(fmt::Arguments<'_>), R: Region>(
    bench: &mut Bench<T, W>,
    id: &'static str,
    plan: &Plan,
    region: &mut R,
) -> Result<(), Failure> {
    bench.row(id, plan, &mut Trap::new(region))
}

/// Measures and prints `trap`, `appel1`, `appel2`, `dirty` where there is such a thing, `prot1`, `prot100` and `unprot100`. `fault` is how
/// to measure a fault that is skipped, with what that costs in transitions by declaration; `call` the same for one call that changes
/// or looks at protection. What the others cost follows.
pub fn all<T: Transitions, W: FnMut(fmt::Arguments<'_>), R: Region>(
    bench: &mut Bench<T, W>,
    fault: &Plan,
    call: &Plan,
    region: &mut R,
) -> Result<(), Failure> {
    let hundred = |plan: Plan| Plan { each: HUNDRED as u64, warm_up: 10, ..plan };
    // So many faults and so many calls.
    let of = |faults: u64, calls: u64| {
        let sum = |fault: Option<u64>, call: Option<u64>| Some(fault? * faults + call? * calls);
        Plan {
            vmfunc: sum(fault.vmfunc, call.vmfunc),
            ring: sum(fault.ring, call.ring),
            exceptions: sum(fault.exceptions, call.exceptions),
            ..*fault
        }
    };
    let pages = HUNDRED as u64;
    trap(bench, "trap", fault, region)?;
    bench.row("appel1", &of(1, 2), &mut Appel1::new(region))?;
    bench.row("appel2", &hundred(of(pages, pages + 1)), &mut Appel2::new(region))?;
    if R::HAS_DIRTY {
        bench.row("dirty", call, &mut Dirty::new(region))?;
    }
    bench.row("prot1", call, &mut Protect1::new(region))?;
    bench.row("prot100", &hundred(*call), &mut Protect100::new(region))?;
    bench.row("unprot100", &hundred(*call), &mut Unprotect100::new(region))
}
