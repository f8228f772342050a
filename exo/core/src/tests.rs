//! The state machine against examples (here) and against a naive second implementation (`model`, `sequences`).

mod calls;
mod fake;
mod model;
mod sequences;

use crate::calls::{Effect, dispatch};
use crate::environment::{CreateError, EnvironmentId, NewEnvironment, Outcome, State};
use crate::frames::{FrameCounts, FrameError, FrameRecord, FrameState, FrameTable};
use crate::invariants;
use crate::slices::{SLICE_POSITIONS, Slice, SliceError, SliceVector};
use crate::state::Core;
use exo_abi::boot_page::FrameRun;
use exo_abi::error::Error;
use fake::FakeMachine;
use std::string::ToString;
use std::vec;
use std::vec::Vec;

const PLAIN: NewEnvironment<'_> = NewEnvironment { name: "a", cpu: 0, slices: 1, background: false, input: false };

fn run(first: u64, count: u64) -> FrameRun {
    FrameRun { first, count }
}

/// 32 frames: 0..4 unusable, 4..8 the kernel's, 8..20 free and clean, 20..32 free and dirty.
fn table(records: &mut [FrameRecord]) -> FrameTable<'_> {
    let mut frames = FrameTable::new(records);
    frames.declare_kernel(run(4, 4)).unwrap();
    frames.declare_free(run(8, 12), true).unwrap();
    frames.declare_free(run(20, 12), false).unwrap();
    frames
}

#[test]
fn a_frame_goes_round_once() {
    let mut records = [FrameRecord::default(); 32];
    let mut core = Core::new(table(&mut records), 1);
    let id = core.create(&PLAIN).unwrap();
    let allocation = core.allocate(id, 14, 1).unwrap();
    assert_eq!((allocation.run, allocation.dirty), (run(8, 14), 2));
    assert_eq!(core.environments().get(id).unwrap().frames_held(), 14);
    assert_eq!(core.frames().runs(id).collect::<Vec<_>>(), [run(8, 14)]);
    let release = core.end(id, Outcome::Exited { status: 3 }).unwrap();
    assert_eq!((release.owner(), release.frames()), (id, 14));
    invariants::check(&core).unwrap();
    assert_eq!(core.frames().state(8), Some(FrameState::Quarantined(id)));
    assert!(!core.forget(id), "its frames are still reachable");
    let other = core.create(&NewEnvironment { name: "b", ..PLAIN }).unwrap();
    assert_eq!(core.allocate(other, 11, 1), Err(FrameError::NoRun), "quarantined frames are not free");
    core.finish_release(release);
    let expected = FrameCounts { unusable: 4, kernel: 4, free_dirty: 24, ..FrameCounts::default() };
    assert_eq!(core.frames().counts(), expected, "all dirty: what was never owned was dirty before");
    assert!(core.forget(id) && !core.forget(id));
    assert_eq!(core.environments().get(id).map(|environment| environment.state()), None::<State>);
    invariants::check(&core).unwrap();
}

#[test]
fn the_lowest_fitting_run_is_given() {
    let mut records = [FrameRecord::default(); 32];
    let mut core = Core::new(table(&mut records), 1);
    let id = core.create(&PLAIN).unwrap();
    let mut first = |count, align| core.allocate(id, count, align).map(|allocation| allocation.run.first);
    assert_eq!(first(1, 16), Ok(16));
    assert_eq!(first(8, 1), Ok(8));
    assert_eq!(first(1, 1), Ok(17));
    assert_eq!(first(9, 8), Err(FrameError::NoRun), "24..32 has only 8");
    assert_eq!(first(8, 8), Ok(24));
    assert_eq!(first(0, 1), Err(FrameError::EmptyRun));
    assert_eq!(first(1, 0), Err(FrameError::Alignment));
    assert_eq!(first(1, 3), Err(FrameError::Alignment));
    assert_eq!(first(u64::MAX, 1 << 63), Err(FrameError::NoRun));
    assert_eq!(core.allocate(EnvironmentId { index: 0, generation: 2 }, 1, 1), Err(FrameError::Owner));
}

#[test]
fn frames_are_declared_once_and_within_the_table() {
    let mut records = [FrameRecord::default(); 32];
    let mut frames = table(&mut records);
    assert_eq!(frames.declare_kernel(run(3, 2)), Err(FrameError::Declared { frame: 4 }));
    assert_eq!(frames.declare_free(run(31, 2), false), Err(FrameError::OutsideTable));
    assert_eq!(frames.declare_free(run(u64::MAX, 2), false), Err(FrameError::OutsideTable));
    assert_eq!(frames.state(3), Some(FrameState::Unusable), "nothing changed");
    assert_eq!((frames.state(32), frames.owner(u64::MAX)), (None, None));
}

