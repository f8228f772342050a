//! Protected memory by mprotect and SIGSEGV.

use crate::{Error, Meter, files, row, signals};
use measure::Operation;
use measure::appel_li::{OnFault, PAGE_BYTES, Region, STORE_BYTES, load, store};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

const READ: i32 = libc::PROT_READ;
const ANONYMOUS: i32 = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
const READ_WRITE: i32 = libc::PROT_READ | libc::PROT_WRITE;

/// Where the region is, for the handler.
static BASE: AtomicUsize = AtomicUsize::new(0);
static PAGES: AtomicUsize = AtomicUsize::new(0);
/// What the handler does: [`SKIP`], [`UNPROTECT`], or the number of the page to protect.
static ACTION: AtomicUsize = AtomicUsize::new(0);
const SKIP: usize = usize::MAX;
const UNPROTECT: usize = usize::MAX - 1;
/// What the handler has seen.
static FAULTS: AtomicU64 = AtomicU64::new(0);
static LAST: AtomicUsize = AtomicUsize::new(0);

fn protect(address: usize, bytes: usize, protection: i32) -> bool {
    let start = std::ptr::with_exposed_provenance_mut(address);
    // SAFETY: only called for pages of the region, which no reference leads to.
    unsafe { libc::mprotect(start, bytes, protection) == 0 }
}

extern "C" fn on_fault(_: i32, info: *mut libc::siginfo_t, context: *mut libc::c_void) {
    // SAFETY: the kernel passes both for a handler with SA_SIGINFO; nobody else has them.
    let (address, context) =
        unsafe { ((*info).si_addr().expose_provenance(), &mut *context.cast::<libc::ucontext_t>()) };
    let (base, pages) = (BASE.load(Ordering::Relaxed), PAGES.load(Ordering::Relaxed));
    if !(base..base + pages * PAGE_BYTES).contains(&address) {
        signals::fatal(c"a fault outside of the region\n");
    }
    FAULTS.fetch_add(1, Ordering::Relaxed);
    LAST.store(address, Ordering::Relaxed);
    let done = match ACTION.load(Ordering::Relaxed) {
        SKIP => {
            context.uc_mcontext.gregs[libc::REG_RIP as usize] += STORE_BYTES as i64;
            true
        }
        UNPROTECT => protect(address & !(PAGE_BYTES - 1), PAGE_BYTES, READ_WRITE),
        other => {
            protect(address & !(PAGE_BYTES - 1), PAGE_BYTES, READ_WRITE)
                && protect(base + other * PAGE_BYTES, PAGE_BYTES, READ)
        }
    };
    if !done {
        signals::fatal(c"mprotect failed in the handler\n");
    }
}

/// A place for so many bytes with nothing mapped, at the end of 2 MiB: a read of the page map goes on to that end whatever it is asked
/// for, so there it costs Linux least.
fn place(bytes: usize) -> Result<usize, Error> {
    const LARGE: usize = 2 << 20;
    let reserved = 2 * LARGE + bytes;
    // SAFETY: a new mapping that nobody uses.
    let start = unsafe { libc::mmap(std::ptr::null_mut(), reserved, libc::PROT_NONE, ANONYMOUS, -1, 0) };
    if start == libc::MAP_FAILED {
        return Err(std::io::Error::last_os_error().into());
    }
    // SAFETY: the whole of it, and still nobody uses it.
    unsafe { libc::munmap(start, reserved) };
    Ok((start.expose_provenance() + reserved) / LARGE * LARGE - bytes)
}

/// Pages that all hold something, with the only handler for SIGSEGV.
pub struct Protected {
    base: usize,
    /// What says which pages were written, and what forgets it; there on Linux only.
    dirty: Option<(files::Handle, files::Handle)>,
}

