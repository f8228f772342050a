//! ELF files, whole and spoilt: what a good one becomes, and that a bad one is refused and leaves nothing.

use super::{Image, Placed};
use crate::errno::Errno;
use crate::file::{File, Kind, Status};
use crate::fs::{MemoryFileSystem, Namespace, NodeFile, number};
use crate::machine;
use crate::memory::{AddressSpace, PAGE};
use proptest::prelude::*;
use std::rc::Rc;
use std::vec::Vec;

const BASE: u64 = 0x40_0000;

/// A segment: type, flags, offset, address, bytes in the file and in memory.
type Segment = (u32, u32, u64, u64, u64, u64);

/// An ELF file with these segments, and `length` bytes that count up.
fn program(kind: u16, segments: &[Segment], length: usize) -> Vec<u8> {
    let mut bytes: Vec<u8> = (0..length).map(|index| index as u8).collect();
    let mut header = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    for half in [kind, 62] {
        header.extend(half.to_le_bytes());
    }
    header.extend(1_u32.to_le_bytes());
    for word in [BASE + 0x200, 64, 0] {
        header.extend(word.to_le_bytes());
    }
    header.extend(0_u32.to_le_bytes());
    for half in [64, 56, segments.len() as u16, 64, 0, 0] {
        header.extend(half.to_le_bytes());
    }
    for &(kind, flags, offset, address, in_file, in_memory) in segments {
        header.extend(kind.to_le_bytes());
        header.extend(flags.to_le_bytes());
        for word in [offset, address, address, in_file, in_memory, PAGE] {
            header.extend(word.to_le_bytes());
        }
    }
    bytes[..header.len()].copy_from_slice(&header);
    bytes
}

/// Code of a page and a half, and data that continue as zeros for two more pages.
pub(crate) fn good() -> Vec<u8> {
    let code = (1, 5, 0, BASE, 0x1800, 0x1800);
    let data = (1, 6, 0x1800, BASE + 0x2800, 0x100, 0x2000);
    program(2, &[code, data], 0x1900)
}

/// The bytes as a file of a file system.
fn file(bytes: &[u8]) -> Rc<dyn File> {
    let names = Namespace::new(MemoryFileSystem::root(number(0, 20), 1 << 12), "tmpfs");
    let new = crate::fs::New {
        kind: Kind::Regular,
        permissions: 0o755,
        user: 0,
        group: 0,
        represents: 0,
        target: Vec::new(),
    };
    let root = names.root();
    let inode = root.inode.make(b"program", &new).unwrap_or_else(|error| panic!("{error}"));
    let file: Rc<dyn File> = Rc::new(NodeFile::new(root.with(inode)));
    let mut source = bytes;
    while !source.is_empty() {
        let done = (bytes.len() - source.len()) as u64;
        file.write(done, &mut source).unwrap_or_else(|error| panic!("{error}"));
    }
    file
}

fn byte(space: &mut AddressSpace, address: u64) -> Option<u8> {
    let mut byte = [0xee];
    space.copy_out(address, &mut byte).ok().map(|_| byte[0])
}

#[test]
fn segments_are_the_files_bytes_and_zeros_behind_them() {
    let image = Image::read(&file(&good())).unwrap();
    let mut space = AddressSpace::new().unwrap();
    let placed = image.place(&mut space, true).unwrap();
    let expected = Placed {
        bias: 0,
        entry: BASE + 0x200,
        headers: (BASE + 64, 56, 2),
        code: (BASE, BASE + 0x1800),
        data: (BASE + 0x2800, BASE + 0x2900),
        end: BASE + 0x4800,
    };
    assert_eq!(placed, expected);
    assert_eq!(byte(&mut space, BASE + 0x1234), Some(0x34));
    assert_eq!(byte(&mut space, BASE + 0x28ff), Some(0xff));
    assert_eq!(byte(&mut space, BASE + 0x2900), Some(0), "behind the file's bytes, in their last page");
    assert_eq!(byte(&mut space, BASE + 0x47ff), Some(0));
    assert_eq!(byte(&mut space, BASE + 0x5000), None);
    assert_eq!(space.copy_in(BASE, &[1]).err(), Some(Errno::EFAULT), "code is not written");
    assert_eq!(space.copy_in(BASE + 0x2800, &[1]).unwrap(), 1);
}

