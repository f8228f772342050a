//! What the manifest can promise.

use super::fake::{FRAMES, OPEN_COST};
use super::script::A;
use super::world::{World, with_world};
use crate::dispatch;
use crate::environment::EnvironmentId;
use crate::state::{CreateError, NewEnvironment};
use exo_abi::call::{Call, Request};
use exo_abi::capability::Name;
use exo_abi::error::Error;
use exo_abi::info::frame_state;

fn boot(world: &mut World<'_>, guarantee: u64, reserve: u64) -> Result<EnvironmentId, CreateError> {
    let new = NewEnvironment { name: "y", guard: Name::ROOT, rights: 0, guarantee, background: false, input: false };
    world.core.boot_environment(&mut world.machine, &new, reserve)
}

#[test]
fn what_is_metadata_is_not_guaranteed_as_well() {
    with_world(|world| {
        let ours = |world: &World<'_>| {
            let frames = (0..FRAMES).filter_map(|frame| world.core.frames().get(frame));
            frames.filter(|frame| matches!(frame.state, frame_state::FREE | frame_state::OWNED)).count() as u64
        };
        let left = ours(world) - world.core.system().frames_guaranteed;
        assert_eq!(boot(world, left - OPEN_COST + 1, OPEN_COST), Err(CreateError::Guarantee));
        assert_eq!(boot(world, u64::MAX, OPEN_COST), Err(CreateError::Guarantee));
        assert_eq!(boot(world, 0, u64::MAX), Err(CreateError::Guarantee));
        assert!(boot(world, left - OPEN_COST, OPEN_COST).is_ok());
        assert_eq!(world.core.system().frames_guaranteed, ours(world), "every frame that there is");
        assert_eq!(boot(world, 0, OPEN_COST), Err(CreateError::Guarantee), "its reserve is somebody's guarantee");
    });
}

/// It would never be taken up, and its environment could never end.
#[test]
fn nobody_gets_a_virtual_cpu_on_a_cpu_that_takes_no_part() {
    with_world(|world| {
        assert!(world.ask(A, Call::VcpuCreate, (0, 0), &[0, 1, 0, 0, 0]).is_ok());
        world.core.without_cpu(1);
        let word = Request { number: Call::VcpuCreate as u16, credential: 0, second: 0 }.to_word();
        let mut create = |cpu| {
            let arguments = [0, cpu, 0, 0, 0, 0];
            let answer = dispatch(&mut world.core, &mut world.machine, (A, 0), word, arguments);
            answer.map(|(reply, _)| (reply.status, reply.value))
        };
        for cpu in [1, 64, 1 << 32 | 1] {
            assert_eq!(create(cpu), Some((Error::NoSuchCpu.number(), cpu)));
        }
        assert!(create(0).is_some_and(|(status, _)| status == 0));
    });
}

/// The shortcut looks at the gate's words without a lock; when the slot is empty nobody does any more.
#[test]
fn a_gate_slot_is_empty_when_nobody_is_on_the_way_through_it() {
    with_world(|world| {
        let mut ask = |call: Call, slots: (u8, u8), arguments: [u64; 6]| {
            let word = Request { number: call as u16, credential: slots.0, second: slots.1 }.to_word();
            let answer = dispatch(&mut world.core, &mut world.machine, (A, 0), word, arguments);
            answer.map(|(reply, _)| (reply.status, reply.value))
        };
        assert_eq!(ask(Call::GateOpen, (0, 0), [1, 0, 0, 0, 0, 0]), Some((0, 0)));
        assert_eq!(ask(Call::GateBind, (0, 0), [0, 1, 5, 0, 0, 0]), Some((0, 0)));
        assert_eq!(ask(Call::GateUnbind, (0, 0), [5, 0, 0, 0, 0, 0]), Some((0, 0)));
        assert!(world.machine.expelled.contains(&A.place()));
    });
}
