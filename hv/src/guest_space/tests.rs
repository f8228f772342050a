//! Single cases: what hv keeps apart whatever the layers above believe.

use super::{BindError, Departing, GuestSpace, KERNELS, Occupant};
use crate::addr::FrameNumber;
use crate::guest_memory::InUse;
use crate::page::{Page, SharedPage};
use crate::paging::MapError;
use crate::paging::ept::{EptAttributes, Rights};
use crate::pool::{self, Account, KernelFrame, StillUsed};
use crate::shootdown::SpaceNumber;
use crate::test_machine::{account, flush, memory, run};
use crate::vmx::capability::Features;
use crate::vmx::capability_sets::COFFEE_LAKE;
use std::vec::Vec;

mod random;

const READ: EptAttributes = EptAttributes::memory(Rights::READ);
const WRITE: EptAttributes = EptAttributes::memory(Rights::READ_WRITE);

fn space(account: Account, number: u8) -> GuestSpace {
    let features = Features::detect(&COFFEE_LAKE.capability_msrs(), &COFFEE_LAKE.cpuid_summary());
    let number = SpaceNumber::new(number).expect("below 64");
    GuestSpace::new_in(&features.expect("it has all that is required"), account, number).expect("room for the root")
}

fn after(first: FrameNumber, count: u64) -> FrameNumber {
    first.checked_add(count).expect("a small number")
}

fn dismantle(space: GuestSpace) {
    let retired = space.retire().expect("it has no virtual CPUs");
    let proof = flush(u64::MAX);
    retired.dismantle(memory(), &proof).expect("the proof is of all spaces");
}

fn bindings(space: &GuestSpace) -> Vec<(u64, u64)> {
    let mut from = FrameNumber::new(0);
    let next = || {
        let (first, count, _) = space.next_binding(from?)?;
        from = first.checked_add(count);
        Some((first.number(), count))
    };
    core::iter::from_fn(next).collect()
}

#[test]
fn a_page_of_the_kernels_never_merges_with_the_bindings_around_it() {
    let (tables, block) = (run(16), run(512));
    let account = account(tables, 16);
    // The page is one of a block that is bound all around it, with the same rights and the tag that pages had once.
    pool::contribute(memory(), account, after(block, 100), 1).expect("nobody uses it");
    let page = Page::<u64>::new_in(account).expect("the frame put in last is taken first");
    assert_eq!(page.number(), after(block, 100));
    let mut space = space(account, 7);
    space.show(&page).expect("there are tables");
    space.bind(memory(), block, 100, READ).expect("they are free");
    space.bind(memory(), after(block, 101), 411, READ).expect("they are free");
    let total: u64 = bindings(&space).iter().map(|&(_, count)| count).sum();
    assert_eq!(total, 511);
    assert_eq!((space.binding(page.number()), space.binding(block)), (None, Some(READ)));
    let frame = page.number();
    assert_eq!(
        space.unbind(frame, 1).map_err(|error| error == MapError::NotMapped { page: frame.number() }).err(),
        Some(true)
    );
    assert!(matches!(space.change(frame, 1, WRITE), Err(BindError::NotGuestMemory(_))), "it stays read-only");
    assert!(matches!(space.bind(memory(), frame, 1, WRITE), Err(BindError::NotGuestMemory(_))));
    assert_eq!(space.bind(memory(), block, 1, WRITE.with_tag(KERNELS)), Err(BindError::KernelsTag));
    assert!(matches!(space.change(block, 1, WRITE.with_tag(KERNELS)), Err(BindError::KernelsTag)));
    dismantle(space);
    drop(page);
    assert_eq!(pool::withdraw(memory(), account), Ok(()));
    assert!(pool::contribute(memory(), account, block, 512).is_ok(), "nothing is held any more");
}

#[test]
fn a_page_that_is_dropped_while_a_guest_sees_it_is_not_used_again() {
    let account = account(run(16), 16);
    let mut space = space(account, 8);
    let page = SharedPage::new_in(account).expect("there is a frame");
    let frame = page.number();
    space.share(&page).expect("there are tables");
    assert_eq!(space.share(&page), Err(MapError::AlreadyMapped { page: frame.number() }));
    drop(page);
    let rest: Vec<_> = core::iter::from_fn(|| KernelFrame::take_from(account)).collect();
    assert!(rest.iter().all(|taken| taken.number() != frame), "a table in it would be the guest's to write");
    drop(rest);
    let in_use = space.table_frames() + 1;
    assert_eq!(pool::withdraw(memory(), account), Err(StillUsed { frames: in_use }));
    dismantle(space);
    assert_eq!(pool::available(account), 16);
    assert_eq!(pool::withdraw(memory(), account), Ok(()));
}

#[test]
fn a_page_outlives_its_space() {
    let account = account(run(16), 16);
    let mut space = space(account, 9);
    let page = SharedPage::new_in(account).expect("there is a frame");
    space.share(&page).expect("there are tables");
    dismantle(space);
    page.write64(0, 1);
    assert_eq!((page.read64(0), pool::available(account)), (1, 15));
    drop(page);
    assert_eq!(pool::available(account), 16);
}