#[test]
fn environments_are_refused_with_the_reason() {
    let mut records = [FrameRecord::default(); 1];
    let mut core = Core::new(FrameTable::new(&mut records), 2);
    let mut create = |change: &dyn Fn(&mut NewEnvironment<'static>)| {
        let mut new = PLAIN;
        change(&mut new);
        core.create(&new).map_err(|error| (error, error.to_string())).map_err(|(error, _)| error)
    };
    assert_eq!(create(&|new| new.name = ""), Err(CreateError::Name));
    assert_eq!(create(&|new| new.name = "123456789012345678901234567890123"), Err(CreateError::Name));
    assert_eq!(create(&|new| new.cpu = 2), Err(CreateError::Cpu));
    assert_eq!(create(&|new| new.slices = 0), Err(CreateError::Slices));
    assert_eq!(create(&|new| new.slices = 17), Err(CreateError::Slices));
    create(&|new| new.input = true).unwrap();
    assert_eq!(create(&|new| new.input = true), Err(CreateError::InputTaken));
    for _ in 0..3 {
        create(&|new| new.slices = 16).unwrap();
    }
    assert_eq!(create(&|new| new.slices = 16), Err(CreateError::VectorFull));
    for _ in 0..60 {
        create(&|new| new.cpu = 1).unwrap();
    }
    assert_eq!(create(&|new| new.cpu = 1), Err(CreateError::TableFull));
}

#[test]
fn a_place_is_used_again_under_another_generation() {
    let mut records = [FrameRecord::default(); 32];
    let mut core = Core::new(table(&mut records), 1);
    let old = core.create(&PLAIN).unwrap();
    let release = core.end(old, Outcome::Killed).unwrap();
    core.finish_release(release);
    assert!(core.end(old, Outcome::Killed).is_none());
    assert!(core.forget(old));
    let new = core.create(&PLAIN).unwrap();
    assert_eq!((new.index, new.generation), (old.index, old.generation + 1));
    assert_eq!(core.allocate(old, 1, 1), Err(FrameError::Owner));
    let (reply, effect) = dispatch(&mut core, &mut FakeMachine::default(), old, 1, [0; 6]);
    assert_eq!((reply.status, effect), (Error::UnknownCall.number(), Effect::None), "the dead have no calls");
    core.environments.forget(new);
    core.environments.fill(EnvironmentId { index: 0, generation: u32::MAX }, &PLAIN);
    core.environments.end(EnvironmentId { index: 0, generation: u32::MAX }, Outcome::Killed);
    core.environments.forget(EnvironmentId { index: 0, generation: u32::MAX });
    assert_eq!(core.environments.next_id(), Some(EnvironmentId { index: 1, generation: 1 }), "a used-up place is left");
}

#[test]
fn slices_go_round_in_vector_order() {
    let [a, b] = [1, 2].map(|generation| EnvironmentId { index: 0, generation });
    let mut vector = SliceVector::new();
    assert_eq!(vector.next(|_| true), None);
    for (position, owner) in [(0, a), (5, b), (63, a)] {
        vector.add(position, owner).unwrap();
    }
    assert_eq!(vector.add(5, a), Err(SliceError::Taken));
    assert_eq!(vector.add(SLICE_POSITIONS, a), Err(SliceError::Position));
    let positions: Vec<_> = (0..4).map(|_| vector.next(|_| true).unwrap().position).collect();
    assert_eq!(positions, [0, 5, 63, 0]);
    assert_eq!(vector.next(|owner| owner == a), Some(Slice { position: 63, owner: a }), "b cannot run");
    assert_eq!(vector.next(|_| false), None);
    assert_eq!(vector.position(), 63, "nobody ran, nothing moved");
    assert_eq!((vector.remove(0), vector.remove(0), vector.remove(64)), (Some(a), None, None));
    assert_eq!(
        vector.next(|owner| owner == a),
        Some(Slice { position: 63, owner: a }),
        "the one that ran last is last"
    );
    assert_eq!((vector.held(a), vector.free()), (1, 62));
}

#[test]
fn each_invariant_can_fail() {
    let mut storage = vec![[FrameRecord::default(); 32]; 8];
    let mut broken = |index: usize, damage: &dyn Fn(&mut Core<'_>, EnvironmentId)| {
        let mut core = Core::new(table(&mut storage[index]), 2);
        let id = core.create(&NewEnvironment { input: true, ..PLAIN }).unwrap();
        let _ = core.allocate(id, 2, 1).unwrap();
        invariants::check(&core).unwrap();
        damage(&mut core, id);
        invariants::check(&core).map_err(|invariant| invariant.number)
    };
    let stranger = EnvironmentId { index: 9, generation: 9 };
    assert_eq!(broken(0, &|core, _| core.frames.miscount()), Err(1));
    assert_eq!(
        broken(1, &|core, _| {
            let _ = core.frames.allocate_run(stranger, 1, 1);
        }),
        Err(2)
    );
    assert_eq!(
        broken(2, &|core, id| {
            let _ = core.frames.begin_release(id);
        }),
        Err(3)
    );
    assert_eq!(
        broken(3, &|core, id| {
            let _ = core.frames.allocate_run(id, 1, 1);
        }),
        Err(4)
    );
    assert_eq!(broken(4, &|core, id| core.slices[1].add(3, id).unwrap()), Err(5));
    assert_eq!(
        broken(5, &|core, _| {
            let _ = core.slices[0].remove(0);
        }),
        Err(6)
    );
    assert_eq!(
        broken(6, &|core, _| {
            let second = core.create(&PLAIN).unwrap();
            core.environments.running_mut(second).unwrap().input = true;
        }),
        Err(7)
    );
    assert_eq!(broken(7, &|core, id| core.environments.running_mut(id).unwrap().upcall_vector = 14), Err(8));
}
