//! Each invariant sees its violation, and the document says what the code checks.

use super::script::{A, AB, C};
use super::world::{NOBODY, World, with_world};
use crate::capability::{Capability, Slot};
use crate::invariants::{INVARIANTS, Invariant};
use core::sync::atomic::Ordering;
use exo_abi::capability::Name;
use exo_abi::info::{EnvironmentRecord, FrameRecord, frame_flags, frame_state};
use std::format;
use std::vec::Vec;

const DOCUMENT: &str = include_str!("../../../../docs/invariants.md");

fn invariant(number: u32) -> &'static Invariant {
    INVARIANTS.iter().find(|invariant| invariant.number == number).expect("a number of the table")
}

/// Breaks the state, and that this invariant says so.
fn sees(number: u32, break_it: impl FnOnce(&mut World<'_>)) {
    with_world(|world| {
        assert!((invariant(number).holds)(&world.core, &world.machine));
        break_it(world);
        assert!(!(invariant(number).holds)(&world.core, &world.machine), "I{number} does not see it");
        assert!(crate::invariants::check(&world.core, &world.machine).is_err());
    });
}

fn record(number: u32, break_it: impl FnOnce(&mut EnvironmentRecord)) {
    sees(number, |world| break_it(world.core.environments.get_mut(A).expect("A")));
}

fn frame(number: u32, frame: impl Fn(&World<'_>) -> u64, break_it: impl FnOnce(&mut FrameRecord)) {
    sees(number, |world| break_it(world.core.frames.get_mut(frame(world)).expect("a frame")));
}

fn of_a(world: &World<'_>) -> u64 {
    world.first_frame(A)
}

#[test]
fn every_violation_is_seen() {
    frame(1, of_a, |record| record.owner_generation = 99);
    frame(1, |_| 90, |record| record.state = frame_state::PROMISED);
    record(2, |record| record.frames += 1);
    record(3, |record| record.promised += 1);
    record(4, |record| record.reserve -= 1);
    sees(5, |world| world.core.environments.private_mut(A).expect("A").slots.set(0, Slot::Empty));
    frame(5, of_a, |record| record.guard = Name::ROOT);
    frame(6, of_a, |record| record.binders |= 1 << C.index);
    frame(6, of_a, |record| record.binders = 0);
    frame(7, |_| 90, |record| record.binders = 1);
    record(8, |record| record.guarantee += 1);
    sees(8, |world| world.core.system.frames_guaranteeable = 1);
    frame(9, of_a, |record| record.flags |= frame_flags::GUARANTEED);
    sees(9, |world| {
        let first = world.first_frame(A);
        world.core.frames.get_mut(first).expect("a frame").flags |= frame_flags::GUARANTEED;
        world.core.environments.private_mut(A).expect("A").guaranteed = 1;
        world.core.environments.get_mut(A).expect("A").guarantee = 0;
    });
    record(10, |record| record.slices += 1);
    sees(10, |world| world.core.slices.give(1, 9, A, 7, Name::ROOT));
    sees(11, |world| {
        world.core.end(&mut world.machine, A, crate::Outcome::Killed);
        let slots = &mut world.core.environments.private_mut(A).expect("A").slots;
        slots.set(3, Slot::Held(Capability { name: Name::ROOT, rights: 1 }));
    });
    sees(12, |world| world.core.environments.private_mut(A).expect("A").claims_from = Some(AB));
    sees(12, |world| world.core.claims = 1);
    sees(13, |world| world.core.environments.private_mut(AB).expect("AB").input = true);
    record(14, |record| record.vcpus += 1);
    record(15, |record| (record.parent_index, record.parent_generation) = (NOBODY.index, NOBODY.generation));
    frame(16, |_| 90, |record| record.state = frame_state::QUARANTINED);
    frame(17, |_| 90, |record| record.owner_generation = 7);
    let gate = |world: &mut World<'_>| {
        world.core.environments.vcpu_mut(C, 0).expect("C has it").gate = Some(Name::new(b"c").expect("short"));
        world.core.set_gate(C, 3, (C, 0), 0);
    };
    with_world(|world| {
        gate(world);
        assert!((invariant(18).holds)(&world.core, &world.machine));
    });
    sees(18, |world| world.core.set_gate(C, 3, (C, 0), 0));
    sees(18, |world| world.core.set_gate(C, 3, (NOBODY, 7), 0));
    sees(18, |world| {
        gate(world);
        world.core.environments.private_mut(C).expect("C").slots.set(0, Slot::Empty);
    });
    sees(18, |world| {
        gate(world);
        world.core.environments.vcpu_mut(C, 0).expect("C has it").gate = Some(Name::ROOT);
    });
    sees(19, |world| world.core.gates.ready[512].store(1, Ordering::Relaxed));
    sees(19, |world| world.core.event_word(A, 0).expect("A has it").store(1, Ordering::Relaxed));
    sees(17, |world| world.core.environments.private_mut(A).expect("A").slots.set(3, Slot::Open(NOBODY)));
}

#[test]
fn the_document_lists_what_the_code_checks() {
    let documented: Vec<&str> = DOCUMENT.lines().filter(|line| line.starts_with("## I")).collect();
    let checked: Vec<_> = INVARIANTS.iter().map(|one| format!("## I{}: {}", one.number, one.statement)).collect();
    assert_eq!(documented, checked);
    let sections = DOCUMENT.split("## I").skip(1);
    sections.for_each(|section| assert!(section.lines().skip(1).any(|line| line.len() > 40), "why? {section}"));
}
