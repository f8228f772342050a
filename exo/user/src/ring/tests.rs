//! Rings between honest sides, in two threads, and beside one that writes what it likes.

use super::{Broken, HEADER_WORDS, Receiver, SendError, Sender};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::vec::Vec;

fn memory(words: usize) -> Vec<AtomicU64> {
    (0..words).map(|_| AtomicU64::new(0)).collect()
}

fn message(number: u64) -> Vec<u8> {
    let length = usize::try_from(number * 7 % 41).unwrap();
    number.to_le_bytes().iter().copied().cycle().take(length).collect()
}

#[test]
fn messages_come_in_order_and_whole() {
    let words = memory(HEADER_WORDS + 4 * 6);
    let (mut sender, mut receiver) = (Sender::new(&words, 40).unwrap(), Receiver::new(&words, 40).unwrap());
    let mut buffer = [0; 64];
    let (mut sent, mut received) = (0, 0);
    for step in 0_u64..5_000 {
        if step * step % 7 < 4 {
            match sender.send(&message(sent), || panic!("nobody sleeps")) {
                Ok(()) => sent += 1,
                Err(error) => assert_eq!((error, sent - received), (SendError::Full, 4)),
            }
        } else {
            match receiver.receive(&mut buffer, || panic!("nobody sleeps")).unwrap() {
                Some(length) => {
                    assert_eq!(buffer[..length], message(received));
                    received += 1;
                }
                None => assert_eq!(sent, received),
            }
        }
        assert_eq!(sender.room(), Ok(4 - (sent - received)));
        assert_eq!(receiver.waiting(), Ok(sent - received));
    }
    assert!(received > 1_000);
}

#[test]
fn what_does_not_fit_is_refused_or_cut() {
    let words = memory(HEADER_WORDS + 8 * 3);
    let (mut sender, mut receiver) = (Sender::new(&words, 16).unwrap(), Receiver::new(&words, 16).unwrap());
    assert_eq!(sender.send(&[1; 17], || ()), Err(SendError::TooLong));
    sender.send(&[1; 16], || ()).unwrap();
    let mut buffer = [0; 5];
    assert_eq!(receiver.receive(&mut buffer, || ()), Ok(Some(16)));
    assert_eq!(buffer, [1; 5]);
    assert!(Sender::new(&words[..HEADER_WORDS + 2], 16).is_none(), "no room for a slot");
    assert!(Sender::new(&words[..3], 16).is_none(), "no room for the header");
    assert!(Sender::new(&words, 0).is_none() && Sender::new(&words, usize::MAX).is_none());
}

#[test]
fn two_threads_sleep_and_wake_each_other() {
    const MESSAGES: u64 = 20_000;
    let words = memory(HEADER_WORDS + 2 * 6);
    let wake = [AtomicBool::new(false), AtomicBool::new(false)];
    let sleep = |side: usize| {
        while !wake[side].swap(false, Ordering::SeqCst) {
            std::thread::yield_now();
        }
    };
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut sender = Sender::new(&words, 40).unwrap();
            for number in 0..MESSAGES {
                sender.wait(|| sleep(0)).unwrap();
                sender.send(&message(number), || wake[1].store(true, Ordering::SeqCst)).unwrap();
            }
        });
        let mut receiver = Receiver::new(&words, 40).unwrap();
        let mut buffer = [0; 40];
        for number in 0..MESSAGES {
            receiver.wait(|| sleep(1)).unwrap();
            let length = receiver.receive(&mut buffer, || wake[0].store(true, Ordering::SeqCst)).unwrap().unwrap();
            assert_eq!(buffer[..length], message(number));
        }
    });
}

/// The other side writes anything anywhere: there is an answer each time, and it never leaves the memory.
#[test]
fn a_hostile_side_breaks_nothing_but_the_ring() {
    let words = memory(HEADER_WORDS + 4 * 6);
    let (mut sender, mut receiver) = (Sender::new(&words, 40).unwrap(), Receiver::new(&words, 40).unwrap());
    let mut random = 1_u64;
    let mut next = move || {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        random >> 20
    };
    let (mut broken, mut worked) = (0, 0);
    for _ in 0..50_000 {
        let place = usize::try_from(next()).unwrap() % words.len();
        let value = [0, 1, 2, 5, 41, u64::MAX, u64::MAX - 3, next()][usize::try_from(next() % 8).unwrap()];
        words[place].store(value, Ordering::Relaxed);
        let mut buffer = [0; 24];
        for result in [
            sender.send(&message(next() % 100), || ()).map(|()| true),
            receiver.receive(&mut buffer, || ()).map(|got| got.is_some()).map_err(|Broken| SendError::Broken),
        ] {
            broken += u32::from(result == Err(SendError::Broken));
            worked += u32::from(result == Ok(true));
        }
    }
    assert!(broken > 1_000 && worked > 10, "{broken} {worked}");
}
