//! Guarantees: what they pay for, and where they go.

use super::fake::FRAMES;
use super::model::Id;
use super::script::{A, AB, C};
use super::steps::Step;
use super::world::{SLICE_TICKS, World, with_world};
use exo_abi::call::Call;
use exo_abi::error::Error;
use exo_abi::info::frame_state;

fn guarantee(world: &World<'_>, id: Id) -> u64 {
    world.core.environments.get(id).map_or(0, |record| record.guarantee)
}

#[test]
fn metadata_is_paid_for_with_what_is_not_in_the_guaranteed_set() {
    with_world(|world| {
        let frames = world.frames_of(AB);
        let given = world.core.system.frames_guaranteed;
        world.loosen(AB, (frames[4], 8));
        assert_eq!(world.ask(AB, Call::SetGuaranteed, (0, 0), &[frames[0], 2, 1]), Ok(2));
        let refused = Err((Error::GuaranteeExceeded, 3));
        assert_eq!(world.ask(AB, Call::ReserveAdd, (0, 0), &[frames[4], 4]), refused);
        assert_eq!(world.ask_list(AB, Call::EnvironmentCreate, (0, 0), &[], &[(frames[4], 4)]), refused);
        assert_eq!(world.ask(AB, Call::ReserveAdd, (0, 0), &[frames[4], 1]), Ok(9));
        assert!(world.ask_list(AB, Call::EnvironmentCreate, (0, 0), &[], &[(frames[5], 2)]).is_ok());
        assert_eq!((guarantee(world, AB), world.core.system.frames_guaranteed), (2, given - 3));
        assert_eq!(world.ask(AB, Call::ReserveAdd, (0, 0), &[frames[7], 1]), Err((Error::GuaranteeExceeded, 0)));
        // What leaves the set leaves room for what pays.
        assert_eq!(world.ask(AB, Call::SetGuaranteed, (0, 0), &[frames[0], 2, 0]), Ok(0));
        assert_eq!(world.ask(AB, Call::ReserveAdd, (0, 0), &[frames[7], 2]), Ok(11));
    });
}

/// Somebody takes all that is free and hides it: whoever is guaranteed something can claim it all the same.
#[test]
fn nobody_hides_free_memory_from_those_to_whom_it_is_guaranteed() {
    with_world(|world| {
        let free: std::vec::Vec<u64> = (0..FRAMES)
            .filter(|&frame| world.core.frames.get(frame).is_some_and(|record| record.state == frame_state::FREE))
            .collect();
        let (first, count) = (free[0], free.len() as u64);
        assert_eq!(world.ask(C, Call::AllocateRun, (0, 0), &[first, count]), Ok(count));
        assert_eq!(world.ask(C, Call::ReserveAdd, (0, 0), &[first, count]), Err((Error::GuaranteeExceeded, 10)));
        assert_eq!(world.ask(C, Call::ReserveAdd, (0, 0), &[first, 10]), Ok(18));
        // A is 14 frames below its guarantee.
        assert_eq!(world.ask(A, Call::ClaimCount, (1, 0), &[C.to_argument(), 14]), Ok(1));
        world.play(&Step::Time(SLICE_TICKS * 64));
        world.play(&Step::Expire);
        assert_eq!(world.core.environments.get(A).unwrap().promised, 14);
    });
}

#[test]
fn what_a_child_costs_comes_back_past_the_dead() {
    with_world(|world| {
        let frames = world.frames_of(A);
        let given = world.core.system.frames_guaranteed;
        let child = world.child(A, (frames[2], 5), 0);
        let argument = child.to_argument();
        assert_eq!(guarantee(world, A), 19);
        assert_eq!(world.ask(A, Call::GuaranteeMove, (0, 0), &[argument, 5, 0]), Ok(5));
        // The child makes one of its own, for 3, and passes 2 on.
        for frame in 72..80 {
            assert!(world.ask(child, Call::AllocateRun, (0, 0), &[frame, 1]).is_ok());
        }
        assert_eq!(world.ask(child, Call::BindRun, (0, 0), &[0, 0, 3, 72, 8]), Ok(0));
        let grandchild = world.child(child, (76, 3), 0);
        assert_eq!(world.ask(child, Call::GuaranteeMove, (0, 0), &[grandchild.to_argument(), 2, 0]), Ok(2));
        assert_eq!((guarantee(world, A), guarantee(world, child)), (14, 0));
        assert_eq!(world.core.system.frames_guaranteed, given - 8);
        assert_eq!(world.ask(A, Call::EnvironmentDestroy, (0, 0), &[argument]), Ok(0));
        assert_eq!((guarantee(world, A), world.core.system.frames_guaranteed), (24, given));
        // The child is gone and forgotten while the grandchild's CPU still holds on.
        world.let_go(child);
        assert_eq!(world.ask(A, Call::EnvironmentForget, (0, 0), &[argument]), Ok(0));
        world.let_go(grandchild);
        assert!(world.core.environments.get(grandchild).is_none(), "nobody could ask for it");
        assert_eq!(guarantee(world, A), 24, "it came back once");
    });
}

