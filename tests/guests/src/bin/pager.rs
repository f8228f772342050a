//! An example: a library OS whose data does not fit in its memory pages to another environment. `keeper` lends frames of its own;
//! `pager` binds them, and fills and evicts its pages from its own fault handler. Once they are bound nothing of it exits.
#![cfg_attr(target_os = "none", no_std)]
#![no_main]
#![allow(unsafe_code)] // memory that two environments share

extern crate alloc;

use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use exo_user::abi::boot_page::{BootPage, FrameRun};
use exo_user::abi::call::FRAMES_MAX;
use exo_user::abi::capability::SLOTS;
use exo_user::abi::info::{environment_state, frame_state};
use exo_user::call::{self, Kernel, Machine};
use exo_user::capability::{Capability, rights};
use exo_user::exceptions::{self, Interrupted, PageFault};
use exo_user::frames::{self, OwnedFrames, Wanted};
use exo_user::page_table::Flags;
use exo_user::region::{PageSize, Pager, Region, Store};
use exo_user::{eprintln, info, println};
use guests::exits;
use guests::kit::neighbour::Neighbour;
use guests::kit::until;
use spin::{Mutex, Once};

exo_user::entry!(main);

/// Pages of data, and frames that are lent for them: 4 MiB, twice the memory that the pager's environment has.
const PAGES: usize = 1024;
/// Pages that are in memory at a time.
const RESIDENT: usize = 96;
/// Where the data is.
const DATA: u64 = 0x1000_0000_0000;
/// What the keeper's name is followed by in the guard of what it lends.
const SUFFIX: &[u8] = b"lent";
const ACCESSES: u64 = 6000;

fn text(error: impl ToString) -> String {
    error.to_string()
}

fn found(name: &str) -> Result<Neighbour, String> {
    until("the other side runs", || Neighbour::named(name).is_some())?;
    Neighbour::named(name).ok_or_else(|| "the other side is gone".into())
}

/// Lends frames until the borrower ends, and then looks at what it left in them.
fn keep() -> Result<(), String> {
    let borrower = found("pager")?;
    let guard = Arc::new(Capability::own().derive(SUFFIX, rights::ALL).map_err(text)?);
    let lent = OwnedFrames::take(Arc::clone(&guard), Wanted::contiguous(PAGES as u64)).map_err(text)?;
    // The slot that the borrower has opened is the one that takes a grant.
    // SAFETY: nobody here refers to the frames while others can write them.
    let granted = |slot: u8| unsafe { guard.grant(borrower.id, slot, rights::READ | rights::WRITE, None) }.is_ok();
    let slots = u8::try_from(SLOTS).unwrap_or(u8::MAX);
    until("the borrower takes a capability", || (1..slots).any(granted))?;
    let runs = || info::environment(borrower.id).is_some_and(|record| record.state == environment_state::RUNNING);
    while runs() {
        call::yield_slice();
    }
    let words = lent.pointer(0).ok_or("no frames")?.cast::<u64>();
    // SAFETY: the words are in frames that this environment owns and has bound.
    let filled = (0..PAGES).filter(|page| unsafe { words.add(page * 512).read_volatile() } != 0).count();
    println!(
        "kept {PAGES} pages, {} of them filled",
        if filled >= PAGES - RESIDENT { "nearly all" } else { "too few" }
    );
    Ok(())
}

/// Frames of another environment, one after the other, bound here.
struct Lent {
    first: u64,
    /// Under which they are bound.
    _capability: Capability,
}

impl Lent {
    fn page(&self, page: usize) -> *mut u8 {
        frames::window((self.first + page as u64) << 12)
    }
}

impl Store for Lent {
    type Error = core::convert::Infallible;

    fn save(&mut self, page: usize, bytes: &[u8]) -> Result<(), Self::Error> {
        // SAFETY: the frame is bound to be written and in the window; nobody refers to it.
        unsafe { self.page(page).copy_from_nonoverlapping(bytes.as_ptr(), bytes.len()) };
        Ok(())
    }

    fn load(&mut self, page: usize, bytes: &mut [u8]) -> Result<(), Self::Error> {
        // SAFETY: as in `save`. Whoever lends frames can change what is in them: this is data, checked by those who use it.
        unsafe { self.page(page).copy_to_nonoverlapping(bytes.as_mut_ptr(), bytes.len()) };
        Ok(())
    }
}

