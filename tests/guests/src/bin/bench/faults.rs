//! Accesses to memory that the environment does not hold or has not bound, repaired by its own handler.

use crate::meter::Meter;
use alloc::format;
use alloc::string::{String, ToString};
use core::sync::atomic::{AtomicPtr, AtomicU64, Ordering};
use exo_user::abi::capability::rights;
use exo_user::call::{Failure, Kernel, Machine};
use exo_user::cpu;
use exo_user::exceptions::{self, ForeignAccess, Interrupted};
use exo_user::foreign;
use exo_user::frames::{allocate, pointer, window};
use exo_user::page_table::{self, Flags};
use measure::{Operation, Plan};

/// Where the operations touch memory.
const PAGE: u64 = 0x1000_1000_0000;
/// The kernel's image: memory that no environment holds.
const FOREIGN: u64 = 0x20_0000;
const WRITABLE: u64 = 3;
/// The slot of the environment's own capability.
const OWN: u8 = 0;
const READ_WRITE: u64 = rights::READ | rights::WRITE;

/// The page-table entry of [`PAGE`], and what it must hold to lead to a frame of the guest's own.
static PAGE_ENTRY: AtomicPtr<u64> = AtomicPtr::new(core::ptr::null_mut());
static OWN_FRAME: AtomicU64 = AtomicU64::new(0);

/// The entry of [`PAGE`], which nothing else uses, with its tables made.
fn page_entry(frame: u64) -> Result<page_table::Entry, String> {
    if PAGE_ENTRY.load(Ordering::Relaxed).is_null() {
        // SAFETY: nothing else is mapped at this page.
        unsafe { page_table::map(PAGE, frame, Flags::PRESENT | Flags::WRITABLE) }.map_err(|error| error.to_string())?;
        PAGE_ENTRY.store(page_table::entry(PAGE).place(), Ordering::Relaxed);
    }
    Ok(page_table::entry(PAGE))
}

fn point_at_own(_access: ForeignAccess, _interrupted: &mut Interrupted) {
    // SAFETY: the entry is that of a page which nothing else uses; it leads to the guest's own frame.
    unsafe { PAGE_ENTRY.load(Ordering::Relaxed).write_volatile(OWN_FRAME.load(Ordering::Relaxed)) };
    cpu::invalidate_page(PAGE);
}

/// Touches a frame that the environment does not hold; its handler points the page at one that it holds.
struct Repoint {
    entry: page_table::Entry,
    own: *mut u64,
    found: u64,
}

impl Operation for Repoint {
    fn prepare(&mut self, nonce: u64) {
        // SAFETY: the frame is the guest's own; the entry's page is not in use until it is touched.
        unsafe {
            self.own.write_volatile(nonce);
            self.entry.set(FOREIGN | WRITABLE);
        }
        cpu::invalidate_page(PAGE);
    }

    #[inline(always)]
    fn run(&mut self) {
        // SAFETY: the handler makes the page lead to the guest's own frame.
        self.found = unsafe { pointer::<u64>(PAGE).read_volatile() };
    }

    fn evidence(&mut self) -> u64 {
        self.found
    }
}

/// `ept-fault`.
pub fn repoint(meter: &mut Meter) -> Result<(), String> {
    let frame = allocate().ok_or("no frame")?.leak();
    let entry = page_entry(frame)?;
    OWN_FRAME.store(frame | WRITABLE, Ordering::Relaxed);
    exceptions::handle(point_at_own);
    foreign::begin().map_err(|error| error.to_string())?;
    let mut operation = Repoint { entry, own: window(frame).cast(), found: 0 };
    let plan = Plan::default().with_rings(0).with_exceptions(1);
    meter.row("ept-fault", &plan, &mut operation).map_err(|failure| failure.to_string())
}

fn bind_it(access: ForeignAccess, _interrupted: &mut Interrupted) {
    // SAFETY: the frame is the environment's own, and only the benchmark's page leads there.
    let _ = unsafe { Machine.bind_run(0, 0, OWN.into(), READ_WRITE, access.physical >> 12, 1) };
}

/// Touches a frame that the environment owns and has not bound; its handler binds it.
struct Bind {
    frame: u64,
    found: u64,
}

impl Operation for Bind {
    fn prepare(&mut self, nonce: u64) {
        // SAFETY: the handler binds the frame, which is the environment's own, at the first touch; then it is unbound, and keeps what
        // was written.
        unsafe {
            pointer::<u64>(PAGE).write_volatile(nonce);
            let _ = Machine.unbind_run(0, 0, 0, self.frame, 1);
        }
    }

    #[inline(always)]
    fn run(&mut self) {
        // SAFETY: as above.
        self.found = unsafe { pointer::<u64>(PAGE).read_volatile() };
    }

    fn evidence(&mut self) -> u64 {
        self.found
    }
}

/// `ept-fault-bind`.
pub fn bind(meter: &mut Meter) -> Result<(), String> {
    let failed = |what: &'static str| move |failure: Failure| format!("{what}: {failure:?}");
    let frame = crate::frames::free_run(0, 2)?;
    Machine.allocate_run(OWN, frame, 2).map_err(failed("allocate"))?;
    // The EPT table is there already, as for an environment that has other frames near this one.
    // SAFETY: nothing refers to the frame, which was nobody's a moment ago.
    unsafe { Machine.bind_run(0, 0, OWN.into(), READ_WRITE, frame + 1, 1) }.map_err(failed("bind"))?;
    let entry = page_entry(frame << 12)?;
    // SAFETY: nothing else uses the page.
    unsafe { entry.set(frame << 12 | WRITABLE) };
    cpu::invalidate_page(PAGE);
    exceptions::handle(bind_it);
    foreign::begin().map_err(|error| error.to_string())?;
    let plan = Plan::default().with_rings(0).with_exceptions(1);
    meter.row("ept-fault-bind", &plan, &mut Bind { frame, found: 0 }).map_err(|failure| failure.to_string())
}
