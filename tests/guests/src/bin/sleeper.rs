//! Halts again and again, and wakes at the beginning of its next slice each time.
#![cfg_attr(target_os = "none", no_std)]
#![no_main]

use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::events::{self, Upcall};
use exo_user::{cpu, println};

exo_user::entry!(main);

const VECTOR: u8 = 0x40;
const ROUNDS: u64 = 100;

static UPCALLS: AtomicU64 = AtomicU64::new(0);

fn upcall(_upcall: &mut Upcall<'_>) {
    UPCALLS.fetch_add(1, Ordering::Relaxed);
}

fn main(boot: &'static BootPage) -> u32 {
    events::set_handler(events::SLICE_BEGIN, upcall);
    events::set_vector(VECTOR);
    cpu::enable_interrupts();
    let (begin, exits) = (cpu::read_tsc(), exo_user::counters().exits[HLT]);
    for _ in 0..ROUNDS {
        cpu::halt();
    }
    let slept = cpu::read_tsc() - begin;
    let (upcalls, halts) = (UPCALLS.load(Ordering::Relaxed), exo_user::counters().exits[HLT] - exits);
    println!("halted {halts} times");
    println!("woken {upcalls} times");
    // The first halt may come late in its slice; every other one sleeps for a whole slice.
    let long_enough = slept >= (ROUNDS - 1) * boot.slice_ticks * 9 / 10;
    u32::from(upcalls < ROUNDS || halts != ROUNDS || !long_enough)
}

/// Exit reason HLT (SDM Vol. 3, Appendix C).
const HLT: usize = 12;
