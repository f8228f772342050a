//! Claims from their beginning to each of their ends.

use super::script::{A, AB, C};
use super::steps::Step;
use super::world::{SLICE_TICKS, World, with_world};
use exo_abi::call::Call;
use exo_abi::environment_page::{ANY, phase, reason};
use exo_abi::error::Error;
use exo_abi::info::frame_state;

fn state(world: &World<'_>, frame: u64) -> u8 {
    world.core.frames.get(frame).map_or(0, |record| record.state)
}

#[test]
fn a_victim_that_cooperates_gives_what_it_likes() {
    with_world(|world| {
        let frames = world.frames_of(AB);
        // A is 14 frames below its guarantee, AB 11 above its own.
        assert_eq!(world.ask(A, Call::ClaimCount, (1, 0), &[AB.to_argument(), 3]), Ok(1));
        let request = world.page(AB).request;
        assert_eq!((request.phase, request.first, request.count, request.left), (phase::REQUESTED, ANY, 3, 3));
        world.loosen(AB, (frames[10], 5));
        assert_eq!(world.ask(AB, Call::FreeRun, (0, 0), &[frames[10], 2]), Ok(2));
        assert_eq!(world.page(A).claim.left, 1);
        assert_eq!(world.ask(AB, Call::FreeRun, (0, 0), &[frames[12], 3]), Ok(1), "one more was asked for");
        assert_eq!(world.page(AB).request.phase, phase::ANSWERED);
        assert_eq!(state(world, frames[12]), frame_state::PROMISED);
        assert_eq!(state(world, frames[13]), frame_state::FREE);
        assert_eq!(world.ask(AB, Call::AllocateRun, (0, 0), &[frames[12], 1]), Err((Error::FrameTaken, frames[12])));
        assert_eq!(world.ask(A, Call::AllocateRun, (0, 0), &[frames[10], 3]), Ok(3), "all were scrubbed");
    });
}

#[test]
fn a_victim_that_ignores_a_claim_loses_it_once_it_has_run_its_time() {
    with_world(|world| {
        let frames = world.frames_of(AB);
        assert_eq!(world.ask(A, Call::BindRun, (0, 0), &[0, 1, 1, frames[9], 1]), Ok(0));
        world.play(&Step::Touch { id: A, vcpu: 0, frame: frames[9], rights: 1, leaves: 0 });
        world.play(&Step::Touch { id: AB, vcpu: 0, frame: frames[9], rights: 2, leaves: 77 });
        assert_eq!(world.ask(A, Call::ClaimRun, (1, 0), &[AB.to_argument(), frames[8], 3]), Ok(1));
        assert_eq!(
            world.ask(AB, Call::SetGuaranteed, (0, 0), &[frames[8], 1, 1]),
            Err((Error::ClaimPending, frames[8]))
        );
        world.core.account(AB, SLICE_TICKS * 4 - 1);
        world.model.of(AB).ticks += SLICE_TICKS * 4 - 1;
        world.play(&Step::Expire);
        assert_eq!(world.page(AB).request.phase, phase::REQUESTED);
        world.core.account(AB, 1);
        world.model.of(AB).ticks += 1;
        world.play(&Step::Expire);
        let page = world.page(AB);
        assert_eq!((page.request.phase, page.request.left), (phase::FORCED, 0));
        let entry = page.repossessions[0];
        assert_eq!((entry.reason, entry.first, entry.count), (reason::FORCED, frames[8], 3));
        let entry = world.page(A).repossessions[0];
        assert_eq!((entry.reason, entry.first, entry.count), (reason::OWNER, frames[9], 1));
        assert_eq!(world.ask(A, Call::AllocateRun, (0, 0), &[frames[8], 3]), Ok(3));
    });
}

