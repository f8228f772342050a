use super::Upcall;
use super::dispatch::{Handlers, Shared};
use std::sync::atomic::{AtomicU64, Ordering};

static COUNTS: [AtomicU64; 4] = [const { AtomicU64::new(0) }; 4];

fn count(upcall: &mut Upcall<'_>) {
    assert!(upcall.event.is_power_of_two());
    let bit = usize::try_from(upcall.event.trailing_zeros()).unwrap();
    COUNTS[bit].fetch_add(1, Ordering::Relaxed);
}

#[test]
fn what_is_masked_stays_and_the_rest_is_taken_once() {
    static SEEN: AtomicU64 = AtomicU64::new(0);
    let handlers = Handlers::new();
    handlers.set(1, Some(|upcall| _ = SEEN.fetch_or(upcall.event, Ordering::Relaxed)));
    let shared = Shared::default();
    shared.pending.store(0b111, Ordering::Relaxed);
    shared.mask.store(0b100, Ordering::Relaxed);
    assert!(shared.wants_attention());
    handlers.run(&shared, None);
    assert_eq!(SEEN.load(Ordering::Relaxed), 1);
    assert_eq!(shared.pending.load(Ordering::Relaxed), 0b100);
    assert!(!shared.wants_attention());
    assert_eq!(handlers.take_noted(0b11), 0b10, "what has no handler is noted");
    assert_eq!(handlers.take_noted(0b11), 0);
}

#[test]
fn a_handler_that_raises_more_is_followed_by_the_handler_of_that() {
    static SHARED: Shared = Shared {
        pending: AtomicU64::new(1),
        mask: AtomicU64::new(0),
        vector: AtomicU64::new(0),
        wants_slice_end: AtomicU64::new(0),
    };
    let handlers = Handlers::new();
    handlers.set(1, Some(|_| _ = SHARED.pending.fetch_or(2, Ordering::Relaxed)));
    handlers.run(&SHARED, None);
    assert_eq!(SHARED.pending.load(Ordering::Relaxed), 0);
    assert_eq!(handlers.take_noted(u64::MAX), 2);
}

#[test]
fn nothing_that_a_kernel_raises_is_lost() {
    const ROUNDS: u64 = 20_000;
    let handlers = Handlers::new();
    (0..4).for_each(|bit| handlers.set(1 << bit, Some(count)));
    let shared = Shared::default();
    let raised = AtomicU64::new(0);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in 0..ROUNDS {
                // The kernel raises a bit only once it was taken, so that each can be counted.
                while shared.pending.fetch_or(1 << (round % 4), Ordering::SeqCst) & 1 << (round % 4) != 0 {
                    std::thread::yield_now();
                }
            }
            raised.store(1, Ordering::SeqCst);
        });
        while raised.load(Ordering::SeqCst) == 0 || shared.pending.load(Ordering::SeqCst) != 0 {
            shared.mask.store(0b0101, Ordering::SeqCst);
            handlers.run(&shared, None);
            shared.mask.store(0, Ordering::SeqCst);
            if shared.wants_attention() {
                handlers.run(&shared, None);
            }
        }
    });
    assert_eq!(COUNTS.iter().map(|count| count.load(Ordering::Relaxed)).sum::<u64>(), ROUNDS);
}