#[test]
fn a_page_that_could_not_be_shown_is_not_seen() {
    let account = account(run(4), 4);
    let mut space = space(account, 10);
    let page = SharedPage::new_in(account).expect("there is a frame");
    assert!(matches!(space.share(&page), Err(MapError::NoTableFrame { .. })));
    drop(page);
    assert_eq!(pool::available(account), 2, "the root and its companion are in use");
}

#[test]
fn what_can_be_shown_is_known_before() {
    // Frames in three blocks, so that pages want tables of their own.
    let blocks = run(3 * 512);
    let nth = |index: u64| after(blocks, index % 3 * 512 + index / 3);
    let account = account(nth(0), 1);
    for count in 2..14 {
        (1..count).for_each(|index| pool::contribute(memory(), account, nth(index), 1).expect("nobody uses it"));
        let mut space = space(account, 13);
        let pages: Vec<_> = (0..2).map_while(|_| SharedPage::new_in(account)).collect();
        if let [one, other] = pages.as_slice() {
            let sure = space.can_show([one.number(), other.number()], 1);
            let shown = space.share(one).and_then(|()| space.share(other)).is_ok();
            assert_eq!(sure, shown && pool::available(account) != 0, "of {count} frames");
            assert_eq!(sure, count >= 11, "root, two pages, and three, two and one table");
        }
        drop(pages);
        dismantle(space);
        assert_eq!(pool::withdraw(memory(), account), Ok(()));
        pool::contribute(memory(), account, nth(0), 1).expect("nobody uses it");
    }
}

#[test]
fn frames_are_in_use_until_a_flush_that_covers_all_their_spaces() {
    let (memory, frames) = (memory(), run(4));
    let account = account(run(32), 32);
    let (mut one, mut other) = (space(account, 11), space(account, 12));
    one.bind(memory, frames, 4, WRITE).expect("they are free");
    other.bind(memory, after(frames, 1), 2, READ).expect("they are free");
    assert!(matches!(one.bind(memory, frames, 1, WRITE), Err(BindError::Map(MapError::AlreadyMapped { .. }))));
    let mut departing = Departing::default();
    let early = flush(u64::MAX);
    departing.add(one.unbind(frames, 4).expect("they are bound"));
    assert_eq!(departing.spaces(), 1 << 11);
    departing.add(other.unbind(after(frames, 1), 2).expect("they are bound"));
    assert_eq!(departing.spaces(), 1 << 11 | 1 << 12);
    let in_use = |offset| Err(InUse { frame: after(frames, offset) });
    for proof in [early, flush(1 << 11), flush(1 << 12), flush(0)] {
        departing.release(memory, &proof);
        assert_eq!(pool::contribute(memory, account, frames, 4), in_use(0));
        assert!(departing.spaces() != 0, "nothing comes out of it");
    }
    departing.release(memory, &flush(1 << 11 | 1 << 12));
    assert_eq!(departing.spaces(), 0);
    one.bind(memory, after(frames, 2), 1, WRITE).expect("it is free");
    assert_eq!(pool::contribute(memory, account, frames, 4), in_use(2));
    dismantle(one);
    dismantle(other);
    assert_eq!(pool::contribute(memory, account, frames, 4), Ok(()));
}

#[test]
fn only_what_takes_rights_away_waits() {
    let (memory, frames) = (memory(), run(2));
    let account = account(run(16), 16);
    let mut space = space(account, 13);
    space.bind(memory, frames, 2, READ).expect("they are free");
    let mut departing = Departing::default();
    departing.add_rights(space.change(frames, 2, WRITE.with_tag(3)).expect("they are bound"));
    assert_eq!(departing.spaces(), 0);
    departing.add_rights(space.change(frames, 1, READ.with_tag(4)).expect("they are bound"));
    assert_eq!(departing.spaces(), 1 << 13);
    departing.release(memory, &flush(1 << 13));
    assert_eq!(departing.spaces(), 0);
    assert_eq!(space.binding(frames), Some(READ.with_tag(4)));
    dismantle(space);
}

#[test]
fn a_space_does_not_end_before_its_virtual_cpus_nor_before_a_flush() {
    let account = account(run(16), 16);
    let space = space(account, 14);
    let occupants = [Occupant::of(&space), Occupant::of(&space)];
    let mut space = Err(space);
    for occupant in occupants {
        space = space.expect_err("it has virtual CPUs").retire();
        drop(occupant);
    }
    let early = flush(u64::MAX);
    let retired = space.expect_err("it had one").retire().expect("it has none");
    let retired = retired.dismantle(memory(), &early).expect_err("that flush was before");
    let retired = retired.dismantle(memory(), &flush(!(1 << 14))).expect_err("that flush was of others");
    assert!(retired.dismantle(memory(), &flush(1 << 14)).is_ok());
    assert_eq!(pool::withdraw(memory(), account), Ok(()));
}
