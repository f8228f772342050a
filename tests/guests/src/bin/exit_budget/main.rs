//! Proves the exit budget: what a library OS does a thousand times without the kernel, and one positive control.
//! Prints `budget what=W count=N exits=E` for each, with the reasons where E is not what it must be.
#![cfg_attr(target_os = "none", no_std)]
#![no_main]
#![allow(unsafe_code)] // each measurement is an instruction

mod binding;
mod control;
mod exception;
mod user;

use exo_user::abi::boot_page::BootPage;
use exo_user::{cpu, eprintln, println};
use guests::{exits, faults};

exo_user::entry!(main);

/// How often each thing is done.
const COUNT: u64 = 1000;

/// One thing to measure.
struct Item {
    what: &'static str,
    /// Exits that the whole count must cause.
    expected: u64,
    /// Does it `COUNT` times and says how often it was seen to happen.
    work: fn() -> u64,
}

const fn free(what: &'static str, work: fn() -> u64) -> Item {
    Item { what, expected: 0, work }
}

/// Runs `once` as often as is measured.
fn repeat(mut once: impl FnMut()) -> u64 {
    for _ in 0..COUNT {
        once();
    }
    COUNT
}

fn cpuid() -> u64 {
    repeat(|| _ = cpu::cpuid(0, 0))
}

fn measure(item: &Item) -> bool {
    let (happened, exits) = exits::during(item.work);
    println!("budget what={} count={happened} exits={}", item.what, exits.caused());
    if happened != COUNT {
        eprintln!("{} happened {happened} times of {COUNT}", item.what);
    }
    if exits.caused() != item.expected {
        eprintln!("{} may cause {} exits:{exits}", item.what, item.expected);
    }
    happened == COUNT && exits.caused() == item.expected
}

fn main(_boot: &'static BootPage) -> u32 {
    faults::install();
    // What exits on purpose (SYSCALL's MSRs, feature checks) happens here, outside every measurement.
    if let Err(error) = exception::prepare().and_then(|()| user::prepare()) {
        eprintln!("cannot prepare: {error}");
        return 1;
    }
    if let Err(reason) = binding::prepare() {
        eprintln!("cannot prepare: {reason}");
        return 1;
    }
    let mut good = true;
    for item in exception::ITEMS.iter().chain(user::ITEMS).chain(control::ITEMS).chain(binding::ITEMS) {
        good &= measure(item);
    }
    for item in control::optional().iter().flatten() {
        good &= measure(item);
    }
    good &= measure(&Item { what: "cpuid", expected: COUNT, work: cpuid });
    println!("budget {}", if good { "holds" } else { "is broken" });
    u32::from(!good)
}
