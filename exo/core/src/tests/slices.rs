//! Lost slices.

use super::model::Id;
use super::script::{A, AB, C};
use super::steps::Step;
use super::world::{World, with_world};
use crate::slices::Slice;
use exo_abi::call::Call;

fn penalties(world: &World<'_>, position: usize) -> u32 {
    world.core.slices.get(0, position).map_or(0, |record| record.penalties)
}

/// On CPU 0.
fn overrun(world: &mut World<'_>, position: usize, owner: Id) {
    world.core.penalise(0, &Slice { position, owner, vcpu: 0, runs: (owner, 0) });
    world.model.penalise(0, position as u64, owner);
}

fn next(world: &mut World<'_>) -> usize {
    world.play(&Step::SliceEnd { cpu: 0, ran: 10, overrun: None });
    usize::try_from(world.core.slices.vectors()[0].position).expect("a position")
}

/// On CPU 0: positions 0 and 1 are A's, 2 is AB's, 3 and 4 are C's.
#[test]
fn overrunning_costs_one_later_slice() {
    with_world(|world| {
        assert_eq!(next(world), 0);
        world.play(&Step::SliceEnd { cpu: 0, ran: 900, overrun: Some(A) });
        assert_eq!(penalties(world, 0), 1);
        let order: std::vec::Vec<usize> = (0..9).map(|_| next(world)).collect();
        assert_eq!(order, [2, 3, 4, 1, 2, 3, 4, 0, 1], "position 0 is passed over once");
        assert_eq!(penalties(world, 0), 0);
    });
}

#[test]
fn nobody_idles_over_lost_slices() {
    with_world(|world| {
        for id in [A, C] {
            assert!(world.core.end(&mut world.machine, id, crate::Outcome::Killed));
            world.model.end(id, crate::Outcome::Killed);
        }
        for _ in 0..5 {
            overrun(world, 2, AB);
        }
        for left in [4, 3, 2] {
            assert_eq!(next(world), 2, "AB alone can run");
            assert_eq!(penalties(world, 2), left);
        }
    });
}

#[test]
fn giving_or_freeing_a_slice_does_not_pay_for_it() {
    with_world(|world| {
        for _ in 0..3 {
            overrun(world, 0, A);
        }
        assert_eq!(world.ask(A, Call::SliceGive, (0, 0), &[0, 0, 0, 1]), Ok(0));
        assert_eq!(penalties(world, 0), 3);
        assert_eq!(world.ask(A, Call::SliceFree, (0, 0), &[0, 0]), Ok(0));
        assert_eq!(world.ask(A, Call::SliceAllocate, (0, 0), &[0, 0, 0, 0]), Ok(0));
        assert_eq!(penalties(world, 0), 3);
        // Whoever gets it by a claim did not overrun it.
        assert_eq!(world.ask(AB, Call::SliceGive, (0, 0), &[0, 2, A.to_argument(), 0]), Ok(0));
        overrun(world, 2, A);
        assert_eq!(world.ask(A, Call::SliceGive, (0, 0), &[0, 2, AB.to_argument(), 1]), Ok(0));
        assert!(world.ask(C, Call::ClaimSlice, (1, 0), &[AB.to_argument(), 0, 2]).is_ok());
        assert_eq!(world.ask(AB, Call::SliceFree, (0, 0), &[0, 2]), Ok(1));
        assert_eq!(penalties(world, 2), 0);
    });
}

#[test]
fn a_slice_that_was_given_away_while_it_was_overrun_costs_its_new_owner_nothing() {
    with_world(|world| {
        assert_eq!(world.ask(A, Call::SliceGive, (0, 0), &[0, 0, C.to_argument(), 1]), Ok(0));
        overrun(world, 0, A);
        assert_eq!(penalties(world, 0), 0);
        assert_eq!(
            world.ask(C, Call::SliceGive, (0, 0), &[0, 0, A.to_argument(), 0]),
            Err((exo_abi::error::Error::Underprivileged, 0))
        );
        assert_eq!(world.ask(A, Call::SliceFree, (0, 0), &[0, 1]), Ok(0));
        overrun(world, 1, A);
        assert_eq!(penalties(world, 1), 0, "nobody's");
        overrun(world, 0, C);
        assert_eq!(penalties(world, 0), 1);
    });
}
