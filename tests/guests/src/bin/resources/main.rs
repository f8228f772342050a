//! Uses the library for everything that an environment can own: frames, capabilities, time, virtual CPUs, children.
#![cfg_attr(target_os = "none", no_std)]
#![no_main]
// Bindings, page tables and a stack that is taken away are what it is about.
#![allow(unsafe_code)]

extern crate alloc;

mod children;
mod claims;
mod corners;
mod frames;
mod rescue;
mod time;

use alloc::string::String;
use exo_user::abi::boot_page::BootPage;
use exo_user::{cpu, eprintln, events, println, revocation};

exo_user::entry!(main, with_children);

type Outcome = Result<(), String>;

/// Makes an error of something that must hold.
fn must(holds: bool, what: &str) -> Outcome {
    if holds { Ok(()) } else { Err(what.into()) }
}

/// A message of an error.
fn text(error: impl core::fmt::Display) -> String {
    alloc::format!("{error}")
}

type Step = (&'static str, fn(&'static BootPage) -> Outcome);

const STEPS: &[Step] = &[
    ("frames come and go", frames::grow_and_shrink),
    ("a large page", frames::large_page),
    ("frames with bindings", frames::owned),
    ("capabilities", frames::capabilities),
    ("the time of day", time::of_day),
    ("waiting", time::waiting),
    ("a predicate", time::predicate),
    ("another virtual CPU", time::second_vcpu),
    ("a child", children::one),
    ("a grandchild", children::grandchild),
    ("a child that faults", children::faulty),
    ("a stopped child", children::stopped),
    ("shared memory", children::shared),
    ("a claim that is answered", claims::answered),
    ("a claim that is not", claims::forced),
    ("a claim answered in the upcall", claims::in_the_upcall),
    ("a slice that is asked for", claims::slice),
    ("a child with eight virtual CPUs", corners::several_vcpus),
    ("more losses than are kept", corners::overflow),
    ("grace", corners::grace),
    ("a last resort taken back", corners::cancelled),
    ("the last resort", rescue::last_resort),
];

fn main(boot: &'static BootPage) -> u32 {
    revocation::install();
    events::set_vector(0x40);
    cpu::enable_interrupts();
    let mut failed = 0;
    for (name, step) in STEPS.iter().filter(|(name, _)| boot.arguments().is_empty() || name.contains(boot.arguments()))
    {
        match step(boot) {
            Ok(()) => println!("{name}: done"),
            Err(error) => {
                eprintln!("{name}: {error}");
                failed += 1;
                rescue::FAILED.store(failed, core::sync::atomic::Ordering::Relaxed);
            }
        }
    }
    failed
}
