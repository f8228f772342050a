//! What was measured, in order of size.

use crate::Counts;
use alloc::vec::Vec;

/// Most bars of a distribution.
pub(crate) const BARS: usize = 48;

/// The ticks of every run, sorted, less the price of looking at the clock, and the transitions of all of them.
#[derive(Clone, Debug, Default)]
pub struct Samples {
    ticks: Vec<u64>,
    counts: Option<Counts>,
}

impl Samples {
    /// Takes what the clock showed, in any order, and the price of looking at it.
    #[must_use]
    pub fn new(mut ticks: Vec<u64>, overhead: u64, counts: Option<Counts>) -> Samples {
        ticks.iter_mut().for_each(|sample| *sample = sample.saturating_sub(overhead));
        ticks.sort_unstable();
        Samples { ticks, counts }
    }

    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ticks.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ticks.is_empty()
    }

    /// Transitions of all runs together.
    #[must_use]
    pub fn counts(&self) -> Option<Counts> {
        self.counts
    }

    /// What so many of a hundred runs took at most; 0 without any run.
    #[must_use]
    pub fn percentile(&self, percent: usize) -> u64 {
        let last = self.ticks.len().saturating_sub(1);
        self.ticks.get(last * percent.min(100) / 100).copied().unwrap_or(0)
    }

    /// The distribution, ascending: lower bound of a bar and how many runs it holds. A bar holds one value where that makes few enough
    /// bars, else all values that agree in their leading bits, so that far outliers do not cost the others their detail.
    #[must_use]
    pub fn distribution(&self) -> Vec<(u64, u64)> {
        let mut bars = Vec::new();
        for bits in (1..=64).rev() {
            bars = self.bars(bits);
            if bars.len() <= BARS {
                break;
            }
        }
        bars
    }

    fn bars(&self, bits: u32) -> Vec<(u64, u64)> {
        let mut bars: Vec<(u64, u64)> = Vec::new();
        for &sample in &self.ticks {
            let shift = (u64::BITS - sample.leading_zeros()).saturating_sub(bits);
            let bound = sample >> shift << shift;
            match bars.last_mut() {
                Some((last, count)) if *last == bound => *count += 1,
                _ => bars.push((bound, 1)),
            }
        }
        bars
    }
}
