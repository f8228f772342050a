//! The bench of this guest: prints on the console, and reads the kernel's counters of exits.

use core::fmt;
use exo_user::abi::counters::caused;
use exo_user::{counters, cpu, println};
use guests::exits::reason;
use measure::{Bench, Counts, Transitions};

/// The counters that the kernel keeps for this virtual CPU.
#[derive(Debug)]
pub struct KernelCounters {
    cr3: bool,
}

impl Transitions for KernelCounters {
    fn so_far(&self) -> Option<Counts> {
        let exits = counters().exits;
        Some(Counts { exits: caused(&exits), cr3: self.cr3.then(|| exits[reason::CR_ACCESS]) })
    }
}

/// This guest's bench.
pub type Meter = Bench<KernelCounters, fn(fmt::Arguments<'_>)>;

/// A bench; `cr3` where the kernel counts loads of CR3, which are exits then.
pub fn new(cr3: bool) -> Meter {
    Bench::new(KernelCounters { cr3 }, |line| println!("{line}"))
}

/// Transitions made on purpose: a row without any says something only beside these.
pub fn controls(meter: &mut Meter, cr3: bool) {
    meter.control("cpuid", 1_000, |counts| counts.exits, || _ = cpu::cpuid(0, 0));
    if cr3 {
        let root = cpu::read_cr3();
        // SAFETY: the page tables in force stay in force.
        meter.control("cr3", 1_000, |counts| counts.cr3.unwrap_or(0), || unsafe { cpu::write_cr3(root) });
    }
}
