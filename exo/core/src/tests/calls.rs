//! Calls by example: what they do, and the precise error where they do not.

use super::fake::FakeMachine;
use super::{PLAIN, table};
use crate::calls::{Effect, Reply, dispatch};
use crate::environment::{EnvironmentId, NewEnvironment};
use crate::frames::FrameRecord;
use crate::invariants;
use crate::state::Core;
use exo_abi::call::Call;
use exo_abi::console::Stream;
use exo_abi::error::Error;
use std::vec::Vec;

fn call(
    core: &mut Core<'_>,
    machine: &mut FakeMachine,
    caller: EnvironmentId,
    call: Call,
    arguments: [u64; 3],
) -> Result<u64, Error> {
    let [first, second, third] = arguments;
    let (Reply { status, value }, _) = dispatch(core, machine, caller, call as u64, [first, second, third, 0, 0, 0]);
    invariants::check(core).unwrap();
    Error::from_number(status).map_or(Ok(value), Err)
}

#[test]
fn console_bytes_are_copied_once_and_in_order() {
    let mut records = [FrameRecord::default(); 32];
    let mut core = Core::new(table(&mut records), 1);
    let id = core.create(&NewEnvironment { input: true, ..PLAIN }).unwrap();
    let _ = core.allocate(id, 2, 1).unwrap();
    let mut machine = FakeMachine::default();
    let text: Vec<u8> = (0..=255).cycle().take(4096).collect();
    machine.memory[0x8800..0x9800].copy_from_slice(&text);
    assert_eq!(call(&mut core, &mut machine, id, Call::ConsoleWrite, [2, 0x8800, 4096]), Ok(4096));
    assert_eq!(machine.written, text.iter().map(|&byte| (0, Stream::Errors, byte)).collect::<Vec<_>>());
    assert_eq!(machine.reads, 4096, "every byte is read once");
    machine.typed.extend(&text[..300]);
    assert_eq!(call(&mut core, &mut machine, id, Call::ConsoleRead, [0x9ffe, 2, 0]), Ok(2));
    assert_eq!(call(&mut core, &mut machine, id, Call::ConsoleRead, [0x8000, 4096, 0]), Ok(298));
    assert_eq!(machine.memory[0x9ffe..0xa000], text[..2]);
    assert_eq!(machine.memory[0x8000..0x8000 + 298], text[2..300]);
    assert_eq!(call(&mut core, &mut machine, id, Call::ConsoleRead, [0x8000, 4096, 0]), Ok(0));
}

#[test]
fn a_memory_argument_must_be_held_to_its_last_byte() {
    let mut records = [FrameRecord::default(); 32];
    let mut core = Core::new(table(&mut records), 1);
    let [id, other] = [PLAIN, PLAIN].map(|new| core.create(&new).unwrap());
    let _ = core.allocate(id, 2, 1).unwrap();
    let _ = core.allocate(other, 1, 1).unwrap();
    let mut machine = FakeMachine::default();
    let mut write =
        |stream, physical, length| call(&mut core, &mut machine, id, Call::ConsoleWrite, [stream, physical, length]);
    assert_eq!(write(1, 0x9fff, 1), Ok(1));
    assert_eq!(write(1, 0x9fff, 2), Err(Error::NotBound), "the next frame is somebody else's");
    assert_eq!(write(1, 0x7fff, 2), Err(Error::NotBound), "the frame before is the kernel's");
    assert_eq!(write(1, 1 << 60, 1), Err(Error::NotBound));
    assert_eq!(write(1, 0x8000, 4097), Err(Error::TooLong));
    assert_eq!(write(1, u64::MAX, 1), Err(Error::TooLong), "it wraps");
    assert_eq!(write(1, u64::MAX, 0), Ok(0), "nothing is nowhere");
    assert_eq!(write(0, 0x8000, 1), Err(Error::BadArgument));
    assert_eq!(write(3, 0x8000, 1), Err(Error::BadArgument), "the exit status is the kernel's to report");
    assert_eq!(write(1 << 32 | 1, 0x8000, 1), Err(Error::BadArgument), "no high half is lost");
    assert_eq!(machine.written.len(), 1);
}

#[test]
fn effects_and_upcalls_are_as_the_table_says() {
    let mut records = [FrameRecord::default(); 32];
    let mut core = Core::new(table(&mut records), 1);
    let id = core.create(&PLAIN).unwrap();
    let mut machine = FakeMachine::default();
    let mut effect = |number, first| dispatch(&mut core, &mut machine, id, number, [first, 9, 9, 9, 9, 9]);
    let fine = Reply { status: 0, value: 0 };
    let error = |error: Error| (Reply { status: error.number(), value: 0 }, Effect::None);
    assert_eq!(effect(0, 9), (fine, Effect::None));
    assert_eq!(effect(1, 0xffff_ffff_0000_0007), (fine, Effect::EndEnvironment { status: 7 }));
    assert_eq!(effect(4, 9), (fine, Effect::YieldSlice));
    assert_eq!(effect(6, 0), (fine, Effect::FaultDelivery { on: false }));
    assert_eq!(effect(6, 1), (fine, Effect::FaultDelivery { on: true }));
    for on in [2, 1 << 32 | 1, u64::MAX] {
        assert_eq!(effect(6, on), error(Error::BadArgument));
    }
    assert_eq!(effect(7, 0), error(Error::UnknownCall));
    assert_eq!(effect(1 << 32, 0), error(Error::UnknownCall));
    for vector in [1, 31, 256, u64::MAX] {
        assert_eq!(effect(5, vector), error(Error::BadArgument));
    }
    assert_eq!(effect(5, 255), (fine, Effect::None));
    assert_eq!(core.environments().get(id).unwrap().upcall_vector(), 255);
    let mut end = |vector| dispatch(&mut core, &mut machine, id, 5, [vector, 0, 0, 0, 0, 0]);
    assert_eq!(end(0), (fine, Effect::None));
    assert_eq!(core.environments().get(id).unwrap().upcall_vector(), 0);
}