#[test]
fn one_that_goes_anywhere_goes_where_linux_puts_it_and_an_interpreter_beside() {
    let segments = [(1, 7, 0, 0, 0x1000, 0x1000)];
    let image = Image::read(&file(&program(3, &segments, 0x1000))).unwrap();
    let mut space = AddressSpace::new().unwrap();
    let main = image.place(&mut space, true).unwrap();
    assert_eq!(main.code.0, super::BASE);
    let other = image.place(&mut space, false).unwrap();
    assert_ne!(other.bias, main.bias);
    assert_eq!(byte(&mut space, other.bias + 0x345), Some(0x45));
}

#[test]
fn what_is_no_program_for_this_machine_is_refused() {
    let load = (1, 5, 0, BASE, 0x1000, 0x1000);
    let refused = |bytes: &[u8]| assert_eq!(Image::read(&file(bytes)).err(), Some(Errno::ENOEXEC));
    let spoilt = |at: usize, value: u8| {
        let mut bytes = good();
        bytes[at] = value;
        refused(&bytes);
    };
    for (at, value) in [(0, 0), (4, 1), (5, 2), (16, 1), (18, 3), (54, 55), (56, 0), (57, 1)] {
        spoilt(at, value);
    }
    refused(&good()[..63]);
    refused(&good()[..150]);
    // Nothing to load, an offset that is not the address's, more bytes in the file than in memory, beyond the programs' half.
    refused(&program(2, &[(2, 5, 0, BASE, 0x1000, 0x1000)], 0x1000));
    refused(&program(2, &[(1, 5, 8, BASE, 0x1000, 0x1000)], 0x1000));
    refused(&program(2, &[(1, 5, 0, BASE, 0x1001, 0x1000)], 0x1000));
    refused(&program(2, &[(1, 5, 0, 0x7fff_ffff_f000, 0x1000, 0x1000)], 0x1000));
    refused(&program(2, &[(1, 5, 0, u64::MAX - 0xfff, 0x1000, 0x1000)], 0x1000));
    // An interpreter without a name, one whose name does not end, one that is not in the file.
    refused(&program(2, &[load, (3, 4, 0x200, 0, 1, 1)], 0x1000));
    refused(&program(2, &[load, (3, 4, 0x201, 0, 9, 9)], 0x1000));
    refused(&program(2, &[load, (3, 4, 0x2000, 0, 9, 9)], 0x1000));
}

/// Reads and places whatever the bytes are; nothing may be left of it.
fn survives(bytes: &[u8]) {
    let before = machine::frames_in_use();
    {
        let file = file(bytes);
        if let Ok(image) = Image::read(&file) {
            for main in [true, false] {
                let mut space = AddressSpace::new().unwrap_or_else(|error| panic!("{error}"));
                if let Ok(placed) = image.place(&mut space, main) {
                    _ = byte(&mut space, placed.entry);
                    _ = byte(&mut space, placed.end);
                }
            }
        }
    }
    // The frame of zeros stays.
    assert!(machine::frames_in_use() <= before + 1);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn spoilt_headers_harm_nobody(changes in proptest::collection::vec((0..176_usize, any::<u8>()), 1..8)) {
        let mut bytes = good();
        changes.into_iter().for_each(|(at, value)| bytes[at] = value);
        survives(&bytes);
    }

    #[test]
    fn segments_that_are_anything_harm_nobody(
        kind in 2..4_u16,
        segments in proptest::collection::vec((prop_oneof![Just(1_u32), Just(3), Just(6), any::<u32>()], 0..8_u32, word(), word(), word(), word()), 0..6),
    ) {
        survives(&program(kind, &segments, 0x1900));
    }

    #[test]
    fn garbage_harms_nobody(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        survives(&bytes);
    }
}

/// A number that may be an offset, an address or a length, or nothing of the kind.
fn word() -> impl Strategy<Value = u64> {
    prop_oneof![
        (0..8_u64).prop_map(|page| page * PAGE),
        (0..8_u64).prop_map(|page| BASE + page * PAGE),
        0..0x4000_u64,
        (0..0x1_0000_u64).prop_map(|below| 0x7fff_ffff_f000 - below),
        any::<u64>(),
    ]
}

/// What a file without content says of itself, for the type's sake.
#[test]
fn an_empty_file_is_no_program() {
    let empty = file(&[]);
    assert_eq!(empty.status().size, Status::default().size);
    assert_eq!(Image::read(&empty).err(), Some(Errno::ENOEXEC));
}
