//! The primitives of Appel and Li on regions of both page sizes.

use crate::{COUNT, Item, Random, item, same};
use alloc::format;
use alloc::string::String;
use core::sync::atomic::{AtomicUsize, Ordering};
use exo_user::exceptions::{self, Interrupted, PageFault};
use exo_user::page_table::Flags;
use exo_user::region::{PageSize, Region, Resolution, Rights};
use spin::Once;

pub const ITEMS: &[Item] = &[
    item("trap", prepare_small, trap),
    item("dirty", prepare_small, dirty),
    item("prot1", prepare_small, prot1),
    item("prot100-unprot100", prepare_small, prot100),
    item("appel1", prepare_small, appel1),
    item("appel2", prepare_small, appel2),
    item("trap-large", prepare_large, trap),
    item("dirty-large", prepare_large, dirty),
    item("appel1-large", prepare_large, appel1),
    item("appel2-large", prepare_large, appel2),
];

const SMALL_AT: u64 = 0x1100_0000_0000;
const LARGE_AT: u64 = 0x1200_0000_0000;

static SMALL: Once<Region> = Once::new();
static LARGE: Once<Region> = Once::new();
/// Which of both is tried, as a number of pages: the regions differ in it.
static PAGES: AtomicUsize = AtomicUsize::new(0);
/// Faults taken, and the page that the handler protects in place of the one that it opens, plus one.
static FAULTS: AtomicUsize = AtomicUsize::new(0);
static NEXT: AtomicUsize = AtomicUsize::new(0);

const SMALL_PAGES: usize = 100;
const LARGE_PAGES: usize = 4;

fn region() -> Result<&'static Region, String> {
    let one = if PAGES.load(Ordering::Relaxed) == LARGE_PAGES { &LARGE } else { &SMALL };
    one.get().ok_or_else(|| "no region".into())
}

fn prepare(one: &Once<Region>, at: u64, pages: usize, size: PageSize) -> Result<(), String> {
    PAGES.store(pages, Ordering::Relaxed);
    one.try_call_once(|| Region::new(at, pages, size, Flags::NO_EXECUTE)).map_err(|error| format!("{error}"))?;
    exceptions::handle(on_fault);
    FAULTS.store(0, Ordering::Relaxed);
    NEXT.store(0, Ordering::Relaxed);
    Ok(())
}

fn prepare_small() -> Result<(), String> {
    prepare(&SMALL, SMALL_AT, SMALL_PAGES, PageSize::Small)
}

fn prepare_large() -> Result<(), String> {
    prepare(&LARGE, LARGE_AT, LARGE_PAGES, PageSize::Large)
}

/// Opens the page, and protects another where one is wanted.
fn on_fault(fault: PageFault, interrupted: &mut Interrupted) {
    let Ok(region) = region() else { exceptions::give_up(fault, interrupted) };
    let Ok(Resolution::Denied(page)) = region.resolve(&fault) else { exceptions::give_up(fault, interrupted) };
    FAULTS.fetch_add(1, Ordering::Relaxed);
    region.unprotect(page..page + 1, Rights::Write);
    if let Some(next) = NEXT.load(Ordering::Relaxed).checked_sub(1) {
        region.protect(next..next + 1, Rights::Read).here();
    }
}

fn write(region: &Region, page: usize, value: u64) {
    // SAFETY: the page has memory, and the handler lets it be written.
    unsafe { region.pointer(page).cast::<u64>().write_volatile(value) };
}

fn read(region: &Region, page: usize) -> u64 {
    // SAFETY: the page has memory and is never closed to readers here.
    unsafe { region.pointer(page).cast::<u64>().read_volatile() }
}

fn faults() -> u64 {
    FAULTS.load(Ordering::Relaxed) as u64
}

fn trap() -> Result<u64, String> {
    let region = region()?;
    for round in 0..COUNT {
        let page = usize::try_from(round).unwrap_or(0) % region.pages();
        region.protect(page..page + 1, Rights::Read).here();
        write(region, page, round);
        same("what was written", read(region, page), round)?;
    }
    Ok(faults())
}

/// Random writes; then exactly those pages are dirty.
fn dirty() -> Result<u64, String> {
    let region = region()?;
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for _ in 0..COUNT {
        region.take_dirty(0..region.pages(), |_| ()).here();
        let written = [(); 3].map(|()| random.below(region.pages()));
        written.into_iter().for_each(|page| write(region, page, random.next()));
        for page in 0..region.pages() {
            same("dirt", (page, region.is_dirty(page)), (page, written.contains(&page)))?;
        }
    }
    same("faults", faults(), 0)?;
    Ok(COUNT)
}

fn prot1() -> Result<u64, String> {
    let region = region()?;
    let mut random = Random(0x1234_5678_9abc_def1);
    for _ in 0..COUNT {
        let page = random.below(region.pages());
        region.protect(page..page + 1, Rights::Read).here();
        for other in [page, (page + 1) % region.pages()] {
            same("writable", region.allows(other, Rights::Write), other != page)?;
        }
        write(region, page, 1);
    }
    Ok(faults())
}

fn prot100() -> Result<u64, String> {
    let region = region()?;
    let all = 0..region.pages();
    for round in 0..COUNT / 10 {
        region.protect(all.clone(), Rights::Read).here();
        // Ten of them are tried, all others just opened again.
        for page in all.clone().step_by(10) {
            write(region, page, round);
        }
        region.unprotect(all.clone(), Rights::Write);
        region.stale(all.clone()).here();
        all.clone().for_each(|page| write(region, page, round));
    }
    Ok(faults())
}

/// Protects a page; its fault opens it and protects another.
fn appel1() -> Result<u64, String> {
    let region = region()?;
    let mut random = Random(0xdead_beef_cafe_f00d);
    let mut page = random.below(region.pages());
    region.protect(page..page + 1, Rights::Read).here();
    for round in 0..COUNT {
        let next = (page + 1 + random.below(region.pages() - 1)) % region.pages();
        NEXT.store(next + 1, Ordering::Relaxed);
        write(region, page, round);
        same("what was written", read(region, page), round)?;
        page = next;
    }
    NEXT.store(0, Ordering::Relaxed);
    let taken = faults();
    region.unprotect(0..region.pages(), Rights::Write);
    region.stale(0..region.pages()).here();
    Ok(taken)
}

/// Protects all, and writes to each in an order of chance.
fn appel2() -> Result<u64, String> {
    let region = region()?;
    let mut random = Random(0xfeed_face_0bad_cafe);
    let pages = region.pages();
    for round in 0..COUNT / pages as u64 {
        region.protect(0..pages, Rights::Read).here();
        let first = random.below(pages);
        for step in 0..pages {
            // Steps of three come to every page: neither number of pages is a multiple of it.
            write(region, (first + step * 3) % pages, round);
        }
        (0..pages).try_for_each(|page| same("what was written", read(region, page), round))?;
    }
    Ok(faults())
}
