//! Pipes beside a queue of bytes.

use super::{ATOMIC, Pipe, PipeEnd};
use crate::errno::Errno;
use crate::file::{OpenFlags, Ready};
use crate::io::Filling;
use crate::memory::{AddressSpace, Backing, MapFlags, MapRequest, Protection};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::vec::Vec;

/// Where a program has memory.
const PLACE: u64 = 0x10_0000;

fn space() -> AddressSpace {
    let mut space = AddressSpace::new().unwrap_or_else(|error| panic!("{error}"));
    let request = MapRequest {
        address: PLACE,
        bytes: 0x4000,
        protection: Protection::READ | Protection::WRITE,
        most: Protection::all(),
        flags: MapFlags::PRIVATE | MapFlags::FIXED,
        backing: Backing::Zeros,
    };
    space.map(request).unwrap_or_else(|error| panic!("{error}"));
    space
}

#[derive(Clone, Debug)]
enum Step {
    Write(usize),
    Read(usize),
    WriteFromProgram(usize),
    ReadToProgram(usize),
    Peek(usize),
    Skip(usize),
    Capacity(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let length = || prop_oneof![4 => 1..600_usize, 1 => 600..9000_usize];
    prop_oneof![
        length().prop_map(Step::Write),
        length().prop_map(Step::Read),
        (1..513_usize).prop_map(Step::WriteFromProgram),
        (1..513_usize).prop_map(Step::ReadToProgram),
        (1..600_usize).prop_map(Step::Peek),
        (1..600_usize).prop_map(Step::Skip),
        (12..18_u32).prop_map(|power| Step::Capacity(1 << power)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn bytes_come_out_as_they_went_in(steps in proptest::collection::vec(step(), 1..120)) {
        let [reader, writer] = PipeEnd::pair(1, 0, 0, OpenFlags::empty());
        let pipe = reader.as_kind::<PipeEnd>().map(PipeEnd::pipe).cloned().unwrap();
        let mut space = space();
        let mut model: VecDeque<u8> = VecDeque::new();
        let mut bytes = (0..=255_u8).cycle();
        let mut room = pipe.capacity();
        for step in steps {
            match step {
                Step::Write(length) => {
                    let new: Vec<u8> = bytes.by_ref().take(length).collect();
                    let left = room - model.len();
                    let expected = if left == 0 || (length <= ATOMIC && left < length) { Err(Errno::EAGAIN) } else { Ok(length.min(left)) };
                    prop_assert_eq!(writer.write(&mut &new[..]), expected);
                    model.extend(&new[..expected.unwrap_or(0)]);
                }
                Step::WriteFromProgram(length) => {
                    let new: Vec<u8> = bytes.by_ref().take(length).collect();
                    space.copy_in(PLACE + 4000, &new).unwrap();
                    match pipe.write_from_program(&mut space, PLACE + 4000, length) {
                        Ok(count) => {
                            prop_assert_eq!(count, length);
                            model.extend(&new);
                        }
                        Err(Errno::EAGAIN) => prop_assert!(room - model.len() < length),
                        Err(error) => prop_assert_eq!(error, Errno::ENOBUFS),
                    }
                }
                Step::Read(length) => {
                    let mut into = std::vec![0; length];
                    let expected = length.min(model.len());
                    let count = reader.read(&mut Filling::new(&mut into));
                    prop_assert_eq!(count, if expected == 0 { Err(Errno::EAGAIN) } else { Ok(expected) });
                    prop_assert_eq!(&into[..expected], &model.drain(..expected).collect::<Vec<_>>()[..]);
                }
                Step::ReadToProgram(length) => {
                    match pipe.read_to_program(&mut space, PLACE + 4000, length) {
                        Err(error) => prop_assert!(error == Errno::EAGAIN && model.is_empty()),
                        Ok(count) => {
                            let mut into = std::vec![0; count];
                            prop_assert!(count != 0 && count <= length);
                            space.copy_out(PLACE + 4000, &mut into).unwrap();
                            prop_assert_eq!(into, model.drain(..count).collect::<Vec<_>>());
                        }
                    }
                }
                Step::Peek(length) => {
                    let mut into = std::vec![0; length];
                    let count = pipe.peek(&mut into).unwrap_or(0);
                    prop_assert_eq!(&into[..count], &model.iter().take(length).copied().collect::<Vec<_>>()[..]);
                }
                Step::Skip(length) => {
                    let count = length.min(model.len());
                    pipe.skip(count);
                    model.drain(..count);
                }
                Step::Capacity(bytes) => {
                    let changed = pipe.set_capacity(bytes);
                    prop_assert_eq!(changed.is_ok(), bytes >= model.len(), "{:?}", changed);
                    room = pipe.capacity();
                }
            }
            prop_assert_eq!(pipe.length(), model.len());
            prop_assert_eq!(pipe.ready(true, false).contains(Ready::IN), !model.is_empty());
            prop_assert_eq!(pipe.ready(false, true).contains(Ready::OUT), room - model.len() >= ATOMIC);
        }
    }
}

#[test]
fn without_writers_a_pipe_ends_and_without_readers_it_breaks() {
    let [reader, writer] = PipeEnd::pair(1, 0, 0, OpenFlags::empty());
    writer.write(&mut &b"last"[..]).unwrap();
    drop(writer);
    assert!(reader.file().ready().contains(Ready::IN | Ready::HUP));
    let mut bytes = [0; 8];
    assert_eq!(reader.read(&mut Filling::new(&mut bytes)), Ok(4));
    assert_eq!(reader.read(&mut Filling::new(&mut bytes)), Ok(0), "the end");
    let [reader, writer] = PipeEnd::pair(1, 0, 0, OpenFlags::empty());
    drop(reader);
    assert!(writer.file().ready().contains(Ready::ERR));
    assert_eq!(writer.write(&mut &b"x"[..]), Err(Errno::EPIPE));
}

#[test]
fn a_pipe_has_no_memory_before_it_is_used_and_no_more_than_it_may() {
    let pipe = Pipe::new();
    assert_eq!((pipe.holds(), pipe.capacity()), (0, 1 << 16));
    let [reader, writer] = PipeEnd::pair(1, 0, 0, OpenFlags::empty());
    assert_eq!(writer.write(&mut &[7; 100_000][..]), Ok(1 << 16), "as much as there is room for");
    assert_eq!(reader.file().holds(), 1 << 16);
    assert_eq!(writer.write(&mut &[7; 1][..]), Err(Errno::EAGAIN));
}

#[test]
fn bad_memory_of_a_program_takes_and_gives_nothing() {
    let [reader, _writer] = PipeEnd::pair(1, 0, 0, OpenFlags::empty());
    let pipe = reader.as_kind::<PipeEnd>().map(PipeEnd::pipe).unwrap();
    pipe.write(&mut &b"word"[..]).unwrap();
    let mut space = space();
    assert_eq!(pipe.read_to_program(&mut space, 0x5000, 4), Err(Errno::EFAULT));
    assert_eq!(pipe.write_from_program(&mut space, 0x5000, 4), Err(Errno::EFAULT));
    assert_eq!(pipe.length(), 4);
    assert_eq!(pipe.read_to_program(&mut space, PLACE, 8), Ok(4));
}
