//! What operations cost on Linux. `cargo xtask bench` boots this as the only process of a stock kernel in the emulator; as an ordinary
//! program it prints the same lines, with whatever the host's clock shows.
//!
//! Each row is the operation by which a Linux program would do what the row of that name does here; where Linux has nothing like it
//! there is no row. The word `unix` leaves only the rows that the Unix library OS is measured by, under their names there; `cr3` after it
//! is said where the kernel counts loads of CR3.
#![allow(unsafe_code)] // system calls, signal handlers and memory that faults

mod exits;
mod files;
mod machine;
mod memory;
mod pages;
mod processes;
mod signals;

use exits::Counter;
use machine::Machine;
use measure::{Bench, Failure, Plan, appel_li};
use std::fmt;
use std::process::ExitCode;

/// A bench that prints on the machine's console.
type Meter = Bench<Counter, fn(fmt::Arguments<'_>)>;

/// Why there are no figures.
type Error = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let machine = Machine::begin();
    let mut words = std::env::args().skip(1);
    let result = match words.next().as_deref() {
        Some("unix") => measure_unix(words.next().as_deref() == Some("cr3")),
        _ => measure_all(),
    };
    if let Err(error) = &result {
        machine::print(format_args!("linux-bench failed: {error}"));
    }
    machine.end(result.is_ok())
}

fn measure_all() -> Result<(), Error> {
    let mut meter: Meter = Bench::new(Counter::Nobody, machine::print);
    processes::null_call(&mut meter, "null-call")?;
    signals::exception(&mut meter)?;
    signals::event(&mut meter)?;
    let mut region = memory::Protected::new(appel_li::HUNDRED)?;
    row(appel_li::all(&mut meter, &signals::fault(), &Plan::default().with_rings(1), &mut region))?;
    memory::fault(&mut meter, &mut region)?;
    pages::allocate(&mut meter)?;
    pages::map_and_unmap(&mut meter)?;
    processes::round_trip(&mut meter, "pct")?;
    processes::switch(&mut meter)?;
    processes::fork(&mut meter)
}

/// The rows of the Unix library OS.
fn measure_unix(cr3: bool) -> Result<(), Error> {
    let counter = Counter::Kernel { file: files::Handle::open(exits::FILE, libc::O_RDONLY)?, cr3 };
    let mut meter: Meter = Bench::new(counter, machine::print);
    // A row without exits says something only beside these.
    meter.control("cpuid", 1_000, |counts| counts.exits, || _ = std::arch::x86_64::__cpuid(0));
    if cr3 {
        processes::switches(&mut meter)?;
    }
    processes::null_call(&mut meter, "unix-null")?;
    let mut region = memory::Protected::new(appel_li::HUNDRED)?;
    row(appel_li::trap(&mut meter, "unix-sigsegv", &signals::fault(), &mut region))?;
    processes::round_trip(&mut meter, "unix-pipe")?;
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
