//! What is measured.

use crate::Counts;

/// An operation. Each run gets a number of its own, the nonce, and must bring about something that depends on it: then one that does
/// nothing cannot look fast.
pub trait Operation {
    /// Sets up one run, unmeasured.
    fn prepare(&mut self, nonce: u64);

    /// What is measured. Mark it `#[inline(always)]`.
    fn run(&mut self);

    /// What the run left behind, unmeasured: the nonce of [`prepare`](Operation::prepare), or the run counts as failed.
    fn evidence(&mut self) -> u64;

    /// Transitions that the operation has had somebody else make so far, as that one counts them. It is asked before the first run that
    /// counts and after the last.
    fn counts_elsewhere(&mut self) -> Counts {
        Counts::default()
    }
}

/// An operation whose answer is its evidence; [`returning`] makes it.
#[derive(Debug)]
pub struct Returning<P, R> {
    prepare: P,
    run: R,
    nonce: u64,
    answer: u64,
}

/// An operation of two functions: `prepare` is not measured, `run` is, and must return the nonce that it is given: by way of what it
/// measures, such as the other side of a pipe.
pub fn returning<P: FnMut(u64), R: FnMut(u64) -> u64>(prepare: P, run: R) -> Returning<P, R> {
    Returning { prepare, run, nonce: 0, answer: 0 }
}

impl<P: FnMut(u64), R: FnMut(u64) -> u64> Operation for Returning<P, R> {
    fn prepare(&mut self, nonce: u64) {
        (self.prepare)(nonce);
        self.nonce = nonce;
        self.answer = !nonce;
    }

    #[inline(always)]
    fn run(&mut self) {
        self.answer = (self.run)(self.nonce);
    }

    fn evidence(&mut self) -> u64 {
        self.answer
    }
}
