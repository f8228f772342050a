//! Accounts: every frame comes back to where it came from, clean when taken, and all of them at the end.

use super::{Account, Exposed, KernelBox, KernelFrame, StillUsed, available, take_exposed, total, withdraw};
use crate::addr::{FRAME_SIZE, FrameNumber, HostPhysical};
use crate::page::{Page, SharedPage};
use crate::physmap::usize_of;
use crate::test_machine::{account, memory, run};
use std::vec::Vec;

#[test]
fn frames_come_back_to_the_account_that_they_came_from() {
    let (memory, first, second) = (memory(), run(3), run(2));
    let (one, other) = (account(first, 3), account(second, 2));
    let mine: Vec<_> = core::iter::from_fn(|| KernelFrame::take_from(one)).collect();
    let in_run = |frame: &KernelFrame| (first.number()..first.number() + 3).contains(&frame.number().number());
    assert!(mine.len() == 3 && mine.iter().all(in_run));
    assert_eq!((available(one), total(one), available(other)), (0, 3, 2));
    assert_eq!(withdraw(memory, one), Err(StillUsed { frames: 3 }));
    assert_eq!(withdraw(memory, other), Ok(()));
    assert_eq!((available(other), total(other)), (0, 0));
    drop(mine);
    assert_eq!((available(one), available(other)), (3, 0));
    assert_eq!(withdraw(memory, one), Ok(()));
    assert_eq!(withdraw(memory, Account::KERNEL).map_err(|_| ()), Err(()), "the kernel's own are not given away");
    assert!((0..3).all(|offset| memory.is_guest_frame(first.checked_add(offset).expect("a small number"))));
}

#[test]
fn a_frame_is_clean_when_it_is_taken() {
    let first = run(1);
    memory().write(first.start(), &[0xff; usize_of(FRAME_SIZE)]).expect("it is a guest's");
    let account = account(first, 1);
    for _ in 0..2 {
        let page = Page::<[u64; 512]>::new_in(account).expect("there is one");
        assert_eq!(*page, [0; 512]);
        drop(page);
        let page = SharedPage::new_in(account).expect("there is one");
        page.write(&[u64::MAX; 512]);
    }
}

#[test]
fn words_that_change_under_the_kernels_hands() {
    let account = account(run(1), 1);
    let page = SharedPage::new_in(account).expect("there is one");
    page.write64(8, 0b101);
    assert_eq!((page.fetch_or64(8, 0b110), page.read64(8), page.read(8), page.read(12)), (0b101, 0b111, 0b111, 0));
    page.write64(4096 + 8, 1 << 32);
    assert_eq!((page.read(12), page.read64(15)), (1, 1 << 32), "an offset beyond the page is one inside");
}

#[test]
fn a_box_returns_its_frame_with_and_without_its_value() {
    let account = account(run(1), 1);
    let counted = std::rc::Rc::new(());
    let boxed = KernelBox::new_in(account, counted.clone()).expect("there is a frame");
    assert!(KernelBox::new_in(account, counted.clone()).is_none());
    assert_eq!((available(account), std::rc::Rc::strong_count(&counted)), (0, 2));
    let moved = KernelBox::into_inner(boxed);
    assert_eq!((available(account), std::rc::Rc::strong_count(&counted)), (1, 2));
    drop(KernelBox::new_in(account, moved));
    assert_eq!((available(account), std::rc::Rc::strong_count(&counted)), (1, 1));
}

#[test]
fn exposed_runs_hold_nothing_else() {
    memory();
    let (small, slice) = take_exposed(3, 0x1122_3344_5566_7788_u64).expect("the pool has room");
    assert_eq!((slice.len(), small.count()), (3, 1));
    assert_eq!(slice, [0x1122_3344_5566_7788; 3]);
    let bytes = |exposed: &Exposed| {
        let start = crate::physmap::pointer::<u8>(exposed.start()).cast_const();
        // SAFETY: the run is the pool's and has this many bytes; nobody writes to it meanwhile.
        unsafe { core::slice::from_raw_parts(start, usize_of(exposed.count() * FRAME_SIZE)) }
    };
    assert!(bytes(&small)[24..].iter().all(|&byte| byte == 0));
    let (large, slice) = take_exposed((2 << 20) + 1, 1_u8).expect("the pool has room");
    assert!(large.start().as_u64().is_multiple_of(2 << 20) && large.count() == 513);
    assert!(slice.iter().all(|&byte| byte == 1) && bytes(&large)[slice.len()..].iter().all(|&byte| byte == 0));
    let frame = FrameNumber::containing(HostPhysical::new(large.start().as_u64()));
    assert!(!memory().is_guest_frame(frame));
}
