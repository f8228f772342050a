//! The end of environments, and of those that they have made.

use super::script::{A, AB};
use super::steps::Step;
use super::world::with_world;
use exo_abi::call::Call;
use exo_abi::error::Error;
use exo_abi::info::environment_state;

#[test]
fn a_guarantee_comes_back_past_the_dead() {
    with_world(|world| {
        let frames = world.frames_of(AB);
        let child = world.child(AB, (frames[2], 5), 0);
        let argument = child.to_argument();
        assert_eq!(world.ask(AB, Call::GuaranteeMove, (0, 0), &[argument, 5, 0]), Ok(5));
        // The child makes one of its own, and passes 3 on.
        for frame in 72..80 {
            assert!(world.ask(child, Call::AllocateRun, (0, 0), &[frame, 1]).is_ok());
        }
        assert_eq!(world.ask(child, Call::BindRun, (0, 0), &[0, 0, 3, 72, 8]), Ok(0));
        let grandchild = world.child(child, (76, 3), 0);
        assert_eq!(world.ask(child, Call::GuaranteeMove, (0, 0), &[grandchild.to_argument(), 3, 0]), Ok(3));
        assert_eq!(world.core.environments.get(AB).unwrap().guarantee, 0);
        assert_eq!(world.ask(AB, Call::EnvironmentDestroy, (0, 0), &[argument]), Ok(0));
        assert_eq!(world.core.environments.get(AB).unwrap().guarantee, 5);
        // The child is gone and forgotten while the grandchild's CPU still holds on.
        world.let_go(child);
        assert_eq!(world.ask(AB, Call::EnvironmentForget, (0, 0), &[argument]), Ok(0));
        world.let_go(grandchild);
        assert!(world.core.environments.get(grandchild).is_none(), "nobody could ask for it");
    });
}

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