#[test]
fn a_victim_without_a_slice_has_until_the_deadline() {
    with_world(|world| {
        assert_eq!(world.ask(A, Call::ClaimCount, (1, 0), &[AB.to_argument(), 2]), Ok(1));
        let deadline = world.core.next_deadline().unwrap();
        assert_eq!(deadline, SLICE_TICKS * 64);
        world.play(&Step::Time(deadline - 1));
        world.play(&Step::Expire);
        assert_eq!(world.page(AB).request.phase, phase::REQUESTED);
        world.play(&Step::Time(1));
        world.play(&Step::Expire);
        assert_eq!(world.page(AB).request.phase, phase::FORCED);
        assert_eq!(world.core.next_deadline(), None);
    });
}

#[test]
fn what_is_guaranteed_is_claimed_by_dominators_only() {
    with_world(|world| {
        let frames = world.frames_of(AB);
        assert_eq!(world.ask(AB, Call::SetGuaranteed, (0, 0), &[frames[0], 5, 1]), Ok(5));
        let claim = [AB.to_argument(), frames[4], 2];
        assert_eq!(world.ask(A, Call::ClaimRun, (1, 0), &claim), Err((Error::VictimGuaranteed, frames[4])));
        assert_eq!(world.ask(A, Call::ClaimCount, (1, 0), &[AB.to_argument(), 12]), Err((Error::VictimGuaranteed, 0)));
        assert_eq!(world.ask(C, Call::ClaimCount, (0, 0), &[AB.to_argument(), 1]), Err((Error::NotEntitled, 0)));
        assert!(world.ask(C, Call::ClaimRun, (1, 0), &claim).is_ok(), "C has CLAIM over AB");
        assert_eq!(world.ask(C, Call::ClaimCount, (1, 0), &[AB.to_argument(), 1]), Err((Error::ClaimPending, 0)));
        world.play(&Step::Time(SLICE_TICKS * 64));
        world.play(&Step::Expire);
        assert_eq!(state(world, frames[4]), frame_state::PROMISED);
        assert_eq!(world.core.guaranteed_set(AB), 4);
    });
}

#[test]
fn the_end_of_either_side_cancels() {
    for dead in [A, AB] {
        with_world(|world| {
            assert_eq!(world.ask(A, Call::ClaimCount, (1, 0), &[AB.to_argument(), 2]), Ok(1));
            world.play(&Step::Kill(dead));
            let (request, claim) = (world.page(AB).request.phase, world.page(A).claim.phase);
            assert_eq!((request, claim), (phase::CANCELLED, phase::CANCELLED));
            world.let_go(dead);
            world.play(&Step::Time(SLICE_TICKS * 99));
            world.play(&Step::Expire);
        });
    }
}

#[test]
fn what_is_claimed_by_count_cannot_become_metadata() {
    with_world(|world| {
        let frames = world.frames_of(AB);
        // 16 frames, of which C may have any and asks for 13: 3 are AB's to spend.
        assert_eq!(world.ask(C, Call::ClaimCount, (1, 0), &[AB.to_argument(), 13]), Ok(1));
        world.loosen(AB, (frames[2], 4));
        assert_eq!(world.ask(AB, Call::ReserveAdd, (0, 0), &[frames[2], 4]), Err((Error::ClaimPending, 0)));
        assert_eq!(
            world.ask_list(AB, Call::EnvironmentCreate, (0, 0), &[], &[(frames[2], 4)]),
            Err((Error::ClaimPending, 0))
        );
        assert_eq!(world.ask(AB, Call::ReserveAdd, (0, 0), &[frames[2], 3]), Ok(11));
    });
}

