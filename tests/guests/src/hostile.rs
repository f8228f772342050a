//! Guests that break one rule each, and what must become of them.
//!
//! A case says what it saw and ends by itself with 0, or with 1 where the machine did something else than declared;
//! or the kernel ends it for the declared reason; or it goes on for ever and the kernel keeps it to its slices.
//! The table is readable on the host, so that a test harness takes names and outcomes from here.

mod calls;
mod compatibility;
mod control;
mod debug;
mod delivery;
mod endless;
mod foreign;
mod instructions;
mod interface;
mod memory;
mod msrs;
mod paging;
mod programs;
mod returns;
pub mod tables;

use crate::faults::{self, Fault};
use alloc::format;
use alloc::string::String;
use core::fmt;
use exo_user::abi::boot_page::BootPage;
use exo_user::{eprintln, println};

/// What a case says when the machine did not do what it must.
pub type Verdict = Result<(), String>;

/// How a case must end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// By itself, with this status.
    Exited(u32),
    /// By the kernel, for a reason that begins so.
    Killed(&'static str),
    /// By a call of whoever has authority over it, here itself.
    Destroyed,
    /// Never: it only uses up its own slices.
    Endless,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Outcome::Exited(status) => write!(f, "exited {status}"),
            Outcome::Killed(reason) => write!(f, "killed \"{reason}\""),
            Outcome::Destroyed => f.write_str("destroyed"),
            Outcome::Endless => f.write_str("endless"),
        }
    }
}

/// One way to misbehave.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// What the first word of the arguments must be.
    pub name: &'static str,
    /// The violation, in one sentence.
    pub about: &'static str,
    /// How it must end.
    pub outcome: Outcome,
    run: fn(&'static BootPage) -> Verdict,
}

impl Case {
    const fn new(
        name: &'static str,
        outcome: Outcome,
        run: fn(&'static BootPage) -> Verdict,
        about: &'static str,
    ) -> Case {
        Case { name, about, outcome, run }
    }
}

const EXITS: Outcome = Outcome::Exited(0);
const VIOLATION: Outcome = Outcome::Killed("EPT violation");
const TRIPLE_FAULT: Outcome = Outcome::Killed("triple fault");

/// All cases.
pub fn cases() -> impl Iterator<Item = &'static Case> {
    [
        memory::CASES,
        foreign::CASES,
        paging::CASES,
        delivery::CASES,
        returns::CASES,
        debug::CASES,
        control::CASES,
        msrs::CASES,
        instructions::CASES,
        programs::CASES,
        calls::CASES,
        compatibility::CASES,
        endless::CASES,
    ]
    .into_iter()
    .flatten()
    .chain(interface::cases())
}

/// Runs the case that the arguments name; the exit status.
pub fn run(boot: &'static BootPage) -> u32 {
    let name = boot.arguments().split_whitespace().next().unwrap_or("");
    let Some(case) = cases().find(|case| case.name == name) else {
        eprintln!("no hostile case is called {name:?}");
        return 2;
    };
    println!("hostile case={} expects={}", case.name, case.outcome);
    faults::install();
    match (case.run)(boot) {
        Ok(()) if case.outcome == EXITS => 0,
        Ok(()) => {
            eprintln!("hostile case={} survived, but must not: {}", case.name, case.outcome);
            1
        }
        Err(mismatch) => {
            eprintln!("hostile case={} {mismatch}", case.name);
            1
        }
    }
}

/// Checks that what was attempted raised just this exception.
fn must_fault(what: impl fmt::Display, vector: u8, seen: Result<(), Fault>) -> Verdict {
    match seen {
        Err(fault) if fault.vector == vector => Ok(()),
        Err(fault) => Err(format!("{what}: {fault} instead of exception {vector}")),
        Ok(()) => Err(format!("{what}: no exception instead of exception {vector}")),
    }
}

/// Checks that what was attempted raised nothing.
fn must_pass(what: impl fmt::Display, seen: Result<(), Fault>) -> Verdict {
    seen.map_err(|fault| format!("{what}: {fault}, but it is allowed"))
}

/// Checks a value.
fn must_be(what: impl fmt::Display, seen: u64, wanted: u64) -> Verdict {
    if seen == wanted { Ok(()) } else { Err(format!("{what}: {seen:#x} instead of {wanted:#x}")) }
}

#[cfg(test)]
mod tests;
