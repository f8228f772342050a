//! Lists that fail in the middle, and the vector of what was lost.

use super::script::{A, AB, C};
use super::steps::Step;
use super::world::with_world;
use exo_abi::call::Call;
use exo_abi::environment_page::{REPOSSESSIONS, kind, reason};
use exo_abi::error::Error;

#[test]
fn a_list_that_the_reserve_does_not_bear_binds_nothing() {
    with_world(|world| {
        // AB's reserve is 8: it costs 2, its virtual CPUs 2, its frames at 34 and above 3. One more table is all that it bears.
        assert_eq!(world.ask(AB, Call::AllocateRun, (0, 0), &[72, 24]), Ok(24));
        let before = world.machine.spaces[&1].entries.clone();
        // An empty run among those that are undone is nothing to undo.
        let runs = [(72, 2), (73 + 1, 0), (74, 2), (80, 2), (88, 1)];
        assert_eq!(world.ask_list(AB, Call::BindList, (0, 0), &[0, 0, 3], &runs), Err((Error::ReserveEmpty, 0)));
        assert_eq!(world.machine.spaces[&1].entries, before);
        for frame in [72, 75, 80] {
            world.play(&Step::Touch { id: AB, vcpu: 0, frame, rights: 1, leaves: 0 });
        }
        assert_eq!(world.ask_list(AB, Call::BindList, (0, 0), &[0, 0, 3], &runs[..3]), Ok(0));
    });
}

#[test]
fn the_repossession_vector_is_exact_beyond_its_length() {
    with_world(|world| {
        let frames = world.frames_of(AB);
        let (even, odd) = (frames[2], frames[4]);
        let rounds = REPOSSESSIONS as u64 + 3;
        for round in 0..rounds {
            let frame = if round % 2 == 0 { even } else { odd };
            // AB's second slot is a READ capability over "a": it goes, and with it the binding.
            assert_eq!(world.ask(AB, Call::CapabilityDerive, (0, 0), &[9, 511, 0, 0]), Ok(255));
            assert_eq!(world.ask(AB, Call::ChangeRightsRun, (0, 0), &[0, 9, 3, frame, 1]), Ok(0));
            assert_eq!(world.ask(AB, Call::CapabilityDrop, (0, 0), &[9]), Ok(1));
            assert_eq!(world.ask(AB, Call::BindRun, (0, 0), &[0, 0, 3, frame, 1]), Ok(0));
        }
        let page = world.page(AB);
        assert_eq!(page.repossessed, rounds);
        for number in rounds - REPOSSESSIONS as u64..rounds {
            let entry = page.repossessions[usize::try_from(number).unwrap() % REPOSSESSIONS];
            let frame = if number % 2 == 0 { even } else { odd };
            assert_eq!((entry.kind, entry.reason), (kind::FRAMES, reason::CREDENTIAL));
            assert_eq!((entry.first, entry.count), (frame, 1), "entry {number}");
        }
    });
}

#[test]
fn a_guard_that_changes_ends_bindings_of_its_own_frames_only() {
    with_world(|world| {
        let frame = world.first_frame(AB);
        let others = world.machine.spaces[&1].entries.len() as u64;
        // A has READ over everything, AB over itself: the frame is bound in both.
        assert_eq!(world.ask(A, Call::BindRun, (0, 0), &[0, 1, 1, frame, 1]), Ok(0));
        assert_eq!(world.ask(AB, Call::CapabilityDerive, (0, 0), &[9, 511, 0x78, 1]), Ok(255));
        assert_eq!(world.ask(AB, Call::SetGuard, (0, 9), &[frame, 1]), Ok(0), "both dominate the longer name");
        assert_eq!(world.machine.spaces[&1].entries.len() as u64, others);
        assert_eq!(world.ask(AB, Call::ChangeRightsRun, (0, 0), &[0, 9, 3, frame, 1]), Ok(0));
        assert_eq!(
            world.ask(AB, Call::SetGuard, (9, 0), &[frame, 1]),
            Ok(1),
            "slot 9 does not dominate the shorter one"
        );
        assert_eq!(world.machine.spaces[&1].entries.len() as u64, others - 1);
    });
}

#[test]
fn what_is_bound_is_said_before_what_guards_it() {
    with_world(|world| {
        // What slot 5 shows C is nothing to its slot 0.
        let frame = world.first_frame(A);
        assert_eq!(world.ask(C, Call::CapabilityAccept, (0, 0), &[5, A.to_argument()]), Ok(0));
        assert_eq!(world.ask(A, Call::CapabilityGrant, (0, 0), &[C.to_argument(), 5, 1]), Ok(1));
        assert_eq!(world.ask(C, Call::BindRun, (0, 0), &[0, 5, 1, frame, 1]), Ok(0));
        assert_eq!(world.ask(C, Call::BindRun, (0, 0), &[0, 0, 1, frame, 1]), Err((Error::AlreadyBound, frame)));
        assert_eq!(
            world.ask(C, Call::BindRun, (0, 0), &[0, 0, 1, frame + 1, 1]),
            Err((Error::Underprivileged, frame + 1))
        );
    });
}
