//! A region without protection must not pass for one.

use super::{OnFault, Raise, Region, all, exception};
use crate::{Bench, Plan, Uncounted};

/// Pages that nothing protects: what an empty implementation of all this would be.
struct Open(Vec<u64>);

impl Region for Open {
    const HAS_DIRTY: bool = true;

    fn address(&self, page: usize) -> usize {
        self.0.as_ptr().expose_provenance() + page * super::PAGE_BYTES
    }
    fn protect(&mut self, _: usize) {}
    fn unprotect(&mut self, _: usize) {}
    fn protect_many(&mut self, _: usize) {}
    fn unprotect_many(&mut self, _: usize) {}
    fn on_fault(&mut self, _: OnFault) {}
    fn faults(&self) -> u64 {
        0
    }
    fn last_fault(&self) -> usize {
        0
    }
    fn is_dirty(&mut self, _: usize) -> bool {
        true
    }
    fn clean(&mut self, _: usize) {}
}

impl Raise for Open {
    fn prepare(&mut self, _: u64) {}
    fn raise(&mut self) {}
    fn taken(&self) -> u64 {
        0
    }
}

#[test]
fn an_empty_region_gets_no_figures() {
    let mut open = Open(vec![0; super::HUNDRED * super::PAGE_BYTES / 8]);
    let mut lines = Vec::new();
    let mut bench = Bench::new(Uncounted, |line| lines.push(line.to_string()));
    let plan = Plan { warm_up: 1, at_most: 10, ..Plan::default() };
    assert_eq!(exception(&mut bench, &plan, &mut open).unwrap_err().id, "exception");
    let failure = all(&mut bench, &plan, &plan, &mut open).unwrap_err();
    assert_eq!((failure.id, failure.wrong), ("trap", 11));
    assert!(lines.is_empty());
}
