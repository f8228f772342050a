//! The smallest useful library OS: says who it is, takes an exception, uses the heap and exits.
//! `docs/writing-a-libos.md` walks through it.
#![cfg_attr(target_os = "none", no_std)]
#![no_main]

extern crate alloc;

use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use exo_user::abi::boot_page::BootPage;
use exo_user::exceptions::{self, ExceptionFrame, vector};
use exo_user::{cpu, frames, println};

// The image starts at `_start`, which this macro makes; it sets the library up and calls `main`.
exo_user::entry!(main);

static BREAKPOINTS: AtomicU64 = AtomicU64::new(0);

/// Exceptions go to the environment's own handlers; the kernel never sees them.
fn on_breakpoint(_frame: &mut ExceptionFrame) {
    BREAKPOINTS.fetch_add(1, Ordering::Relaxed);
}

fn main(boot: &'static BootPage) -> u32 {
    println!("hello from {} on cpu {}", boot.name(), boot.cpu);

    let owned: u64 = boot.runs().iter().map(|run| run.count).sum();
    println!("{owned} frames are mine, {} of them free", frames::available());
    println!("arguments: {:?}", boot.arguments());

    exceptions::set_handler(vector::BREAKPOINT, on_breakpoint);
    cpu::breakpoint();
    println!("caught {} breakpoint", BREAKPOINTS.load(Ordering::Relaxed));

    let squares: Vec<u64> = (1..=1000).map(|number| number * number).collect();
    println!("the first 1000 squares add up to {}", squares.iter().sum::<u64>());

    let exits = exo_user::abi::counters::caused(&exo_user::counters().exits);
    println!("{exits} exits so far, one for each line");
    0
}
