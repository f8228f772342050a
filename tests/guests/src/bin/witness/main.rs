//! A well-behaved neighbour that looks after itself: keeps patterns in its memory and its registers and checks,
//! round after round, that nobody else left a trace, there or in what the kernel says of it. Exits with 1 at the first difference.
//! With the word `beside` it goes on until only witnesses run; with `last` until nobody else does. With `last` or `audit` it then has
//! the kernel check its invariants, where it may.
#![cfg_attr(target_os = "none", no_std)]
#![no_main]
#![allow(unsafe_code)] // fills registers

extern crate alloc;

use alloc::format;
use alloc::string::String;

mod memory;
mod records;
mod registers;
mod unswitched;

use exo_user::abi::boot_page::BootPage;
use exo_user::abi::error::Error;
use exo_user::abi::info::environment_state;
use exo_user::call::{Kernel, Machine};
use exo_user::{call, counters, cpu, eprintln, info, println};
use guests::exits::{self, reason};

use unswitched::Unswitched;

exo_user::entry!(main);

/// Rounds where the arguments name no number.
const ROUNDS: u64 = 10;
/// Longest wait for the next slice, in slices.
const PATIENCE: u64 = 1000;

/// Waits, without a call, until the kernel has begun another slice.
fn next_slice_comes(boot: &BootPage) -> bool {
    let before = counters().slices;
    let begin = cpu::read_tsc();
    let patience = boot.slice_ticks.saturating_mul(PATIENCE);
    while counters().slices == before {
        if cpu::read_tsc().wrapping_sub(begin) > patience {
            return false;
        }
        core::hint::spin_loop();
    }
    true
}

/// One audit; what is wrong, if something is.
fn round(boot: &'static BootPage, memory: &memory::Pattern, state: &Unswitched, seed: u64) -> Result<(), String> {
    let (result, exits) = exits::during(|| -> Result<(), String> {
        // An instruction of the waiting loop is about a tick; half a slice makes a switch in between likely.
        let delay = (boot.slice_ticks / 4).clamp(1_000, 2_000_000);
        registers::audit(seed, delay)?;
        state.audit(seed, delay)?;
        memory.audit()?;
        if next_slice_comes(boot) { Ok(()) } else { Err("no slice begins any more".into()) }
    });
    result?;
    if exits.caused() != 0 {
        return Err(format!("exits that nothing here asked for:{exits}"));
    }
    let total = counters();
    for unwanted in [reason::EPT_VIOLATION, reason::EPT_MISCONFIGURATION] {
        if total.exits[unwanted] != 0 {
            return Err(format!("{} exits for reason {unwanted}", total.exits[unwanted]));
        }
    }
    if total.injections != 0 {
        return Err(format!("{} injections that nothing here asked for", total.injections));
    }
    Ok(())
}

fn main(boot: &'static BootPage) -> u32 {
    let rounds = boot.arguments().split_whitespace().find_map(|word| word.parse().ok()).unwrap_or(ROUNDS);
    let key = cpu::read_tsc() ^ (u64::from(boot.environment_index) << 56);
    let memory = memory::Pattern::fill(boot, key);
    let state = match Unswitched::prepare(boot, key) {
        Ok(state) => state,
        Err(error) => {
            eprintln!("witness cannot begin: {error}");
            return 1;
        }
    };
    let mut records = records::Records::note(boot);
    let word = |wanted| boot.arguments().split_whitespace().any(|word| word == wanted);
    let (beside, last) = (word("beside"), word("last"));
    println!("witness {} watches {} frames", boot.name(), memory.frames());
    let mut number = 0;
    while number < rounds || beside && others_run(true) || last && others_run(false) {
        number += 1;
        let seen = round(boot, &memory, &state, key.wrapping_add(number)).and_then(|()| records.audit());
        if let Err(difference) = seen {
            eprintln!("witness broken round={number} {difference}");
            return 1;
        }
        call::yield_slice();
    }
    if (last || word("audit")) && !invariants_hold() {
        return 1;
    }
    println!("witness intact rounds={rounds}");
    0
}

/// Whether anybody else runs, or anybody who is no witness.
fn others_run(but_witnesses: bool) -> bool {
    let own = info::own_id().index;
    (0..).map_while(|index| Some((index, info::environment_at(index)?))).any(|(index, record)| {
        let known =
            usize::try_from(record.name_length).is_ok_and(|length| record.name[..length].starts_with(b"witness"));
        record.state == environment_state::RUNNING && index != own && !(known && but_witnesses)
    })
}

/// Has the kernel check itself.
fn invariants_hold() -> bool {
    match Machine.audit(0) {
        Ok(0) => {
            println!("the kernel's invariants hold");
            true
        }
        Ok(broken) => {
            eprintln!("witness broken: the kernel's invariant {broken} does not hold");
            false
        }
        // Not every witness has the right to ask.
        Err(failure) => failure.error == Error::Underprivileged,
    }
}
