//! Exceptions and virtual memory for programs, by the library's fast handlers and its regions.

use crate::meter::Meter;
use alloc::string::{String, ToString};
use core::hint::black_box;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use exo_user::cpu;
use exo_user::exceptions::{self, Breakpoint, Interrupted, PageFault};
use exo_user::page_table::Flags;
use exo_user::region::{self, PageSize, Rights};
use measure::Plan;
use measure::appel_li::{self, HUNDRED, OnFault, Raise, Region, STORE_BYTES};
use spin::Once;

/// Where the pages are.
const PAGES_AT: u64 = 0x1000_8000_0000;

static PAGES: Once<region::Region> = Once::new();
static FAULTS: AtomicU64 = AtomicU64::new(0);
static LAST: AtomicU64 = AtomicU64::new(0);
/// What the handler does: a page to protect beside opening the one that faulted, or one of these.
static ACTION: AtomicUsize = AtomicUsize::new(SKIP);
const SKIP: usize = usize::MAX;
const UNPROTECT: usize = usize::MAX - 1;

/// A fault where none is expected ends the environment.
fn on_fault(fault: PageFault, interrupted: &mut Interrupted) {
    let found = PAGES.get().and_then(|pages| Some((pages, pages.page_of(fault.address)?)));
    let Some((pages, page)) = found else { exceptions::give_up(fault, interrupted) };
    // One virtual CPU, and no fault in a fault: nothing comes between.
    FAULTS.store(FAULTS.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    LAST.store(fault.address, Ordering::Relaxed);
    match ACTION.load(Ordering::Relaxed) {
        SKIP => interrupted.rip += STORE_BYTES as u64,
        UNPROTECT => pages.unprotect_page(page, Rights::Write),
        other => {
            pages.unprotect_page(page, Rights::Write);
            pages.protect_page(other, Rights::Read);
        }
    }
}

/// The pages as the operations see them.
struct Pages(&'static region::Region);

impl Region for Pages {
    const HAS_DIRTY: bool = true;

    fn address(&self, page: usize) -> usize {
        self.0.pointer(page).expose_provenance()
    }

    #[inline(always)]
    fn protect(&mut self, page: usize) {
        self.0.protect_page(page, Rights::Read);
    }

    #[inline(always)]
    fn unprotect(&mut self, page: usize) {
        self.0.unprotect(page..page + 1, Rights::Write);
        self.0.stale(page..page + 1).here();
    }

    /// As if the number were not known beforehand: else the compiler writes a hundred operations one after the other.
    #[inline(always)]
    fn protect_many(&mut self, pages: usize) {
        self.0.protect(0..black_box(pages), Rights::Read).here();
    }

    /// With a flush, so that no CPU faults for what it remembers: it would be allowed to.
    #[inline(always)]
    fn unprotect_many(&mut self, pages: usize) {
        let pages = black_box(pages);
        self.0.unprotect(0..pages, Rights::Write);
        self.0.stale(0..pages).here();
    }

    fn on_fault(&mut self, action: OnFault) {
        let number = match action {
            OnFault::Skip => SKIP,
            OnFault::Unprotect => UNPROTECT,
            OnFault::UnprotectAndProtect(page) => page,
        };
        ACTION.store(number, Ordering::Relaxed);
    }

    fn faults(&self) -> u64 {
        FAULTS.load(Ordering::Relaxed)
    }

    fn last_fault(&self) -> usize {
        usize::try_from(LAST.load(Ordering::Relaxed)).unwrap_or(0)
    }

    #[inline(always)]
    fn is_dirty(&mut self, page: usize) -> bool {
        self.0.is_dirty(page)
    }

    fn clean(&mut self, page: usize) {
        self.0.take_dirty(page..page + 1, |_| ()).here();
    }
}

/// What the handler of breakpoints finds, and where it puts it.
static PREPARED: AtomicU64 = AtomicU64::new(0);
static TAKEN: AtomicU64 = AtomicU64::new(0);

fn on_breakpoint(_: Breakpoint, _: &mut Interrupted) {
    TAKEN.store(PREPARED.load(Ordering::Relaxed), Ordering::Relaxed);
}

struct Breakpoints;

impl Raise for Breakpoints {
    fn prepare(&mut self, nonce: u64) {
        PREPARED.store(nonce, Ordering::Relaxed);
        TAKEN.store(!nonce, Ordering::Relaxed);
    }

    #[inline(always)]
    fn raise(&mut self) {
        cpu::breakpoint();
    }

    fn taken(&self) -> u64 {
        TAKEN.load(Ordering::Relaxed)
    }
}

/// The code that faults and its handlers are in ring 0, so nothing changes rings.
fn quiet() -> Plan {
    Plan::default().with_rings(0)
}

fn fault() -> Plan {
    quiet().with_exceptions(1)
}

/// `exception`.
pub fn exception(meter: &mut Meter) -> Result<(), String> {
    exceptions::handle(on_breakpoint);
    appel_li::exception(meter, &fault(), &mut Breakpoints).map_err(|failure| failure.to_string())
}

/// `trap`, `appel1`, `appel2`, `dirty`, `prot1`, `prot100` and `unprot100`.
pub fn regions(meter: &mut Meter) -> Result<(), String> {
    exceptions::handle(on_fault);
    let pages = PAGES.try_call_once(|| region::Region::new(PAGES_AT, HUNDRED, PageSize::Small, Flags::NO_EXECUTE));
    let pages = pages.map_err(|error| error.to_string())?;
    appel_li::all(meter, &fault(), &quiet(), &mut Pages(pages)).map_err(|failure| failure.to_string())
}
