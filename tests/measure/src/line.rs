//! The lines by which a bench reports, one word per field so that tools need no more than splitting:
//!
//! ```text
//! bench id=null-call unit=ticks median=44 p99=44 min=44 iterations=20000 runs=20000 exits=1 cr3=0 vmfunc=0 ring=0 exception=0
//! histogram id=null-call each=1 44:19998,1204:2
//! control id=cpuid done=1000 counted=1000
//! ```
//!
//! Figures of `bench` are for one operation; a run, which the clock is looked at for, does one or more. `exits` and `cr3` stand there only where they
//! were counted, `vmfunc`, `ring` and
//! `exception` only where the source declares them. A histogram's values are ticks of whole runs.

use crate::{Plan, Samples};
use core::fmt;

/// Reports one operation: both lines, without a line feed at the end.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// Name of the row.
    pub id: &'a str,
    /// How it was measured.
    pub plan: &'a Plan,
    /// What came out.
    pub samples: &'a Samples,
}

impl fmt::Display for Report<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report { id, plan, samples } = *self;
        let at = |percent| Ratio(samples.percentile(percent), plan.each);
        write!(f, "bench id={id} unit=ticks median={} p99={} min={}", at(50), at(99), at(0))?;
        let operations = samples.len() as u64 * plan.each;
        write!(f, " iterations={operations} runs={}", samples.len())?;
        if let Some(counts) = samples.counts() {
            write!(f, " exits={}", Ratio(counts.exits, operations))?;
            if let Some(cr3) = counts.cr3 {
                write!(f, " cr3={}", Ratio(cr3, operations))?;
            }
        }
        for (key, declared) in [("vmfunc", plan.vmfunc), ("ring", plan.ring), ("exception", plan.exceptions)] {
            if let Some(count) = declared {
                write!(f, " {key}={}", Ratio(count, plan.each))?;
            }
        }
        write!(f, "\nhistogram id={id} each={} ", plan.each)?;
        for (index, (bound, count)) in samples.distribution().into_iter().enumerate() {
            write!(f, "{}{bound}:{count}", if index == 0 { "" } else { "," })?;
        }
        Ok(())
    }
}

/// A positive control: so many transitions were made on purpose, so many were counted.
#[derive(Clone, Copy, Debug)]
pub struct Control<'a> {
    /// What was done.
    pub id: &'a str,
    /// How often.
    pub done: u64,
    /// What the counters say.
    pub counted: u64,
}

impl fmt::Display for Control<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "control id={} done={} counted={}", self.id, self.done, self.counted)
    }
}

/// The first by the second, with three decimals unless it divides evenly.
struct Ratio(u64, u64);

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Ratio(total, count) = *self;
        let count = count.max(1);
        let (whole, rest) = (total / count, total % count);
        if rest == 0 {
            return write!(f, "{whole}");
        }
        // 128 bits: a rest times 1000 may be more than 64.
        let thousandths = u128::from(rest) * 1000 / u128::from(count);
        write!(f, "{whole}.{thousandths:03}")
    }
}
