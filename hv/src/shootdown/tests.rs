//! Who is kicked, who is waited for, who flushes; and real threads that look for a page freed too early.

use super::{ALL_SPACES, Shootdown, SpaceNumber, Waiting};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::vec::Vec;

fn space(number: u8) -> SpaceNumber {
    SpaceNumber::new(number).expect("below 64")
}

fn begin<const N: usize>(shootdown: &Shootdown<N>, me: usize) -> (Waiting, Vec<usize>) {
    let mut kicked = Vec::new();
    let waiting = shootdown.begin(me, ALL_SPACES, |cpu| kicked.push(cpu));
    (waiting, kicked)
}

#[test]
fn a_cpu_flushes_before_its_first_entry_and_once_an_epoch() {
    let shootdown = Shootdown::<2>::new();
    assert!(shootdown.enter(0, space(0)));
    shootdown.leave(0);
    assert!(!shootdown.enter(0, space(0)));
    shootdown.leave(0);
    let (waiting, kicked) = begin(&shootdown, 1);
    assert!(kicked.is_empty() && waiting.check(&shootdown).is_ok(), "nobody was in a guest");
    assert!(shootdown.enter(0, space(0)));
    shootdown.leave(0);
    assert!(!shootdown.enter(0, space(0)));
}

#[test]
fn only_cpus_in_a_guest_are_kicked_and_waited_for() {
    let shootdown = Shootdown::<4>::new();
    for cpu in [1, 2, 3] {
        assert!(shootdown.enter(cpu, space(0)));
    }
    shootdown.leave(2);
    let (waiting, kicked) = begin(&shootdown, 0);
    assert_eq!((kicked, waiting.cpus()), (std::vec![1, 3], 0b1010));
    shootdown.leave(1);
    let waiting = waiting.check(&shootdown).unwrap_err();
    assert_eq!(waiting.cpus(), 0b1000);
    // It leaves and enters again before anybody looks: it has compared epochs on the way.
    shootdown.leave(3);
    assert!(shootdown.enter(3, space(0)));
    assert!(waiting.check(&shootdown).is_ok());
}

#[test]
fn elsewhere_is_in_a_guest_of_another_space() {
    let shootdown = Shootdown::<1>::new();
    assert!(!shootdown.is_elsewhere(0, space(0)), "in root mode it may be about to enter, or idle");
    for number in [0, 5, 63] {
        let _ = shootdown.enter(0, space(number));
        let elsewhere = [0, 5, 63].map(|other| shootdown.is_elsewhere(0, space(other)));
        assert_eq!(elsewhere, [0, 5, 63].map(|other| other != number));
        shootdown.leave(0);
    }
}

#[test]
fn a_cpu_in_another_space_is_left_alone_and_flushes_before_it_enters_again() {
    let shootdown = Shootdown::<3>::new();
    assert!(shootdown.enter(1, space(5)) && shootdown.enter(2, space(63)));
    let mut kicked = Vec::new();
    let waiting = shootdown.begin(0, 1 << 5, |cpu| kicked.push(cpu));
    assert_eq!((kicked, waiting.cpus()), (std::vec![1], 0b10));
    shootdown.leave(2);
    assert!(shootdown.enter(2, space(5)), "what it has cached of space 5 goes before it can use it");
    let waiting = waiting.check(&shootdown).unwrap_err();
    shootdown.leave(1);
    assert!(waiting.check(&shootdown).is_ok());
}

#[test]
fn two_initiators_wait_for_one_guest_and_not_for_each_other() {
    let shootdown = Shootdown::<3>::new();
    assert!(shootdown.enter(2, space(0)));
    let (first, _) = begin(&shootdown, 0);
    let (second, _) = begin(&shootdown, 1);
    assert_eq!((first.cpus(), second.cpus()), (0b100, 0b100));
    shootdown.leave(2);
    assert!(first.check(&shootdown).is_ok() && second.check(&shootdown).is_ok());
    assert!(shootdown.enter(2, space(0)));
}

#[test]
fn an_entry_between_two_shootdowns_answers_only_the_first() {
    let shootdown = Shootdown::<2>::new();
    assert!(shootdown.enter(1, space(0)));
    let (first, _) = begin(&shootdown, 0);
    shootdown.leave(1);
    assert!(shootdown.enter(1, space(0)));
    let (second, kicked) = begin(&shootdown, 0);
    assert!(first.check(&shootdown).is_ok());
    assert_eq!(kicked, [1]);
    assert_eq!(second.check(&shootdown).unwrap_err().cpus(), 0b10);
}

#[test]
#[should_panic(expected = "cannot flush others")]
fn a_cpu_in_a_guest_does_not_wait_for_itself() {
    let shootdown = Shootdown::<1>::new();
    let _ = shootdown.enter(0, space(0));
    let _ = shootdown.flush(0, ALL_SPACES, |_| ());
}

/// Two threads are CPUs whose "translation" is a cached copy of a word; the initiator changes the word, shoots down, and
/// then declares the old value dead. A CPU that uses a dead value in its guest has missed a flush.
#[test]
fn no_thread_uses_a_translation_that_was_shot_down() {
    const ROUNDS: u64 = 2_000;
    let shootdown = Shootdown::<3>::new();
    let (table, dead, stop) = (AtomicU64::new(1), AtomicU64::new(0), AtomicBool::new(false));
    let kicks = [const { AtomicBool::new(false) }; 3];
    std::thread::scope(|scope| {
        for cpu in [1, 2] {
            let (shootdown, table, dead, stop, kicks) = (&shootdown, &table, &dead, &stop, &kicks);
            scope.spawn(move || {
                let mut cached = 0;
                while !stop.load(Ordering::Relaxed) {
                    if shootdown.enter(cpu, space(0)) {
                        cached = table.load(Ordering::Relaxed);
                    }
                    for _ in 0..50 {
                        assert!(cached > dead.load(Ordering::Relaxed), "used after it was freed");
                        if kicks[cpu].swap(false, Ordering::Relaxed) {
                            break;
                        }
                    }
                    shootdown.leave(cpu);
                    std::thread::yield_now(); // there may be fewer cores than threads
                }
            });
        }
        for round in 1..=ROUNDS {
            table.store(round + 1, Ordering::Relaxed);
            let kick = |cpu: usize| kicks[cpu].store(true, Ordering::Relaxed);
            let _ = shootdown.flush_while(0, 1, kick, std::thread::yield_now);
            dead.store(round, Ordering::Relaxed);
        }
        stop.store(true, Ordering::Relaxed);
    });
    assert_eq!(shootdown.epoch(), ROUNDS);
}
