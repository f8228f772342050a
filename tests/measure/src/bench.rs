//! The sampling loop.

use crate::line::{Control, Report};
use crate::{Counts, Operation, Samples, Transitions, clock};
use alloc::vec::Vec;
use core::fmt;

/// Operations that are enough, unless they take too long.
const OPERATIONS: u32 = 10_000;
/// Ticks that are enough, but never fewer runs than [`LEAST_RUNS`].
const TICKS: u64 = 200_000_000;
const LEAST_RUNS: u32 = 200;
/// Runs before the first that counts, so that caches are warm on machines that have them.
const WARM_UP: u32 = 1_000;

/// How an operation is measured.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Operations of one run; figures are for one operation.
    pub each: u64,
    /// Unmeasured runs at the beginning.
    pub warm_up: u32,
    /// Most runs, where each uses something up.
    pub at_most: u32,
    /// VMFUNCs of one run, as its source is written: nothing counts them.
    pub vmfunc: Option<u64>,
    /// Switches to another ring and back of one run, as its source is written.
    pub ring: Option<u64>,
    /// Exceptions and interrupts that are delivered in one run, with their returns, as its source is written.
    pub exceptions: Option<u64>,
}

impl Default for Plan {
    fn default() -> Plan {
        Plan { each: 1, warm_up: WARM_UP, at_most: u32::MAX, vmfunc: None, ring: None, exceptions: None }
    }
}

impl Plan {
    /// For runs of so many operations.
    #[must_use]
    pub fn of(each: u64) -> Plan {
        Plan { each, warm_up: 10, ..Plan::default() }
    }

    /// Declares switches to another ring and back for one run; and no VMFUNCs and exceptions, unless others are declared.
    #[must_use]
    pub fn with_rings(self, ring: u64) -> Plan {
        Plan { ring: Some(ring), vmfunc: self.vmfunc.or(Some(0)), exceptions: self.exceptions.or(Some(0)), ..self }
    }

    /// Declares VMFUNCs for one run.
    #[must_use]
    pub fn with_vmfuncs(self, vmfunc: u64) -> Plan {
        Plan { vmfunc: Some(vmfunc), ..self }
    }

    /// Declares exceptions for one run.
    #[must_use]
    pub fn with_exceptions(self, exceptions: u64) -> Plan {
        Plan { exceptions: Some(exceptions), ..self }
    }

    /// Limits the runs: what each uses up is not there more often.
    #[must_use]
    pub fn at_most(self, runs: u32) -> Plan {
        Plan { at_most: runs, ..self }
    }

    fn enough(&self, runs: u32, ticks: u64) -> bool {
        let operations = u64::from(runs) * self.each;
        runs >= self.at_most || (runs >= LEAST_RUNS && (operations >= u64::from(OPERATIONS) || ticks >= TICKS))
    }
}

/// Why a row has no figures.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// Which row.
    pub id: &'static str,
    /// Runs that left something else behind than their nonce.
    pub wrong: u64,
    /// Of so many.
    pub runs: u64,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Failure { id, wrong, runs } = self;
        write!(f, "{id}: {wrong} of {runs} runs did not do what they are for")
    }
}

/// Measures operations and prints their lines.
#[derive(Debug)]
pub struct Bench<T, W> {
    transitions: T,
    write: W,
    overhead: u64,
    nonce: u64,
}

impl<T: Transitions, W: FnMut(fmt::Arguments<'_>)> Bench<T, W> {
    /// A bench that writes each line by `write`, and has measured what looking at the clock costs.
    pub fn new(transitions: T, write: W) -> Bench<T, W> {
        let mut bench = Bench { transitions, write, overhead: 0, nonce: clock::ticks() };
        let looks = (0..WARM_UP).map(|_| bench.timed(|| ()).0);
        bench.overhead = looks.min().unwrap_or(0);
        bench
    }

    /// What looking at the clock costs: in no figure that is printed.
    pub fn overhead(&self) -> u64 {
        self.overhead
    }

    /// Measures, checks and prints one row. With the wrong evidence there are no figures.
    pub fn row(&mut self, id: &'static str, plan: &Plan, operation: &mut impl Operation) -> Result<(), Failure> {
        let mut wrong = 0;
        for _ in 0..plan.warm_up {
            wrong += u64::from(self.one(operation).is_none());
        }
        // In one piece, so that no run meets the heap being moved.
        let mut ticks = Vec::with_capacity(OPERATIONS.min(plan.at_most) as usize);
        let (mut runs, mut spent) = (0, 0);
        let mut counts = self.transitions.so_far().map(|now| now.since(now));
        let elsewhere = operation.counts_elsewhere();
        while !plan.enough(runs, spent) {
            runs += 1;
            let Some((sample, transitions)) = self.one(operation) else {
                wrong += 1;
                continue;
            };
            spent += sample;
            ticks.push(sample);
            if let (Some(sum), Some(more)) = (&mut counts, transitions) {
                sum.add(more);
            }
        }
        if wrong > 0 {
            return Err(Failure { id, wrong, runs: u64::from(runs + plan.warm_up) });
        }
        if let Some(sum) = &mut counts {
            sum.add(operation.counts_elsewhere().since(elsewhere));
        }
        self.print(id, plan, &Samples::new(ticks, self.overhead, counts));
        Ok(())
    }

    /// Prints a row that was measured by other means than the clock here, such as by the kernel's own account.
    pub fn print(&mut self, id: &'static str, plan: &Plan, samples: &Samples) {
        (self.write)(format_args!("{}", Report { id, plan, samples }));
    }

    /// Prints a positive control: does `one` so often, and what was counted meanwhile.
    pub fn control(&mut self, id: &str, done: u64, of: impl Fn(Counts) -> u64, mut one: impl FnMut()) {
        let before = self.transitions.so_far();
        (0..done).for_each(|_| one());
        let counted = self.transitions.so_far().zip(before).map_or(0, |(after, before)| of(after.since(before)));
        (self.write)(format_args!("{}", Control { id, done, counted }));
    }

    /// One run; `None` if it was in vain.
    #[inline(always)]
    fn one(&mut self, operation: &mut impl Operation) -> Option<(u64, Option<Counts>)> {
        self.nonce = next(self.nonce);
        operation.prepare(self.nonce);
        let sample = self.timed(|| operation.run());
        (operation.evidence() == self.nonce).then_some(sample)
    }

    #[inline(always)]
    fn timed(&self, run: impl FnOnce()) -> (u64, Option<Counts>) {
        let counts = self.transitions.so_far();
        let before = clock::ticks();
        run();
        let ticks = clock::ticks() - before;
        (ticks, self.transitions.so_far().zip(counts).map(|(after, before)| after.since(before)))
    }
}

/// The next nonce: no counter, so that neither an old one nor a count of runs passes for it (the multiplier is Knuth's for MMIX).
fn next(nonce: u64) -> u64 {
    nonce.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407)
}
