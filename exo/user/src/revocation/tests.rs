mod world;

use super::answer::{Answered, answer};
use super::{Asked, Repossession, kind, reason};
use crate::frames::pool::State;
use crate::frames::tests::fake;
use exo_abi::boot_page::FrameRun;
use exo_abi::environment_page::ANY;
use std::sync::atomic::AtomicU64;
use std::vec::Vec;
use world::{Application, FRAMES, World};

fn run(world: &mut World, application: &mut Application) -> Answered {
    let seen = AtomicU64::new(0);
    answer(world, application, &seen)
}

#[test]
fn what_is_free_is_given_and_nobody_is_asked() {
    let mut world = World::new();
    let mut application = Application::new(&world, world.take(10));
    world.ask(kind::FRAMES, ANY, 20, 20);
    let answered = run(&mut world, &mut application);
    assert_eq!(answered, Answered { given: 20, lost: 0, unanswered: false });
    assert_eq!((application.asked.len(), application.frames.len()), (0, 10));
    assert_eq!(world.kernel.count(fake::State::Free), 20);
}

#[test]
fn the_application_is_asked_for_the_rest_and_only_for_that() {
    let mut world = World::new();
    let mut application = Application::new(&world, world.take(60));
    world.ask(kind::FRAMES, ANY, 5, 5);
    assert_eq!(run(&mut world, &mut application), Answered { given: 5, lost: 0, unanswered: false });
    assert_eq!(application.asked, [Asked::Frames { count: 3 }], "62 frames were in the pool");
    assert_eq!(application.frames.len(), 57);
}

#[test]
fn named_frames_are_given_and_no_others() {
    let mut world = World::new();
    let mut application = Application::new(&world, world.take(20));
    let wanted = FrameRun { first: 15, count: 10 };
    world.ask(kind::FRAMES, wanted.first, wanted.count, wanted.count);
    assert_eq!(run(&mut world, &mut application), Answered { given: 10, lost: 0, unanswered: false });
    assert_eq!(application.asked, [Asked::Run(wanted)]);
    assert!((0..FRAMES).all(|frame| (world.kernel.state(frame) == fake::State::Free) == (15..25).contains(&frame)));
}

#[test]
fn what_others_have_lent_is_not_given() {
    let mut world = World::new();
    let mut application = Application::new(&world, world.take(30));
    (0..40).for_each(|frame| world.kernel.frames[frame] = fake::State::Lent);
    world.ask(kind::FRAMES, ANY, 30, 30);
    let answered = run(&mut world, &mut application);
    assert_eq!(answered, Answered { given: 24, lost: 0, unanswered: true });
    assert_eq!((world.kernel.count(fake::State::Lent), world.kernel.count(fake::State::Free)), (40, 24));
}

#[test]
fn what_its_owner_takes_back_is_lost_and_an_own_frame_without_a_binding_is_not() {
    let mut world = World::new();
    let mine = world.take(2);
    let mut application = Application::new(&world, Vec::new());
    for (frame, state) in [(mine[0], fake::State::Foreign), (mine[1], fake::State::Own)] {
        world.kernel.frames[usize::try_from(frame).unwrap()] = state;
        world.entries.push(Repossession { kind: kind::FRAMES, reason: reason::OWNER, first: frame, count: 1 });
    }
    assert_eq!(run(&mut world, &mut application).lost, 2);
    let pool = world.pool.borrow();
    assert_eq!((pool.state(mine[0]), pool.state(mine[1])), (State::Lost, State::Used));
}

#[test]
fn an_application_that_has_nothing_is_asked_once() {
    let mut world = World::new();
    let all = world.take(62);
    let mut application = Application::new(&world, Vec::new());
    world.ask(kind::FRAMES, ANY, 4, 4);
    assert_eq!(run(&mut world, &mut application), Answered { given: 0, lost: 0, unanswered: true });
    assert_eq!((application.asked.len(), all.len()), (1, 62));
}

#[test]
fn a_slice_is_given_unless_the_application_keeps_it() {
    for keeps_slices in [false, true] {
        let mut world = World::new();
        world.slices = std::vec![(1, 7)];
        world.ask(kind::SLICE, 1, 7, 1);
        let mut application = Application { keeps_slices, ..Application::new(&world, Vec::new()) };
        let answered = run(&mut world, &mut application);
        assert_eq!((answered.given, answered.unanswered), (u64::from(!keeps_slices), keeps_slices));
        assert_eq!(world.slices.is_empty(), !keeps_slices);
    }
}

#[test]
fn what_was_taken_is_told_and_does_not_come_back_under_its_users() {
    let mut world = World::new();
    let mine = world.take(3);
    let mut application = Application::new(&world, Vec::new());
    world.force(mine[0], 1);
    world.force(40, 2);
    assert_eq!(run(&mut world, &mut application).lost, 2);
    assert_eq!(application.lost, [FrameRun { first: mine[0], count: 1 }, FrameRun { first: 40, count: 2 }]);
    let mut pool = world.pool.borrow_mut();
    assert_eq!((pool.state(mine[0]), pool.state(40)), (State::Lost, State::Unknown));
    assert!(pool.give_back(FrameRun { first: mine[0], count: 1 }));
    assert_eq!(pool.state(mine[0]), State::Unknown, "it is not free: it is another's");
}

#[test]
fn entries_are_told_once_and_in_order() {
    let mut world = World::new();
    let mut application = Application::new(&world, Vec::new());
    let seen = AtomicU64::new(0);
    for round in 0..5 {
        for frame in 0..50 {
            world.force(1 + frame, u64::from(round == 4));
        }
        assert_eq!(answer(&mut world, &mut application, &seen).lost, 50);
    }
    let firsts: Vec<_> = application.lost.iter().map(|run| run.first).collect();
    let expected: Vec<_> = (0..250).map(|entry| 1 + entry % 50).collect();
    assert_eq!((firsts, application.behind), (expected, 0));
}

#[test]
fn whoever_falls_behind_learns_from_the_frame_table() {
    for entries in [126, 127, 128, 129, 400] {
        let mut world = World::new();
        let mine = world.take(2);
        let mut application = Application::new(&world, Vec::new());
        world.force(mine[1], 1);
        world.force(50, 1);
        // Entries about frames of others fill the vector.
        for frame in 0..entries - 2 {
            world.entries.push(Repossession {
                kind: kind::FRAMES,
                reason: reason::OWNER,
                first: 1000 + frame,
                count: 1,
            });
        }
        let answered = run(&mut world, &mut application);
        let behind = entries >= 128;
        assert_eq!(application.behind, u32::from(behind), "{entries}");
        assert_eq!(answered.lost, if behind { 2 } else { entries });
        assert_eq!(application.lost[0].first, mine[1]);
        let pool = world.pool.borrow();
        assert_eq!((pool.state(mine[1]), pool.state(50)), (State::Lost, State::Unknown));
        assert_eq!(pool.state(mine[0]), State::Used);
    }
}
