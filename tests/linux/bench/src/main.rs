//! What operations cost on Linux. `cargo xtask bench` boots this as the only process of a stock kernel in the emulator; as an ordinary
//! program it prints the same lines, with whatever the host's clock shows.
//!
//! Each row is the operation by which a Linux program would do what the row of that name does here; where Linux has nothing like it
//! there is no row.
#![allow(unsafe_code)] // system calls, signal handlers and memory that faults

mod files;
mod machine;
mod memory;
mod pages;
mod processes;
mod signals;

use machine::Machine;
use measure::{Bench, Failure, Plan, Uncounted, appel_li};
use std::fmt;
use std::process::ExitCode;

/// A bench that prints on the machine's console.
type Meter = Bench<Uncounted, fn(fmt::Arguments<'_>)>;

/// Why there are no figures.
type Error = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let machine = Machine::begin();
    let result = measure_all();
    if let Err(error) = &result {
        machine::print(format_args!("linux-bench failed: {error}"));
    }
    machine.end(result.is_ok())
}

fn measure_all() -> Result<(), Error> {
    let mut meter: Meter = Bench::new(Uncounted, machine::print);
    processes::null_call(&mut meter)?;
    signals::exception(&mut meter)?;
    signals::event(&mut meter)?;
    let mut region = memory::Protected::new(appel_li::HUNDRED)?;
    row(appel_li::all(&mut meter, &signals::fault(), &Plan::default().with_rings(1), &mut region))?;
    memory::fault(&mut meter, &mut region)?;
    pages::allocate(&mut meter)?;
    pages::map_and_unmap(&mut meter)?;
    processes::round_trip(&mut meter)?;
    processes::switch(&mut meter)?;
    processes::fork(&mut meter)
}

fn row(result: Result<(), Failure>) -> Result<(), Error> {
    result.map_err(|failure| failure.to_string().into())
}

/// What a system call answered, as an error if it is one.
fn checked(answer: impl Into<i64>, what: &str) -> Result<i64, Error> {
    let answer = answer.into();
    if answer < 0 {
        return Err(format!("{what}: {}", std::io::Error::last_os_error()).into());
    }
    Ok(answer)
}
