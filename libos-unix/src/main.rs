//! The Unix library OS. For now a placeholder: it boots, says so, counts over a few slices and exits.
#![cfg_attr(target_os = "none", no_std)]
#![no_main]

use exo_user::abi::boot_page::BootPage;
use exo_user::{call, println};

exo_user::entry!(main);

/// Rounds where the arguments name no number.
const ROUNDS: u64 = 5;

fn main(boot: &'static BootPage) -> u32 {
    println!("{}: a placeholder, not a Unix yet", boot.name());
    let rounds = boot.arguments().split_whitespace().find_map(|word| word.parse().ok()).unwrap_or(ROUNDS);
    for round in 1..=rounds {
        let slices = exo_user::counters().slices;
        println!("{}: {round} of {rounds}, in slice {slices}", boot.name());
        // Everyone else on this CPU has a turn before the next line.
        call::yield_slice();
    }
    println!("{}: nothing else to do yet", boot.name());
    0
}
