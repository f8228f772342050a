//! The end of environments, and of those that they have made.

use super::script::{A, AB};
use super::steps::Step;
use super::world::with_world;
use exo_abi::call::Call;
use exo_abi::error::Error;
use exo_abi::info::environment_state;

#[test]
fn the_ended_children_of_the_dead_leave_their_places() {
    with_world(|world| {
        let frames = world.frames_of(AB);
        let child = world.child(AB, (frames[2], 3), 0);
        world.play(&Step::Kill(child));
        world.let_go(child);
        assert_eq!(world.core.environments.get(child).unwrap().state, environment_state::ENDED);
        world.play(&Step::Kill(AB));
        assert!(world.core.environments.get(child).is_none());
    });
}

#[test]
fn a_virtual_cpu_goes_once() {
    with_world(|world| {
        world.play(&Step::Gone { id: A, vcpu: 0 });
        assert_eq!(world.core.environments.get(A).unwrap().vcpus, 2, "A lives");
        world.play(&Step::Kill(A));
        world.play(&Step::Gone { id: A, vcpu: 0 });
        world.play(&Step::Gone { id: A, vcpu: 0 });
        assert_eq!(world.core.environments.get(A).unwrap().state, environment_state::DYING);
        // What the other one does until its CPU lets go harms nobody.
        world.play(&Step::Touch { id: A, vcpu: 1, frame: world.first_frame(A), rights: 2, leaves: 1 });
        world.play(&Step::Gone { id: A, vcpu: 1 });
        assert_eq!(world.core.environments.get(A).unwrap().state, environment_state::ENDED);
    });
}

#[test]
fn a_child_can_end_its_parent_and_with_it_itself() {
    with_world(|world| {
        let frames = world.frames_of(AB);
        let child = world.child(AB, (frames[2], 3), 0);
        assert_eq!(world.ask(child, Call::EnvironmentDestroy, (0, 0), &[AB.to_argument()]), Ok(0));
        assert_eq!(world.ask(child, Call::Null, (0, 0), &[]), Err((Error::UnknownCall, 0)));
        for id in [child, AB] {
            world.let_go(id);
        }
        assert!(world.core.environments.get(child).is_none());
    });
}

#[test]
fn oneself_is_stopped_ended_and_not_forgotten() {
    with_world(|world| {
        assert_eq!(world.ask(A, Call::EnvironmentForget, (0, 0), &[0]), Err((Error::WrongState, 0)));
        assert_eq!(world.ask(A, Call::EnvironmentStop, (0, 0), &[0]), Ok(0));
        assert_eq!(world.ask(A, Call::EnvironmentStart, (0, 0), &[0]), Err((Error::UnknownCall, 0)));
        assert_eq!(world.ask(AB, Call::EnvironmentDestroy, (0, 0), &[0]), Ok(0));
        world.let_go(AB);
        assert_eq!(world.ask(AB, Call::Null, (0, 0), &[]), Err((Error::UnknownCall, 0)));
    });
}