#[test]
fn a_dominator_takes_what_was_promised_before_it_claims_more() {
    with_world(|world| {
        let frames = world.frames_of(AB);
        world.loosen(AB, (frames[8], 4));
        assert_eq!(world.ask(C, Call::ClaimCount, (1, 0), &[AB.to_argument(), 2]), Ok(1));
        assert_eq!(world.ask(AB, Call::FreeRun, (0, 0), &[frames[8], 2]), Ok(2));
        let again = [AB.to_argument(), 2];
        assert_eq!(world.ask(C, Call::ClaimCount, (1, 0), &again), Err((Error::ClaimPending, 0)));
        assert_eq!(world.ask(C, Call::AllocateRun, (0, 0), &[frames[8], 2]), Ok(2));
        assert_eq!(world.ask(C, Call::ClaimCount, (1, 0), &again), Ok(2));
    });
}

#[test]
fn a_frame_answers_a_claim_once() {
    with_world(|world| {
        let frames = world.frames_of(AB);
        world.loosen(AB, (frames[8], 4));
        assert_eq!(world.ask(A, Call::ClaimRun, (1, 0), &[AB.to_argument(), frames[8], 4]), Ok(1));
        assert_eq!(world.ask(AB, Call::FreeRun, (0, 0), &[frames[8], 1]), Ok(1));
        assert_eq!(world.ask(A, Call::AllocateRun, (0, 0), &[frames[8], 1]), Ok(1));
        assert_eq!(world.ask(A, Call::FreeRun, (0, 0), &[frames[8], 1]), Ok(0));
        assert_eq!(world.ask(AB, Call::AllocateRun, (0, 0), &[frames[8], 1]), Ok(1));
        assert_eq!(world.ask(AB, Call::FreeRun, (0, 0), &[frames[8], 4]), Ok(3));
    });
}

/// C dominates AB and never lets its small claims end: A, which is guaranteed frames, gets its turn all the same.
#[test]
fn what_is_guaranteed_does_not_wait_for_what_rests_on_dominance() {
    with_world(|world| {
        let frames = world.frames_of(AB);
        world.loosen(AB, (frames[8], 2));
        let from = AB.to_argument();
        assert_eq!(world.ask(C, Call::ClaimCount, (1, 0), &[from, 3]), Ok(1));
        assert_eq!(world.ask(AB, Call::FreeRun, (0, 0), &[frames[8], 1]), Ok(1));
        assert_eq!(world.ask(A, Call::ClaimCount, (1, 0), &[from, 2]), Ok(2));
        assert_eq!((world.page(C).claim.phase, world.page(C).claim.left), (phase::CANCELLED, 2));
        assert_eq!((world.page(AB).request.serial, world.page(AB).request.phase), (2, phase::REQUESTED));
        assert_eq!(world.core.environments.get(C).unwrap().promised, 1, "what was given stays");
        assert_ne!(world.core.take_events(C, 0) & exo_abi::events::CLAIM, 0);
        world.model.of(C).vcpus.get_mut(&0).unwrap().raised = 0;
        // Neither it nor anybody else pushes in.
        assert_eq!(world.ask(C, Call::AllocateRun, (0, 0), &[frames[8], 1]), Ok(1));
        assert_eq!(world.ask(C, Call::ClaimSlice, (1, 0), &[from, 1, 0]), Err((Error::ClaimPending, 0)));
        assert_eq!(world.ask(C, Call::ClaimCount, (1, 0), &[from, 1]), Err((Error::ClaimPending, 0)));
        assert_eq!(world.ask(AB, Call::FreeRun, (0, 0), &[frames[9], 1]), Ok(1));
        assert_eq!(world.page(A).claim.left, 1);
    });
}

#[test]
fn a_claimed_slice_does_not_keep_others_from_the_frames() {
    with_world(|world| {
        let from = AB.to_argument();
        assert_eq!(world.ask(C, Call::ClaimSlice, (1, 0), &[from, 1, 0]), Ok(1));
        assert_eq!(world.ask(A, Call::ClaimCount, (1, 0), &[from, 2]), Ok(2));
        assert_eq!(world.page(C).claim.phase, phase::CANCELLED);
        assert_eq!(world.ask(AB, Call::SliceFree, (0, 0), &[1, 0]), Ok(0), "nobody claims it any more");
    });
}
