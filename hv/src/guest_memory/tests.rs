//! What a frame is used for: one thing at a time, whoever asks and on how many CPUs.

use super::{InUse, NotGuestMemory, give_up, hold, let_go, show, take_back};
use crate::addr::{FRAME_SIZE, FrameNumber, HostPhysical};
use crate::physmap::usize_of;
use crate::pool::{self, Account};
use crate::test_machine::{FRAMES, GUESTS, account, memory, run};
use std::sync::atomic::{AtomicBool, Ordering};

fn after(first: FrameNumber, count: u64) -> FrameNumber {
    first.checked_add(count).expect("a small number")
}

#[test]
fn copies_reach_guest_memory_and_nothing_else() {
    let (memory, first) = (memory(), run(2));
    let last_bytes = HostPhysical::new(after(first, 1).start().as_u64() - 3);
    memory.write(last_bytes, b"across").expect("both frames are a guest's");
    let mut read = [0; 6];
    memory.read(last_bytes, &mut read).expect("both frames are a guest's");
    assert_eq!(&read, b"across");
    memory.scrub(first, 1).expect("it is a guest's");
    memory.read(last_bytes, &mut read).expect("both frames are a guest's");
    assert_eq!(&read, b"\0\0\0oss");
    for (address, length) in [
        (GUESTS * FRAME_SIZE - 1, 2), // begins in the pool
        (FRAMES * FRAME_SIZE - 1, 2), // ends beyond the machine
        (u64::MAX, 1),
        (u64::MAX - 3, 8), // wraps
        (0, 1),
    ] {
        let address = HostPhysical::new(address);
        let refused = Err(NotGuestMemory { address, length: length as u64 });
        assert_eq!(memory.write(address, &[1; 8][..length]), refused);
        assert_eq!(memory.read(address, &mut [0; 8][..length]), refused);
        assert_eq!(memory.write(address, &[]), Ok(()), "no bytes lie anywhere");
    }
}

#[test]
fn the_kernels_frames_are_not_copied_to() {
    let (memory, first) = (memory(), run(3));
    let _account = account(after(first, 1), 1);
    assert!(memory.is_guest_frame(first) && !memory.is_guest_frame(after(first, 1)));
    let address = first.start();
    let refused = Err(NotGuestMemory { address, length: 2 * FRAME_SIZE });
    assert_eq!(memory.write(address, &[1; usize_of(2 * FRAME_SIZE)]), refused);
    let mut byte = [1];
    memory.read(address, &mut byte).expect("the first frame alone is a guest's");
    assert_eq!(byte, [0], "nothing has been written");
    assert!(memory.scrub(after(first, 1), 1).is_err());
    assert!(memory.scrub(after(first, 2), 1).is_ok());
}

#[test]
fn what_somebody_holds_does_not_become_the_kernels() {
    let (memory, first) = (memory(), run(4));
    assert!(hold(after(first, 2), 1) && hold(after(first, 2), 2));
    let refused = Err(InUse { frame: after(first, 2) });
    assert_eq!(pool::contribute(memory, Account::KERNEL, first, 4), refused);
    assert!(memory.is_guest_frame(first), "nothing has changed");
    let_go(after(first, 2), 2);
    assert_eq!(pool::contribute(memory, Account::KERNEL, first, 4), refused, "one still holds it");
    let_go(after(first, 2), 1);
    let account = account(first, 4);
    assert!(!hold(first, 1) && !hold(after(first, 3), 2));
    assert!(hold(after(first, 4), 1), "what a failed attempt has counted is taken back");
    assert_eq!(pool::contribute(memory, account, after(first, 3), 1), Err(InUse { frame: after(first, 3) }));
    assert_eq!(pool::withdraw(memory, account), Ok(()));
    assert!(hold(first, 4));
}

#[test]
fn a_frame_that_is_seen_comes_back_only_when_it_is_hidden() {
    let first = run(1);
    let account = account(first, 1);
    let frame = pool::KernelFrame::take_from(account).expect("there is one");
    assert!(show(first) && !show(first), "it is shown once");
    assert_eq!(give_up(first), None);
    take_back(first);
    assert!(!memory().is_guest_frame(first), "a frame that lingers is nobody's");
    let mut lingered = std::vec::Vec::new();
    super::hide(first, 1, |frame| lingered.push(frame));
    assert_eq!(lingered, [first]);
    super::hide(first, 1, |_| panic!("it is hidden once"));
    assert_eq!(give_up(first), Some(account));
    drop(frame);
    assert_eq!(pool::withdraw(memory(), account), Ok(()));
}

/// Attempts to bind a frame of the kernel's, on other CPUs, never show in what the kernel reads of it.
#[test]
fn refused_attempts_leave_no_trace_even_for_a_moment() {
    let first = run(1);
    let account = account(first, 1);
    let stop = AtomicBool::new(false);
    let outside = FrameNumber::new(1).expect("the pool's first frame");
    std::thread::scope(|scope| {
        for frame in [first, outside] {
            let stop = &stop;
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) {
                    assert!(!hold(frame, 1));
                }
            });
        }
        for _ in 0..200_000 {
            assert_eq!((give_up(first), give_up(outside)), (Some(account), Some(Account::KERNEL)));
            assert!(!memory().is_guest_frame(outside));
        }
        stop.store(true, Ordering::Relaxed);
    });
}

/// Binding and becoming the kernel's exclude each other on any number of CPUs.
#[test]
fn a_frame_is_a_guests_or_the_kernels() {
    let first = run(1);
    let lent = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                for _ in 0..100_000 {
                    if hold(first, 1) {
                        assert!(!lent.load(Ordering::Relaxed), "held and the kernel's");
                        let_go(first, 1);
                    }
                }
            });
        }
        for _ in 0..100_000 {
            if memory().lend(first, 1, Account::KERNEL).is_ok() {
                lent.store(true, Ordering::Relaxed);
                std::hint::spin_loop();
                lent.store(false, Ordering::Relaxed);
                take_back(first);
            }
        }
    });
}
