//! Pages by the hundred.

use crate::files::Handle;
use crate::{Error, Meter, row};
use measure::appel_li::{HUNDRED, PAGE_BYTES};
use measure::{Operation, Plan};
use std::ptr::null_mut;

const BYTES: usize = HUNDRED * PAGE_BYTES;
const READ_WRITE: i32 = libc::PROT_READ | libc::PROT_WRITE;

/// The first words of a hundred mapped pages.
fn words(start: *mut libc::c_void) -> impl Iterator<Item = *mut u64> {
    // SAFETY: the mapping is that long.
    (0..HUNDRED).map(move |page| unsafe { start.byte_add(page * PAGE_BYTES).cast() })
}

/// The nonce if all pages hold it.
fn holds(start: *mut libc::c_void, nonce: u64) -> u64 {
    // SAFETY: only called with pages that are mapped.
    if words(start).all(|word| unsafe { word.read_volatile() } == nonce) { nonce } else { !nonce }
}

fn unmap(start: *mut libc::c_void) -> bool {
    // SAFETY: nothing refers to the pages.
    unsafe { libc::munmap(start, BYTES) == 0 }
}

/// New memory, which the kernel has to fill with zeroes and map at the first touch of each page.
struct Allocate {
    start: *mut libc::c_void,
    nonce: u64,
}

impl Operation for Allocate {
    fn prepare(&mut self, nonce: u64) {
        self.nonce = nonce;
    }

    #[inline(always)]
    fn run(&mut self) {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        // SAFETY: a new mapping, which only this operation uses.
        self.start = unsafe { libc::mmap(null_mut(), BYTES, READ_WRITE, flags, -1, 0) };
        if self.start != libc::MAP_FAILED {
            // SAFETY: the pages were mapped just now.
            words(self.start).for_each(|word| unsafe { word.write_volatile(self.nonce) });
        }
    }

    fn evidence(&mut self) -> u64 {
        if self.start == libc::MAP_FAILED {
            return !self.nonce;
        }
        let evidence = holds(self.start, self.nonce);
        unmap(self.start);
        evidence
    }
}

/// `alloc100`: a page of it.
pub fn allocate(meter: &mut Meter) -> Result<(), Error> {
    let plan = Plan::of(HUNDRED as u64).with_rings(1).with_exceptions(HUNDRED as u64);
    row(meter.row("alloc100", &plan, &mut Allocate { start: libc::MAP_FAILED, nonce: 0 }))
}

/// Pages of a file in memory that are there already, mapped and unmapped over and over.
struct Shared {
    file: Handle,
    nonce: u64,
    start: *mut libc::c_void,
}

impl Shared {
    #[inline(always)]
    fn map(&mut self) {
        let flags = libc::MAP_SHARED | libc::MAP_POPULATE;
        // SAFETY: a new mapping, which only this operation uses.
        self.start = unsafe { libc::mmap(null_mut(), BYTES, READ_WRITE, flags, self.file.number(), 0) };
    }

    fn write(&mut self, nonce: u64) {
        self.nonce = nonce;
        for page in 0..HUNDRED {
            // SAFETY: the bytes are there, and the file is that long.
            unsafe {
                let place = i64::try_from(page * PAGE_BYTES).unwrap_or(0);
                libc::pwrite(self.file.number(), nonce.to_ne_bytes().as_ptr().cast(), 8, place);
            }
        }
    }
}

struct Map(Shared);

impl Operation for Map {
    fn prepare(&mut self, nonce: u64) {
        self.0.write(nonce);
    }

    #[inline(always)]
    fn run(&mut self) {
        self.0.map();
    }

    fn evidence(&mut self) -> u64 {
        if self.0.start == libc::MAP_FAILED {
            return !self.0.nonce;
        }
        let evidence = holds(self.0.start, self.0.nonce);
        unmap(self.0.start);
        evidence
    }
}

struct Unmap(Shared);

impl Operation for Unmap {
    fn prepare(&mut self, nonce: u64) {
        self.0.nonce = nonce;
        self.0.map();
    }

    #[inline(always)]
    fn run(&mut self) {
        unmap(self.0.start);
    }

    fn evidence(&mut self) -> u64 {
        let mut present = [0_u8; HUNDRED];
        // SAFETY: there is room for a byte for each page. It fails where pages are not mapped.
        let answer = unsafe { libc::mincore(self.0.start, BYTES, present.as_mut_ptr()) };
        if answer == -1 { self.0.nonce } else { !self.0.nonce }
    }
}

/// `bind100` and `unbind100`: a page of it.
pub fn map_and_unmap(meter: &mut Meter) -> Result<(), Error> {
    let plan = Plan::of(HUNDRED as u64).with_rings(1);
    let file = Handle::memory(i64::try_from(BYTES)?)?;
    let shared = || Shared { file, nonce: 0, start: libc::MAP_FAILED };
    row(meter.row("bind100", &plan, &mut Map(shared())))?;
    row(meter.row("unbind100", &plan, &mut Unmap(shared())))
}
