//! The core over the fake machine and the model beside it, from the same boot; and the comparison of the two.

mod compare;

use super::fake::{FRAMES, Fake, frames_in};
use super::model::{Frame, Gates, Id, Model, Owned, Slot};
use crate::capability::Capability;
use crate::environment::Private;
use crate::gates::{GateWords, Mailbox, NUMBERS};
use crate::machine::VcpuStart;
use crate::state::{Core, NewEnvironment, Storage};
use crate::tests::model::name_of;
use core::sync::atomic::AtomicU64;
use exo_abi::boot_page::FrameRun;
use exo_abi::capability::{GATE_SLOTS, rights};
use exo_abi::info::{EnvironmentRecord, FrameRecord, MAX_VCPUS, SliceVector, SystemPage, environment_state};
use std::collections::{BTreeMap, VecDeque};
use std::vec;
use std::vec::Vec;
use zerocopy::FromZeros;

/// Places in the table of environments: few, so that it fills up.
pub(crate) const PLACES: u32 = 8;
pub(crate) const CPUS: usize = 2;
pub(crate) const SLICE_TICKS: u64 = 100;

/// An environment of the boot: guard, guarantee, reserve, frames, and capabilities beside its own.
type Boot = (&'static [u8], u64, u64, u64, &'static [(&'static [u8], u64)]);

const BOOT: [Boot; 3] = [
    (b"a", 24, 10, 10, &[(b"", rights::READ | rights::NOTIFY | rights::AUDIT), (b"c", rights::READ | rights::WRITE)]),
    (b"ab", 5, 8, 16, &[(b"a", rights::READ)]),
    (b"c", 10, 8, 12, &[(b"ab", rights::CLAIM | rights::READ | rights::WRITE), (b"c..............", rights::ALL)]),
];

pub(crate) struct World<'a> {
    pub(crate) core: Core<'a>,
    pub(crate) machine: Fake,
    pub(crate) model: Model,
}

/// Runs something in a freshly booted world.
pub(crate) fn with_world<R>(use_it: impl FnOnce(&mut World<'_>) -> R) -> R {
    let mut system = SystemPage::new_zeroed();
    (system.cpus, system.slice_ticks) = (CPUS as u32, SLICE_TICKS);
    let places = PLACES as usize;
    let mut environments = vec![EnvironmentRecord::default(); places];
    let mut private = vec![Private::NOBODY; places];
    let events: Vec<AtomicU64> = (0..places * MAX_VCPUS).map(|_| AtomicU64::new(0)).collect();
    let mut slices = vec![SliceVector::new_zeroed(); CPUS];
    let mut frames = vec![FrameRecord::default(); FRAMES as usize];
    let mut list = vec![FrameRun::default(); 512];
    let words: [Vec<AtomicU64>; 3] = core::array::from_fn(|_| (0..NUMBERS).map(|_| AtomicU64::new(0)).collect());
    let gate_slots: Vec<[AtomicU64; GATE_SLOTS]> =
        (0..places).map(|_| [const { AtomicU64::new(0) }; GATE_SLOTS]).collect();
    let [ready, callers, callees] = &words;
    let mut mail = vec![Mailbox::EMPTY; NUMBERS];
    let storage = Storage {
        system: &mut system,
        environments: &mut environments,
        private: &mut private,
        events: &events,
        slices: &mut slices,
        frames: &mut frames,
        gates: GateWords { ready, callers, callees, slots: &gate_slots },
        mail: &mut mail,
        list: &mut list,
    };
    let mut world = World { core: Core::new(storage), machine: Fake::new(), model: empty_model() };
    world.boot();
    world.compare(true);
    use_it(&mut world)
}

fn empty_model() -> Model {
    Model {
        frames: vec![Frame::Unusable; FRAMES as usize],
        memory: Fake::new().memory,
        environments: BTreeMap::new(),
        generations: BTreeMap::new(),
        places: PLACES,
        bindings: BTreeMap::new(),
        slices: BTreeMap::new(),
        penalties: BTreeMap::new(),
        clocks: vec![(63, 0); CPUS],
        claims: Vec::new(),
        gates: Gates::default(),
        message: [0; 14],
        serial: 0,
        counters: Default::default(),
        calls: 0,
        failed: 0,
        slice_ticks: SLICE_TICKS,
        now: 0,
        written: Vec::new(),
        typed: VecDeque::new(),
        seen: BTreeMap::new(),
    }
}

impl World<'_> {
    fn boot(&mut self) {
        let Self { core, machine, model } = self;
        core.declare_kernel(FrameRun { first: 2, count: 4 }).expect("fresh");
        frames_in(FrameRun { first: 2, count: 4 }).for_each(|frame| model.set(frame, Frame::Kernel(None)));
        for run in [FrameRun { first: 6, count: 44 }, FrameRun { first: 52, count: 44 }] {
            core.declare_free(run).expect("fresh");
            frames_in(run).for_each(|frame| model.set(frame, Frame::Free(None)));
        }
        for (index, (guard, guarantee, reserve, frames, capabilities)) in BOOT.into_iter().enumerate() {
            let new = NewEnvironment {
                name: "x",
                guard: name_of(guard),
                rights: rights::ALL & !rights::AUDIT,
                guarantee,
                background: false,
                input: index == 0,
            };
            let first = core.frames().find_free(reserve, 1).expect("room");
            let id = core.boot_environment(machine, &new, reserve).expect("room");
            assert_eq!(model.add(None, guard), Some(id));
            frames_in(FrameRun { first, count: reserve }).for_each(|frame| {
                model.set(frame, Frame::Kernel(Some(id)));
                model.memory[frame as usize * 4096..][..4096].fill(0xee);
            });
            let run = core.boot_frames(machine, id, frames, 1).expect("room");
            for frame in frames_in(run) {
                let owned = Owned { by: id, guard: guard.to_vec(), guaranteed: false, pinned: false };
                model.set(frame, Frame::Owned(owned));
                model.memory[frame as usize * 4096..][..4096].fill(0);
                model.bindings.insert((id, frame), (7, 0));
            }
            let environment = model.of(id);
            (environment.guarantee, environment.input, environment.name) = (guarantee, index == 0, b"x".to_vec());
            environment.slots.insert(0, Slot::Held(guard.to_vec(), rights::ALL & !rights::AUDIT));
            for (slot, (name, rights)) in (1..).zip(capabilities) {
                assert!(core.boot_capability(id, slot, Capability { name: name_of(name), rights: *rights }));
                environment.slots.insert(slot, Slot::Held(name.to_vec(), *rights));
            }
            for (vcpu, cpu) in [(0, index as u32 % 2), (1, 0)] {
                let page_table = run.first * 4096;
                let (instruction, stack) = (0, 0);
                let start = VcpuStart { environment: id, vcpu, cpu, instruction, stack, page_table, argument: None };
                core.add_vcpu(machine, &start).expect("room");
                model.add_vcpu(id, cpu.into());
                let position = (0..64).find(|&at| !model.slices.contains_key(&(cpu.into(), at))).expect("room");
                assert!(core.boot_slices(machine, id, vcpu, cpu as usize, 1));
                model.boot_slice((cpu.into(), position), id, vcpu as u64);
            }
            core.boot_start(id);
            model.of(id).state = environment_state::RUNNING;
        }
    }
}

/// The name of an environment that nobody ever has.
pub(crate) const NOBODY: Id = Id { index: 3, generation: 99 };
