//! Exceptions and virtual memory as a library OS uses them, each a thousand times and without an exit. Prints
//! `traps what=W count=N exits=E` for each, with one positive control, and ends as its argument says.
#![cfg_attr(target_os = "none", no_std)]
#![no_main]
#![allow(unsafe_code)] // raises exceptions, and uses memory that handlers put there

extern crate alloc;

mod contexts;
mod exceptions;
mod exhaustion;
mod protection;
mod registers;
mod ring3;
mod snapshots;
mod together;

use alloc::format;
use alloc::string::String;
use exo_user::abi::boot_page::BootPage;
use exo_user::{cpu, eprintln, println};
use guests::exits;

exo_user::entry!(main);

/// How often each thing is done.
const COUNT: u64 = 1000;

/// One thing to try. Preparing it may cost exits; doing it `COUNT` times must not. What is wrong, else how often it happened.
struct Item {
    what: &'static str,
    prepare: fn() -> Result<(), String>,
    work: fn() -> Result<u64, String>,
    exits: u64,
}

const fn item(what: &'static str, prepare: fn() -> Result<(), String>, work: fn() -> Result<u64, String>) -> Item {
    Item { what, prepare, work, exits: 0 }
}

const fn nothing() -> Result<(), String> {
    Ok(())
}

fn control() -> Result<u64, String> {
    (0..COUNT).for_each(|_| _ = cpu::cpuid(0, 0));
    Ok(COUNT)
}

/// Checks that two things are the same.
fn same<T: PartialEq + core::fmt::Debug>(what: &str, seen: T, wanted: T) -> Result<(), String> {
    if seen == wanted { Ok(()) } else { Err(format!("{what}: {seen:x?} instead of {wanted:x?}")) }
}

/// Numbers that tell nothing of each other.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        // xorshift64 (Marsaglia 2003).
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.next() % end as u64).unwrap_or(0)
    }
}

fn measure(item: &Item, exits_allowed: u64) -> bool {
    if let Err(reason) = (item.prepare)() {
        eprintln!("{}: {reason}", item.what);
        return false;
    }
    let (outcome, exits) = exits::during(item.work);
    let count = outcome.unwrap_or_else(|reason| {
        eprintln!("{}: {reason}", item.what);
        0
    });
    println!("traps what={} count={count} exits={}", item.what, exits.caused());
    count == COUNT && exits.caused() == exits_allowed
}

/// All of it, with so many exits where foreign memory is told of.
fn all(exits_when_told: u64) -> u32 {
    let control = [Item { what: "cpuid", prepare: nothing, work: control, exits: COUNT }];
    let groups = [
        registers::ITEMS,
        exceptions::ITEMS,
        contexts::ITEMS,
        ring3::ITEMS,
        protection::ITEMS,
        snapshots::ITEMS,
        &control,
    ];
    let mut good = true;
    for item in groups.into_iter().flatten() {
        let told = if item.what == exceptions::TOLD { exits_when_told } else { 0 };
        good &= measure(item, item.exits + told);
    }
    println!("traps {}", if good { "work" } else { "do not work" });
    u32::from(!good)
}

fn main(boot: &'static BootPage) -> u32 {
    match boot.arguments() {
        "" => all(0),
        "told-by-the-kernel" => all(COUNT),
        "together" => together::run(boot),
        "nested" => exhaustion::nested(),
        "overflow" => exhaustion::overflow(),
        "fast-overflow" => exhaustion::fast_overflow(),
        other => {
            eprintln!("no trap is called {other:?}");
            2
        }
    }
}