#[test]
fn a_guarantee_does_not_grow_to_answer_a_claim() {
    with_world(|world| {
        let (frames, victim) = (world.frames_of(AB), AB.to_argument());
        let child = world.child(AB, (frames[2], 3), 0).to_argument();
        assert_eq!(world.ask(AB, Call::GuaranteeMove, (0, 0), &[child, 1, 0]), Ok(1));
        assert_eq!(world.ask(A, Call::ClaimCount, (1, 0), &[victim, 3]), Ok(1));
        assert_eq!(world.ask(A, Call::GuaranteeMove, (0, 0), &[victim, 1, 0]), Err((Error::ClaimPending, 0)));
        assert_eq!(world.ask(AB, Call::GuaranteeMove, (0, 0), &[child, 1, 1]), Err((Error::ClaimPending, 0)));
        assert_eq!(world.ask(AB, Call::GuaranteeMove, (0, 0), &[0, 1, 0]), Ok(1), "to itself it is no gain");
        assert_eq!(world.ask(AB, Call::GuaranteeMove, (0, 0), &[child, 1, 0]), Ok(2), "less is no hindrance");
        world.loosen(AB, (frames[8], 3));
        assert_eq!(world.ask(AB, Call::FreeRun, (0, 0), &[frames[8], 3]), Ok(3));
        assert_eq!(world.ask(AB, Call::GuaranteeMove, (0, 0), &[child, 1, 1]), Ok(1));
        // A dominator takes below the guarantee anyway.
        assert_eq!(world.ask(C, Call::ClaimCount, (1, 0), &[victim, 3]), Ok(2));
        assert_eq!(world.ask(A, Call::GuaranteeMove, (0, 0), &[victim, 1, 0]), Ok(2));
    });
}

#[test]
fn force_leaves_an_heir_what_it_is_guaranteed_by_then() {
    with_world(|world| {
        let frames = world.frames_of(AB);
        let child = world.child(AB, (frames[2], 3), 0);
        assert_eq!(world.ask(A, Call::ClaimCount, (1, 0), &[AB.to_argument(), 11]), Ok(1));
        world.play(&Step::Kill(child));
        assert_eq!(guarantee(world, AB), 5);
        world.play(&Step::Time(SLICE_TICKS * 64));
        world.play(&Step::Expire);
        let request = world.page(AB).request;
        assert_eq!((request.phase, request.left), (exo_abi::environment_page::phase::FORCED, 3));
        assert_eq!(world.core.environments.get(AB).unwrap().frames, 5);
    });
}

/// What is promised is out of everybody's reach: the same guarantee does not get it twice.
#[test]
fn a_guarantee_stays_with_what_it_was_promised_for() {
    with_world(|world| {
        let (frames, mine) = (world.frames_of(AB), world.frames_of(A));
        let move_all = [AB.to_argument(), 24, 0];
        world.loosen(A, (mine[4], 4));
        world.loosen(AB, (frames[8], 4));
        assert_eq!(world.ask(A, Call::ClaimCount, (1, 0), &[AB.to_argument(), 4]), Ok(1));
        assert_eq!(world.ask(A, Call::GuaranteeMove, (0, 0), &move_all), Err((Error::GuaranteeExceeded, 20)));
        assert_eq!(world.ask(AB, Call::FreeRun, (0, 0), &[frames[8], 4]), Ok(4));
        assert_eq!(world.ask(A, Call::GuaranteeMove, (0, 0), &move_all), Err((Error::GuaranteeExceeded, 20)));
        assert_eq!(world.ask(A, Call::GuaranteeMove, (0, 0), &[AB.to_argument(), 18, 0]), Ok(23));
        assert_eq!(world.ask(A, Call::ReserveAdd, (0, 0), &[mine[4], 4]), Err((Error::GuaranteeExceeded, 2)));
        // What it has taken can be claimed again.
        assert_eq!(world.ask(A, Call::AllocateRun, (0, 0), &[frames[8], 4]), Ok(4));
        assert_eq!(world.ask(A, Call::ReserveAdd, (0, 0), &[mine[4], 4]), Ok(14));
        assert_eq!(world.ask(A, Call::GuaranteeMove, (0, 0), &[AB.to_argument(), 2, 0]), Ok(25));
    });
}