impl Protected {
    /// So many pages.
    pub fn new(pages: usize) -> Result<Protected, Error> {
        let bytes = pages * PAGE_BYTES;
        let flags = ANONYMOUS | libc::MAP_POPULATE;
        let base = place(bytes)?;
        let fixed = std::ptr::with_exposed_provenance_mut(base);
        // SAFETY: a new mapping where nothing is mapped, which only the region's stores and loads use.
        let start = unsafe { libc::mmap(fixed, bytes, READ_WRITE, flags | libc::MAP_FIXED_NOREPLACE, -1, 0) };
        if start == libc::MAP_FAILED {
            return Err(std::io::Error::last_os_error().into());
        }
        BASE.store(base, Ordering::Relaxed);
        PAGES.store(pages, Ordering::Relaxed);
        signals::handle(libc::SIGSEGV, on_fault)?;
        let map = files::Handle::open(c"/proc/self/pagemap", libc::O_RDONLY).ok();
        let references = files::Handle::open(c"/proc/self/clear_refs", libc::O_WRONLY).ok();
        Ok(Protected { base, dirty: map.zip(references) })
    }

    fn must(done: bool) {
        if !done {
            signals::fatal(c"mprotect failed\n");
        }
    }
}

impl Region for Protected {
    /// By the soft-dirty bits that the kernel shows in a file (Documentation/admin-guide/mm/soft-dirty.rst): one read for one page.
    const HAS_DIRTY: bool = true;

    fn address(&self, page: usize) -> usize {
        self.base + page * PAGE_BYTES
    }

    #[inline(always)]
    fn protect(&mut self, page: usize) {
        Self::must(protect(self.address(page), PAGE_BYTES, READ));
    }

    #[inline(always)]
    fn unprotect(&mut self, page: usize) {
        Self::must(protect(self.address(page), PAGE_BYTES, READ_WRITE));
    }

    #[inline(always)]
    fn protect_many(&mut self, pages: usize) {
        Self::must(protect(self.base, pages * PAGE_BYTES, READ));
    }

    #[inline(always)]
    fn unprotect_many(&mut self, pages: usize) {
        Self::must(protect(self.base, pages * PAGE_BYTES, READ_WRITE));
    }

    fn on_fault(&mut self, action: OnFault) {
        let action = match action {
            OnFault::Skip => SKIP,
            OnFault::Unprotect => UNPROTECT,
            OnFault::UnprotectAndProtect(other) => other,
        };
        ACTION.store(action, Ordering::Relaxed);
    }

    fn faults(&self) -> u64 {
        FAULTS.load(Ordering::Relaxed)
    }

    fn last_fault(&self) -> usize {
        LAST.load(Ordering::Relaxed)
    }

    #[inline(always)]
    fn is_dirty(&mut self, page: usize) -> bool {
        const SOFT_DIRTY: u64 = 1 << 55;
        let Some((map, _)) = self.dirty else { signals::fatal(c"/proc/self/pagemap or clear_refs is not there\n") };
        let entry = map.read_word((self.address(page) / PAGE_BYTES * size_of::<u64>()) as i64);
        entry & SOFT_DIRTY != 0
    }

    fn clean(&mut self, _: usize) {
        // Of the whole process at once: there is nothing finer.
        if let Some((_, references)) = self.dirty {
            references.write(b"4");
        }
    }
}

/// A read of a page that may not be accessed; its handler makes it accessible.
struct Fault<'a> {
    region: &'a mut Protected,
    found: u64,
}

impl Operation for Fault<'_> {
    fn prepare(&mut self, nonce: u64) {
        self.region.unprotect(0);
        self.region.on_fault(OnFault::Unprotect);
        // SAFETY: a word of the region, in a writable page.
        unsafe { store(self.region.address(0), nonce) };
        Protected::must(protect(self.region.address(0), PAGE_BYTES, libc::PROT_NONE));
    }

    #[inline(always)]
    fn run(&mut self) {
        // SAFETY: a word of the region, whose handler makes it accessible.
        self.found = unsafe { load(self.region.address(0)) };
    }

    fn evidence(&mut self) -> u64 {
        self.found
    }
}

/// `ept-fault`: the nearest thing is memory that may not be accessed.
pub fn fault(meter: &mut Meter, region: &mut Protected) -> Result<(), Error> {
    row(meter.row("ept-fault", &signals::fault().with_rings(2), &mut Fault { region, found: 0 }))
}