/// Binds what the keeper lends.
fn borrow() -> Result<Lent, String> {
    let keeper = found("keeper")?;
    let capability = Capability::accept(keeper.id).map_err(text)?;
    let guard = keeper.guard.extended(SUFFIX).ok_or("the name is long")?;
    let is_lent = |&frame: &u64| {
        info::frame(frame).is_some_and(|record| {
            record.state == frame_state::OWNED
                && u32::from(record.owner_index) == keeper.id.index
                && record.guard == guard
        })
    };
    let slot = capability.slot().into();
    let bind = |first: u64, count: u64| {
        // SAFETY: nothing refers to these frames.
        unsafe { Machine.bind_run(0, 0, slot, rights::READ | rights::WRITE, first, count) }.map(drop)
    };
    let mut first = None;
    until("the frames are lent", || {
        first = first.or_else(|| (0..info::frame_count()).find(is_lent));
        first.is_some_and(|first| bind(first, 1).is_ok())
    })?;
    let first = first.ok_or("no frames")?;
    let mut at = first + 1;
    while at < first + PAGES as u64 {
        let count = (first + PAGES as u64 - at).min(FRAMES_MAX);
        bind(at, count).map_err(text)?;
        at += count;
    }
    frames::extend_window(FrameRun { first, count: PAGES as u64 }).map_err(text)?;
    Ok(Lent { first, _capability: capability })
}

static REGION: Once<Region> = Once::new();
static PAGER: Mutex<Option<Pager<Lent>>> = Mutex::new(None);

/// Brings the page. Nobody who touches the data holds the pager.
fn on_fault(fault: PageFault, interrupted: &mut Interrupted) {
    let region = REGION.get();
    let page = region.and_then(|region| region.page_of(fault.address));
    let (Some(region), Some(page), Some(mut pager)) = (region, page, PAGER.try_lock()) else {
        exceptions::give_up(fault, interrupted)
    };
    // SAFETY: this environment has one virtual CPU.
    if pager.as_mut().is_none_or(|pager| unsafe { pager.bring(region, page) }.is_err()) {
        exceptions::give_up(fault, interrupted);
    }
}

/// A word of the data.
fn word(region: &Region, page: usize, place: usize) -> *mut u64 {
    region.pointer(page).cast::<u64>().wrapping_add(place)
}

/// Numbers that tell nothing of each other (xorshift64, Marsaglia 2003).
fn next(random: &mut u64) -> u64 {
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    *random
}

/// Reads and writes all over the data, beside a model that holds one word of each page; how many words were wrong.
fn work(region: &Region) -> usize {
    let mut random = 0x9e37_79b9_7f4a_7c15;
    let mut model: Vec<(usize, u64)> = vec![(0, 0); PAGES];
    let mut wrong = 0;
    for step in 0..ACCESSES {
        let number = next(&mut random);
        // First all pages in a row, then here and there.
        let chance = usize::try_from(number % PAGES as u64).unwrap_or(0);
        let page = usize::try_from(step).ok().filter(|&step| step < PAGES).unwrap_or(chance);
        let (place, value) = model[page];
        // SAFETY: a word of the region, which the handler brings.
        wrong += usize::from(unsafe { word(region, page, place).read_volatile() } != value);
        if number >> 63 == 0 || step < PAGES as u64 {
            let place = usize::try_from(number >> 32 & 511).unwrap_or(0);
            // SAFETY: as above. The old word is cleared, so that pages can be compared as a whole.
            unsafe {
                word(region, page, model[page].0).write_volatile(0);
                word(region, page, place).write_volatile(number | 1);
                // The keeper looks at the first word.
                word(region, page, 0).write_volatile(if place == 0 { number | 1 } else { 1 });
            }
            model[page] = (place, number | 1);
        }
    }
    for (page, &(place, value)) in model.iter().enumerate() {
        for at in 0..512 {
            let expected = if at == place { value } else { u64::from(at == 0) };
            // SAFETY: as above.
            wrong += usize::from(unsafe { word(region, page, at).read_volatile() } != expected);
        }
    }
    wrong
}

fn page() -> Result<(), String> {
    let lent = borrow()?;
    let reserved = Region::reserve(DATA, PAGES, PageSize::Small, Flags::NO_EXECUTE).map_err(text)?;
    let region = REGION.call_once(|| reserved);
    *PAGER.lock() = Some(Pager::new(region, RESIDENT, lent));
    exceptions::handle(on_fault);
    let (wrong, exits) = exits::during(|| work(region));
    let pager = PAGER.lock().take().ok_or("no pager")?;
    let enough = pager.evictions() > ACCESSES / 2 && pager.resident() == RESIDENT;
    println!(
        "paged {PAGES} pages through {} frames: {wrong} wrong, {} exits, {} evictions",
        pager.resident(),
        exits.caused(),
        if enough { "thousands of" } else { "too few" },
    );
    if wrong == 0 && exits.caused() == 0 && enough { Ok(()) } else { Err(format!("{} evictions", pager.evictions())) }
}

fn main(boot: &'static BootPage) -> u32 {
    let outcome = match boot.arguments() {
        "keeper" => keep(),
        _ => page(),
    };
    if let Err(reason) = &outcome {
        eprintln!("{}: {reason}", boot.name());
    }
    u32::from(outcome.is_err())
}
