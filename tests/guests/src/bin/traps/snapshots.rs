//! Snapshots against a model: what either side holds after random writes.

use crate::{COUNT, Item, Random, item, same};
use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use exo_user::exceptions::{self, Interrupted, PageFault};
use exo_user::frames;
use exo_user::page_table::{Flags, MapError};
use exo_user::region::{PageSize, Region, Resolution, Rights, Snapshot};
use spin::Once;

pub const ITEMS: &[Item] = &[
    item("snapshots", prepare, || play(&SMALL, 0x1357_9bdf_0246_8ace)),
    item("snapshots-large", prepare_large, || play(&LARGE, 0x0f1e_2d3c_4b5a_6978)),
    item("snapshot-given-back", prepare, give_back),
    item("region-given-back", prepare, come_and_go),
];

static SMALL: Once<Region> = Once::new();
static LARGE: Once<Region> = Once::new();
const AT: u64 = 0x1300_0000_0000;
const LARGE_AT: u64 = 0x1400_0000_0000;
const PAGES: usize = 24;
const LARGE_PAGES: usize = 2;

fn on_fault(fault: PageFault, interrupted: &mut Interrupted) {
    let answers = |region: &Region| matches!(region.resolve(&fault), Ok(Resolution::Allowed | Resolution::Copied));
    if ![&SMALL, &LARGE].into_iter().filter_map(Once::get).any(answers) {
        exceptions::give_up(fault, interrupted);
    }
}

fn make(one: &Once<Region>, at: u64, pages: usize, size: PageSize) -> Result<(), String> {
    one.try_call_once(|| Region::new(at, pages, size, Flags::NO_EXECUTE)).map_err(|error| format!("{error}"))?;
    exceptions::handle(on_fault);
    Ok(())
}

fn prepare() -> Result<(), String> {
    make(&SMALL, AT, PAGES, PageSize::Small)
}

fn prepare_large() -> Result<(), String> {
    // Copies of large pages need as much again, in one piece.
    make(&LARGE, LARGE_AT, LARGE_PAGES, PageSize::Large)
}

/// The words of a page that are looked at: the first, the last, and one between.
fn places(region: &Region) -> [usize; 3] {
    let last = usize::try_from(region.size().bytes() / 8).unwrap_or(1) - 1;
    [0, last / 2, last]
}

type Contents = Vec<[u64; 3]>;

fn contents(region: &Region) -> Contents {
    let word = |page: usize, place: usize| {
        // SAFETY: every page has memory and may be read.
        unsafe { region.pointer(page).cast::<u64>().add(place).read_volatile() }
    };
    (0..region.pages()).map(|page| places(region).map(|place| word(page, place))).collect()
}

fn seen(region: &Region, snapshot: &Snapshot) -> Contents {
    let word = |page: usize, place: usize| {
        let bytes = snapshot.page(page).and_then(|bytes| bytes.get(place * 8..place * 8 + 8));
        bytes.and_then(|bytes| bytes.try_into().ok()).map_or(0, u64::from_ne_bytes)
    };
    (0..snapshot.pages()).map(|page| places(region).map(|place| word(page, place))).collect()
}

/// Random writes, snapshots of which up to two live at a time, and rollbacks to one of them.
fn play(region: &Once<Region>, seed: u64) -> Result<u64, String> {
    let region = region.get().ok_or("no region")?;
    let mut random = Random(seed);
    let mut now = contents(region);
    let mut then: Vec<(Snapshot, Contents)> = Vec::new();
    for _ in 0..COUNT {
        match random.below(16) {
            0 | 1 => {
                if then.len() == 2 {
                    drop(then.remove(random.below(2)));
                }
                // SAFETY: nobody else uses the region, and it is written through its own addresses.
                then.push((unsafe { region.snapshot() }, now.clone()));
            }
            2 if !then.is_empty() => {
                let (snapshot, model) = &then[random.below(then.len())];
                // SAFETY: as above.
                same("restored", unsafe { region.restore(snapshot) }, true)?;
                now.clone_from(model);
            }
            3 if !then.is_empty() => drop(then.remove(random.below(then.len()))),
            _ => {
                let (page, place, value) = (random.below(region.pages()), random.below(3), random.next());
                now[page][place] = value;
                // SAFETY: the page has memory; where it is shared the handler makes a copy.
                unsafe { region.pointer(page).cast::<u64>().add(places(region)[place]).write_volatile(value) };
            }
        }
        same("the region", contents(region), now.clone())?;
        for (snapshot, model) in &then {
            same("a snapshot", &seen(region, snapshot), model)?;
        }
    }
    Ok(COUNT)
}

/// Copies exactly what is written, and gives all of it back.
fn give_back() -> Result<u64, String> {
    let region = SMALL.get().ok_or("no region")?;
    // Nothing is shared, whatever was played before.
    (0..PAGES).try_for_each(|page| region.copy_on_write(page).map(drop)).map_err(|error| format!("{error}"))?;
    region.unprotect(0..PAGES, Rights::Write);
    // The heap has what it needs from the first time on.
    let mut free = [0; 3];
    for round in 0..COUNT {
        // SAFETY: as in `play`.
        let snapshot = unsafe { region.snapshot() };
        let before = frames::available();
        let written = usize::try_from(round).unwrap_or(0) % PAGES;
        for page in 0..written {
            // SAFETY: as in `play`.
            unsafe { region.pointer(page).write_volatile(1) };
        }
        same("frames for copies", before - frames::available(), written as u64)?;
        same("pages of its own", snapshot.own_pages(), written)?;
        drop(snapshot);
        for page in 0..PAGES {
            // SAFETY: as in `play`; nothing is copied where nobody shares.
            unsafe { region.pointer(page).write_volatile(2) };
        }
        free.rotate_left(1);
        free[2] = frames::available();
        if round > 2 {
            same("frames afterwards", free[2], free[1])?;
        }
    }
    Ok(COUNT)
}

/// Regions that come and go in one place, the last one with a snapshot that outlives it.
fn come_and_go() -> Result<u64, String> {
    const PLACE: u64 = 0x1500_0000_0000;
    let mut free = [0; 3];
    for round in 0..COUNT {
        let region = Region::new(PLACE, 3, PageSize::Small, Flags::NO_EXECUTE).map_err(|error| format!("{error}"))?;
        let twice = Region::reserve(PLACE, 1, PageSize::Small, Flags::NO_EXECUTE).map(drop);
        same("a second region there", twice, Err(MapError::Occupied))?;
        same("zeros", contents(&region), vec![[0; 3]; 3])?;
        // SAFETY: the page has memory, and nobody else uses the region.
        let snapshot = unsafe {
            region.pointer(1).cast::<u64>().write_volatile(round);
            region.snapshot()
        };
        same("shared by a region and its snapshot", snapshot.own_pages(), 0)?;
        drop(region);
        same("left to the snapshot", snapshot.own_pages(), 3)?;
        same("what was written", snapshot.page(1).map(|bytes| bytes[0]), round.to_le_bytes().first().copied())?;
        drop(snapshot);
        free.rotate_left(1);
        free[2] = frames::available();
        if round > 2 {
            same("frames afterwards", free[2], free[1])?;
        }
    }
    Ok(COUNT)
}
