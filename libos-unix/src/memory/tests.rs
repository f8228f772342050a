//! Random mapping, writing and forking against a naive model; and nothing is left of a space that has gone.

use super::{AddressSpace, Backing, MapFlags, MapRequest, PAGE, Protection};
use crate::machine;
use std::collections::BTreeMap;
use std::vec::Vec;

/// Pages that are near each other, in the same 2 MiB, in the same GiB, and far away.
const PLACES: [u64; 6] = [0x1_0000, 0x1f_f000, 0x20_0000, 0x4000_0000, 0x7f_ffff_f000, 0x7fff_0000_0000];
const MOST_PAGES: u64 = 8;

struct Random(u64);

impl Random {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % limit
    }
}

/// A space, and what each of its pages begins with.
struct Pair {
    space: AddressSpace,
    model: BTreeMap<u64, u8>,
}

impl Pair {
    fn check(&mut self) {
        for place in PLACES {
            for page in (0..2 * MOST_PAGES).map(|page| place + page * PAGE) {
                let mut byte = [0xee];
                let found = self.space.copy_out(page, &mut byte).ok().map(|_| byte[0]);
                assert_eq!(found, self.model.get(&page).copied(), "the page at {page:#x}");
            }
        }
    }

    fn step(&mut self, random: &mut Random) {
        let start = PLACES[random.below(6) as usize] + random.below(MOST_PAGES) * PAGE;
        let count = 1 + random.below(MOST_PAGES);
        let pages = (0..count).map(|page| start + page * PAGE);
        match random.below(4) {
            0 => {
                let protection = Protection::READ | Protection::WRITE;
                let flags = MapFlags::PRIVATE | MapFlags::FIXED;
                let most = Protection::all();
                let bytes = count * PAGE;
                let request = MapRequest { address: start, bytes, protection, most, flags, backing: Backing::Zeros };
                self.space.map(request).unwrap();
                self.model.extend(pages.map(|page| (page, 0)));
            }
            1 => {
                self.space.unmap(start, count * PAGE).unwrap();
                self.model.retain(|page, _| !(start..start + count * PAGE).contains(page));
            }
            2 => {
                let bytes = count * PAGE;
                if self.space.allows(start..start + bytes, Protection::WRITE) {
                    self.space.advise(start, bytes, 4).unwrap();
                    self.model.range_mut(start..start + bytes).for_each(|(_, byte)| *byte = 0);
                }
            }
            _ => {
                for page in pages {
                    let byte = random.below(256) as u8;
                    let written = self.space.copy_in(page, &[byte]).is_ok();
                    assert_eq!(written, self.model.contains_key(&page), "the page at {page:#x}");
                    self.model.entry(page).and_modify(|old| *old = byte);
                }
            }
        }
    }
}

#[test]
fn spaces_are_what_they_are_written_and_leave_nothing() {
    let before = machine::frames_in_use();
    for seed in 0..40 {
        let mut random = Random(seed);
        let mut pairs = vec![Pair { space: AddressSpace::new().unwrap(), model: BTreeMap::new() }];
        for _ in 0..120 {
            let which = random.below(pairs.len() as u64) as usize;
            match random.below(12) {
                0 if pairs.len() < 5 => {
                    let parent = &mut pairs[which];
                    let child = Pair { space: parent.space.fork().unwrap(), model: parent.model.clone() };
                    pairs.push(child);
                }
                1 if pairs.len() > 1 => drop(pairs.swap_remove(which)),
                _ => pairs[which].step(&mut random),
            }
        }
        pairs.iter_mut().for_each(Pair::check);
        drop(pairs);
        // The frame of zeros stays.
        assert!(machine::frames_in_use() <= before + 1, "seed {seed}");
    }
}

#[test]
fn an_empty_space_has_no_tables() {
    let before = machine::frames_in_use();
    let mut pair = Pair { space: AddressSpace::new().unwrap(), model: BTreeMap::new() };
    let mut random = Random(1);
    (0..200).for_each(|_| pair.step(&mut random));
    for start in pair.space.areas().map(|area| (area.start, area.bytes())).collect::<Vec<_>>() {
        pair.space.unmap(start.0, start.1).unwrap();
    }
    assert!(machine::frames_in_use() <= before + 2, "the root, and the frame of zeros");
}

#[test]
fn a_fork_without_memory_leaves_nothing() {
    let mut pair = Pair { space: AddressSpace::new().unwrap(), model: BTreeMap::new() };
    let mut random = Random(2);
    (0..100).for_each(|_| pair.step(&mut random));
    let before = machine::frames_in_use();
    for more in 0..8 {
        machine::set_frame_limit(before + more);
        let failed = pair.space.fork().is_err();
        assert_eq!(machine::frames_in_use(), before, "with {more} frames, failed: {failed}");
    }
    machine::set_frame_limit(1 << 16);
    pair.check();
}
