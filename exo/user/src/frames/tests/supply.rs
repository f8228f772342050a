use super::fake::{Fake, State, with_list};
use crate::call::Failure;
use crate::frames::choice::choose;
use crate::frames::list::parts;
use crate::frames::supply::{Batch, acquire, each_batch, give, release_run};
use crate::frames::{FramesError, Wanted};
use exo_abi::boot_page::FrameRun;
use exo_abi::call::Call;
use exo_abi::error::Error;
use std::vec::Vec;

fn take(kernel: &mut Fake, wanted: Wanted) -> Result<Batch, FramesError> {
    // What a look at the exposed table shows, which may be old by the time of the call.
    let shown = kernel.free_runs();
    with_list(|list| {
        acquire(kernel, list, 0, 0, 7, wanted, |wanted, runs| choose(|| shown.iter().copied(), wanted, runs))
    })
}

#[test]
fn many_frames_are_two_calls() {
    let mut kernel = Fake::new(&[(State::Foreign, 3), (State::Free, 10), (State::Foreign, 1), (State::Free, 200)]);
    assert_eq!(take(&mut kernel, Wanted::any(205)).ok().map(|batch| batch.frames()), Some(205));
    assert_eq!(kernel.calls, [Call::AllocateList, Call::BindList]);
    assert_eq!((kernel.count(State::Bound), kernel.count(State::Free)), (205, 5));
    assert_eq!(take(&mut kernel, Wanted::any(6)).err(), Some(FramesError::Exhausted));
}

#[test]
fn one_large_piece_is_taken_in_parts_or_not_at_all() {
    let mut kernel = Fake::new(&[(State::Free, 6000), (State::Foreign, 1)]);
    assert_eq!(take(&mut kernel, Wanted::contiguous(5000)).map(|batch| batch.runs().len()), Ok(1));
    assert_eq!(kernel.count(State::Bound), 5000);
    let mut kernel = Fake::new(&[(State::Free, 2000), (State::Foreign, 1), (State::Free, 900)]);
    let mut choices = 0;
    let shown = kernel.free_runs();
    // The frame is gone when the third part is allocated; the next look finds nothing.
    kernel.frames[1500] = State::Foreign;
    let outcome = with_list(|list| {
        acquire(&mut kernel, list, 0, 0, 7, Wanted::contiguous(2000), |wanted, runs| {
            choices += 1;
            if choices > 1 { None } else { choose(|| shown.iter().copied(), wanted, runs) }
        })
    });
    assert_eq!(outcome.err(), Some(FramesError::Exhausted));
    assert_eq!((kernel.count(State::Own), kernel.count(State::Bound), kernel.count(State::Free)), (0, 0, 2899));
}

#[test]
fn whoever_is_slower_chooses_again() {
    let mut kernel = Fake::new(&[(State::Free, 4), (State::Foreign, 1), (State::Free, 8)]);
    kernel.stolen = std::vec![2];
    let shown = [kernel.free_runs(), std::vec![FrameRun { first: 5, count: 8 }]];
    let mut looks = 0;
    let batch = with_list(|list| {
        acquire(&mut kernel, list, 0, 0, 7, Wanted::contiguous(4), |wanted, runs| {
            looks += 1;
            choose(|| shown[looks - 1].iter().copied(), wanted, runs)
        })
    });
    assert_eq!(batch.map(|batch| batch.runs().to_vec()), Ok(std::vec![FrameRun { first: 5, count: 4 }]));
}

#[test]
fn frames_that_cannot_be_bound_go_back() {
    let mut kernel = Fake::new(&[(State::Free, 4), (State::Foreign, 1), (State::Free, 8)]);
    kernel.no_reserve = true;
    let refused = FramesError::Refused(Failure { error: Error::ReserveEmpty, detail: 0 });
    assert_eq!(take(&mut kernel, Wanted::any(10)).err(), Some(refused));
    assert_eq!(kernel.count(State::Free), 12);
}

#[test]
fn giving_back_is_two_calls_and_what_was_lost_is_passed_over() {
    let mut kernel = Fake::new(&[(State::Bound, 10), (State::Foreign, 5), (State::Bound, 10)]);
    let mut free = std::vec![FrameRun { first: 15, count: 10 }, FrameRun { first: 0, count: 10 }];
    // SAFETY: nobody uses frames of a fake.
    let given = with_list(|list| unsafe { give(&mut kernel, list, 0, 0, u64::MAX, |_, _| free.pop()) });
    assert_eq!((given, kernel.calls.as_slice()), (20, [Call::UnbindList, Call::FreeList].as_slice()));
    let mut kernel = Fake::new(&[(State::Bound, 3), (State::Foreign, 1), (State::Own, 2), (State::Bound, 2)]);
    // SAFETY: as above.
    assert_eq!(unsafe { release_run(&mut kernel, 0, FrameRun { first: 0, count: 8 }, true) }, 7);
    assert_eq!((kernel.count(State::Free), kernel.count(State::Foreign)), (7, 1));
}

#[test]
fn lists_hold_no_more_than_a_call_may_have() {
    let mut kernel = Fake::new(&[(State::Bound, 10_000)]);
    let mut next = 0;
    let withdraw = |from: u64, most: u64| {
        assert!(from >= next);
        next = from + most.min(700).min(10_000 - from);
        (next > from).then_some(FrameRun { first: from, count: next - from })
    };
    // SAFETY: nobody uses frames of a fake.
    assert_eq!(with_list(|list| unsafe { give(&mut kernel, list, 0, 0, 9_999, withdraw) }), 9_999);
    assert_eq!(kernel.count(State::Free), 9_999);
}

#[test]
fn what_is_wanted_is_cut_into_what_a_call_may_have() {
    let mut counts = Vec::new();
    let mut note = |wanted: Wanted| {
        counts.push(wanted.count);
        Ok(wanted.count)
    };
    each_batch(Wanted::any(1200), &mut note).unwrap();
    each_batch(Wanted::contiguous(1200), &mut note).unwrap();
    assert_eq!(counts, [512, 512, 176, 1200]);
    assert_eq!(each_batch(Wanted::any(1), |_| Err(FramesError::Exhausted)), Err(FramesError::Exhausted));
    let cut: Vec<_> = parts(FrameRun { first: 5, count: 10 }, 4).map(|run| (run.first, run.count)).collect();
    assert_eq!(cut, [(5, 4), (9, 4), (13, 2)]);
}
