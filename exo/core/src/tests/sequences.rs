//! Random sequences of steps, most of them hostile, done to the state machine and to the model: answers agree, states
//! agree, and every invariant holds after every step.

use super::fake::FakeMachine;
use super::model::{Frame, Id, Model};
use crate::calls::dispatch;
use crate::environment::{EnvironmentId, NewEnvironment, Outcome};
use crate::frames::{FrameRecord, FrameState, FrameTable, Release};
use crate::invariants;
use crate::state::Core;
use exo_abi::boot_page::FrameRun;
use proptest::prelude::{Just, ProptestConfig, Strategy, any, prop, prop_oneof, proptest};
use std::vec;
use std::vec::Vec;

const FRAMES: usize = 48;
const CPUS: usize = 2;

#[derive(Clone, Debug)]
enum Step {
    Create { cpu: u32, slices: u32, input: bool },
    Allocate { who: Id, count: u64, align: u64 },
    Call { who: Id, number: u64, arguments: [u64; 3] },
    End { who: Id },
    FinishRelease,
    Forget { who: Id },
    NextSlice { cpu: usize, blocked: Id },
    Type { count: u8 },
}

/// Names of the living, the dead and the never born.
fn somebody() -> impl Strategy<Value = Id> {
    prop_oneof![6 => (0_u32..3, 1_u32..3), 1 => (any::<u32>(), 0_u32..3)]
}

/// Addresses in and around the frames, and absurd ones.
fn address() -> impl Strategy<Value = u64> {
    let near = (0_u64..50, prop_oneof![Just(0), Just(1), Just(4095), 0_u64..4096])
        .prop_map(|(frame, byte)| frame * 4096 + byte);
    prop_oneof![12 => near, 1 => any::<u64>(), 1 => Just(u64::MAX)]
}

fn length() -> impl Strategy<Value = u64> {
    prop_oneof![8 => 0_u64..300, 2 => 4000_u64..4100, 1 => any::<u64>()]
}

fn step() -> impl Strategy<Value = Step> {
    let argument = || prop_oneof![6 => 0_u64..4, 2 => 20_u64..300, 1 => any::<u64>()];
    let call = |who, number, arguments| Step::Call { who, number, arguments };
    prop_oneof![
        2 => (0_u32..3, 0_u32..18, any::<bool>()).prop_map(|(cpu, slices, input)| Step::Create { cpu, slices, input }),
        4 => (somebody(), 0_u64..12, prop_oneof![Just(1_u64), Just(2), Just(8), Just(3), Just(0), Just(1 << 63)])
            .prop_map(|(who, count, align)| Step::Allocate { who, count, align }),
        4 => (somebody(), 0_u64..4, address(), length()).prop_map(move |(who, stream, at, length)| call(who, 2, [stream, at, length])),
        4 => (somebody(), address(), length()).prop_map(move |(who, at, length)| call(who, 3, [at, length, 0])),
        4 => (somebody(), prop_oneof![4 => 0_u64..7, 1 => any::<u64>()], [argument(), argument(), argument()])
            .prop_map(move |(who, number, arguments)| call(who, number, arguments)),
        1 => somebody().prop_map(|who| Step::End { who }),
        1 => Just(Step::FinishRelease),
        1 => somebody().prop_map(|who| Step::Forget { who }),
        3 => (0_usize..3, somebody()).prop_map(|(cpu, blocked)| Step::NextSlice { cpu, blocked }),
        1 => any::<u8>().prop_map(|count| Step::Type { count }),
    ]
}

fn id((index, generation): Id) -> EnvironmentId {
    EnvironmentId { index, generation }
}

fn pair(id: EnvironmentId) -> Id {
    (id.index, id.generation)
}

struct Both<'a> {
    core: Core<'a>,
    machine: FakeMachine,
    model: Model,
    releases: Vec<Release>,
}

impl Both<'_> {
    fn step(&mut self, step: &Step) {
        let Self { core, machine, model, releases } = self;
        match *step {
            Step::Create { cpu, slices, input } => {
                let new = NewEnvironment { name: "x", cpu, slices, background: false, input };
                assert_eq!(core.create(&new).ok().map(pair), model.create(cpu, slices, input));
            }
            Step::Allocate { who, count, align } => {
                let allocation = core.allocate(id(who), count, align).ok();
                let got = allocation.map(|allocation| (allocation.run.first, allocation.dirty));
                assert_eq!(got, model.allocate(who, count, align));
            }
            Step::Call { who, number, arguments: [a, b, c] } => {
                let (reply, effect) = dispatch(core, machine, id(who), number, [a, b, c, 7, 7, 7]);
                let got = (reply.status, reply.value, std::format!("{effect:?}"));
                assert_eq!(got, model.call(who, number, [a, b, c]));
            }
            Step::End { who } => {
                let release = core.end(id(who), Outcome::Killed);
                assert_eq!(release.as_ref().map(Release::frames), model.end(who));
                releases.extend(release);
            }
            Step::FinishRelease => {
                if let Some(release) = releases.pop() {
                    model.finish(pair(release.owner()));
                    core.finish_release(release);
                }
            }
            Step::Forget { who } => assert_eq!(core.forget(id(who)), model.forget(who)),
            Step::NextSlice { cpu, blocked } => {
                let slice = core.next_slice(cpu, |other| other == id(blocked));
                assert_eq!(slice.map(|slice| (slice.position, pair(slice.owner))), model.next_slice(cpu, blocked));
            }
            Step::Type { count } => {
                machine.typed.extend(0..count);
                model.machine.typed.extend(0..count);
            }
        }
    }

    fn compare(&self) {
        invariants::check(&self.core).unwrap();
        let states = self.core.frames().states().map(|state| match state {
            FrameState::Unusable | FrameState::Kernel => Frame::Other,
            FrameState::Free { clean: true } => Frame::Clean,
            FrameState::Free { clean: false } => Frame::Dirty,
            FrameState::Owned(owner) => Frame::Of(pair(owner)),
            FrameState::Quarantined(owner) => Frame::Leaving(pair(owner)),
        });
        assert_eq!(states.collect::<Vec<_>>(), self.model.frames);
        let environments = self.core.environments().iter().map(|(id, environment)| {
            (
                pair(id),
                environment.cpu(),
                environment.has_input(),
                !environment.is_running(),
                u64::from(environment.upcall_vector()),
            )
        });
        let expected =
            self.model.environments.iter().map(|(&id, other)| (id, other.cpu, other.input, other.ended, other.vector));
        assert_eq!(environments.collect::<Vec<_>>(), expected.collect::<Vec<_>>());
        assert_eq!(
            (&self.machine.memory, &self.machine.typed),
            (&self.model.machine.memory, &self.model.machine.typed)
        );
        assert_eq!(self.machine.written, self.model.machine.written);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_sequence_agrees_with_the_model(steps in prop::collection::vec(step(), 1..120)) {
        let mut records = vec![FrameRecord::UNUSABLE; FRAMES];
        let mut frames = FrameTable::new(&mut records);
        frames.declare_kernel(FrameRun { first: 2, count: 2 }).unwrap();
        frames.declare_free(FrameRun { first: 4, count: 20 }, true).unwrap();
        frames.declare_free(FrameRun { first: 26, count: 22 }, false).unwrap();
        let model = (0..FRAMES).map(|frame| match frame {
            4..24 => Frame::Clean,
            26.. => Frame::Dirty,
            _ => Frame::Other,
        });
        let model = Model::new(model.collect(), CPUS);
        let mut both = Both { core: Core::new(frames, CPUS), machine: FakeMachine::default(), model, releases: vec![] };
        // Two hostile environments from the start, so that most steps have somebody to act.
        both.step(&Step::Create { cpu: 0, slices: 2, input: true });
        both.step(&Step::Create { cpu: 1, slices: 3, input: false });
        both.step(&Step::Allocate { who: (0, 1), count: 5, align: 1 });
        both.step(&Step::Allocate { who: (1, 1), count: 3, align: 2 });
        for step in &steps {
            both.step(step);
            both.compare();
        }
    }
}
