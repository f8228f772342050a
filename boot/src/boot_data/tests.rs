use super::{BootData, BootDataError, MAX_MODULES, MAX_RANGES, MemoryRange, Range, Symbols};
use multiboot2::{
    Builder, CommandLineTag, ElfSectionsTag, MaybeDynSized, MemoryArea, MemoryAreaType, MemoryMapTag, ModuleTag,
    RsdpV1Tag, RsdpV2Tag,
};
use proptest::prelude::{any, prop, prop_assert, proptest};
use std::string::ToString;
use std::vec;
use std::vec::Vec;

const OWN: u64 = 0x10_0000;
const MEBIBYTE: u64 = 1 << 20;

fn areas() -> Vec<MemoryArea> {
    vec![
        MemoryArea::new(0, 0x9_fc00, MemoryAreaType::Available),
        MemoryArea::new(0x9_fc00, 0x6_0400, MemoryAreaType::Reserved),
        MemoryArea::new(MEBIBYTE, 15 * MEBIBYTE, MemoryAreaType::Available),
        MemoryArea::new(16 * MEBIBYTE, 16 * MEBIBYTE, MemoryAreaType::Available),
        MemoryArea::new(32 * MEBIBYTE, MEBIBYTE, MemoryAreaType::AcpiAvailable),
    ]
}

/// One ELF64 section header.
fn section(kind: u32, address: u64, size: u64, link: u32, entry_size: u64) -> Vec<u8> {
    let mut header = vec![0; 64];
    header[4..8].copy_from_slice(&kind.to_le_bytes());
    header[16..24].copy_from_slice(&address.to_le_bytes());
    header[32..40].copy_from_slice(&size.to_le_bytes());
    header[40..44].copy_from_slice(&link.to_le_bytes());
    header[56..64].copy_from_slice(&entry_size.to_le_bytes());
    header
}

fn sections(table: u64, strings: u64) -> Vec<u8> {
    [
        section(0, 0, 0, 0, 0),
        section(1, 0x20_0000, 64, 0, 0),
        section(2, table, 48, 3, 24),
        section(3, strings, 9, 0, 0),
    ]
    .concat()
}

fn builder() -> Builder {
    Builder::new()
        .cmdline(CommandLineTag::new("output=e9 finish=bochs"))
        .mmap(MemoryMapTag::new(&areas()))
        .add_module(ModuleTag::new(0x40_0000, 0x40_1234, "name=a"))
        .add_module(ModuleTag::new(0x40_2000, 0x40_3000, "name=é"))
        .elf_sections(ElfSectionsTag::new(4, 64, 1, &sections(0x30_0000, 0x30_0040)))
        .rsdpv1(RsdpV1Tag::new(1, *b"RAVELN", 0, 0x1000))
        .rsdpv2(RsdpV2Tag::new(1, *b"RAVELN", 2, 0x1000, 36, 0x2000, 3))
}

fn bytes(builder: Builder) -> Vec<u8> {
    builder.build().as_bytes().to_vec()
}

fn refusal(builder: Builder) -> BootDataError {
    BootData::parse(&bytes(builder), OWN).unwrap_err()
}

/// Boot data from tags by hand, for what the builder refuses to build.
fn by_hand(tags: &[(u32, Vec<u8>)]) -> Vec<u8> {
    let mut data = vec![0; 8];
    for (kind, payload) in tags.iter().chain([&(0, vec![])]) {
        data.extend(kind.to_le_bytes());
        data.extend(u32::try_from(8 + payload.len()).unwrap().to_le_bytes());
        data.extend(payload);
        data.resize(data.len().next_multiple_of(8), 0);
    }
    let total = u32::try_from(data.len()).unwrap();
    data[..4].copy_from_slice(&total.to_le_bytes());
    data
}

fn memory_tag(entries: &[(u64, u64, u32)]) -> (u32, Vec<u8>) {
    let mut payload = [24_u32.to_le_bytes(), [0; 4]].concat();
    for &(start, length, kind) in entries {
        payload.extend([start.to_le_bytes(), length.to_le_bytes(), u64::from(kind).to_le_bytes()].concat());
    }
    (6, payload)
}

fn module_tag(start: u32, end: u32, line: &[u8]) -> (u32, Vec<u8>) {
    (3, [&start.to_le_bytes(), &end.to_le_bytes(), line].concat())
}

#[test]
fn everything_that_a_loader_builds_is_found() {
    let bytes = bytes(builder());
    let data = BootData::parse(&bytes, OWN).unwrap();
    assert_eq!(data.own, Range::of(OWN, bytes.len().try_into().unwrap()).unwrap());
    assert_eq!(data.command_line, "output=e9 finish=bochs");
    let memory = |start, end, available| MemoryRange { range: Range { start, end }, available };
    let expected = [
        memory(0, 0x9_fc00, true),
        memory(0x9_fc00, MEBIBYTE, false),
        memory(MEBIBYTE, 32 * MEBIBYTE, true),
        memory(32 * MEBIBYTE, 33 * MEBIBYTE, false),
    ];
    assert_eq!(*data.memory, expected, "adjoining entries of one kind are joined");
    let modules: Vec<_> =
        data.modules.iter().map(|module| (module.range.start, module.range.end, module.command_line)).collect();
    assert_eq!(modules, [(0x40_0000, 0x40_1234, "name=a"), (0x40_2000, 0x40_3000, "name=é")]);
    let symbols = Symbols { table: Range::of(0x30_0000, 48).unwrap(), strings: Range::of(0x30_0040, 9).unwrap() };
    assert_eq!(data.symbols, Some(symbols));
    let root = data.root_pointer.unwrap();
    assert_eq!((root.bytes().len(), &root.bytes()[..8]), (36, b"RSD PTR ".as_slice()), "the newer version wins");
    assert_eq!(data.occupied().count(), 5);
}

#[test]
fn bytes_beyond_the_boot_data_do_not_matter() {
    let mut bytes = bytes(builder());
    let data = BootData::parse(&bytes, OWN).unwrap().own;
    bytes.extend([0xff; 100]);
    assert_eq!(BootData::parse(&bytes, OWN).unwrap().own, data);
}

#[test]
fn what_is_missing_is_named() {
    let memory = || Builder::new().mmap(MemoryMapTag::new(&areas()));
    let module = || ModuleTag::new(0x40_0000, 0x40_1000, "");
    assert_eq!(refusal(memory()), BootDataError::NoModules);
    assert_eq!(refusal(Builder::new().add_module(module())), BootDataError::NoMemory);
    let bare = bytes(memory().add_module(module()));
    let bare = BootData::parse(&bare, OWN).unwrap();
    assert_eq!((bare.command_line, bare.root_pointer, bare.symbols), ("", None, None));
}

#[test]
fn modules_must_lie_in_memory_and_apart() {
    let with = |start, end| refusal(builder().add_module(ModuleTag::new(start, end, "")));
    let outside = |start, end| BootDataError::ModuleOutside { index: 2, range: Range { start, end } };
    assert_eq!(with(0x1ff_ffff, 0x200_0001), outside(0x1ff_ffff, 0x200_0001));
    assert_eq!(with(0xfee0_0000, 0xfee0_1000), outside(0xfee0_0000, 0xfee0_1000));
    assert_eq!(with(0x40_1233, 0x40_1235), BootDataError::ModulesOverlap { first: 0, second: 2 });
    assert_eq!(with(0x10_0000, 0x10_0001), BootDataError::ModuleOverBootData { index: 2 });
    let empty = by_hand(&[memory_tag(&[(0, 1 << 30, 1)]), module_tag(0x20_0000, 0x20_0000, &[0])]);
    let range = Range { start: 0x20_0000, end: 0x20_0000 };
    assert_eq!(BootData::parse(&empty, OWN).unwrap_err(), BootDataError::ModuleEmpty { index: 0, range });
}

#[test]
fn malformed_tags_are_named() {
    let parse = |tags: &[(u32, Vec<u8>)]| BootData::parse(&by_hand(tags), OWN).unwrap_err();
    assert_eq!(parse(&[(1, vec![b'x'])]), BootDataError::CommandLineText);
    assert_eq!(parse(&[(1, vec![0xff, 0])]), BootDataError::CommandLineText);
    assert_eq!(parse(&[module_tag(1, 2, b"name")]), BootDataError::ModuleText { index: 0 });
    assert_eq!(parse(&[(3, vec![0; 7])]), BootDataError::TagTooShort { tag: "module" });
    assert_eq!(parse(&[(6, vec![0; 3])]), BootDataError::TagTooShort { tag: "memory map" });
    assert_eq!(parse(&[(6, vec![0; 16])]), BootDataError::MemoryEntrySize { size: 0 });
    assert_eq!(parse(&[(9, vec![9; 7])]), BootDataError::TagTooShort { tag: "ELF sections" });
    assert_eq!(parse(&[(14, vec![0; 19])]), BootDataError::RootPointer);
    let wrapping = memory_tag(&[(u64::MAX, 2, 1)]);
    assert_eq!(parse(&[wrapping]), BootDataError::MemoryWraps { start: u64::MAX, length: 2 });
    assert_eq!(BootData::parse(&[], OWN).unwrap_err(), BootDataError::TooShort { length: 0 });
    assert_eq!(
        BootData::parse(&[8, 0, 0, 0, 0, 0, 0, 0], OWN).unwrap_err(),
        BootDataError::TotalSize { total: 8, length: 8 }
    );
    let mut endless = by_hand(&[(2, vec![0; 8])]);
    let end = endless.len() - 8;
    endless[end] = 2;
    assert_eq!(BootData::parse(&endless, OWN).unwrap_err(), BootDataError::NoEndTag);
    endless[12] = 7;
    assert_eq!(BootData::parse(&endless, OWN).unwrap_err(), BootDataError::TagSize { offset: 8, size: 7 });
    let good = bytes(builder());
    assert_eq!(BootData::parse(&good, u64::MAX).unwrap_err(), BootDataError::OwnAddress { physical: u64::MAX });
}

#[test]
fn more_than_fits_is_refused() {
    let module = |index: u32| module_tag(0x20_0000 + index, 0x20_0001 + index, &[0]);
    let mut tags = vec![memory_tag(&[(0, 1 << 30, 1)])];
    tags.extend((0..128).map(module));
    assert_eq!(BootData::parse(&by_hand(&tags), OWN).unwrap().modules.len(), MAX_MODULES);
    tags.push(module(128));
    assert_eq!(BootData::parse(&by_hand(&tags), OWN).unwrap_err(), BootDataError::TooManyModules);
    let entries: Vec<_> = (0..129).map(|index| (index << 30, 1 << 30, u32::from(index % 2 == 0))).collect();
    let parse =
        |entries| BootData::parse(&by_hand(&[memory_tag(entries), module(0)]), OWN).map(|data| data.memory.len());
    assert_eq!(parse(&entries[..128]), Ok(MAX_RANGES));
    assert_eq!(parse(&entries), Err(BootDataError::TooManyRanges));
}

#[test]
fn symbols_outside_memory_are_left_out() {
    for (table, strings) in [(0xf000_0000, 0x30_0040), (0x30_0000, 0), (u64::MAX - 8, 0x30_0040)] {
        let bytes = bytes(builder().elf_sections(ElfSectionsTag::new(4, 64, 1, &sections(table, strings))));
        assert_eq!(BootData::parse(&bytes, OWN).unwrap().symbols, None);
    }
    let short = ElfSectionsTag::new(5, 64, 1, &sections(0x30_0000, 0x30_0040));
    assert_eq!(refusal(builder().elf_sections(short)), BootDataError::TagTooShort { tag: "ELF sections" });
}

proptest! {
    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), physical in any::<u64>()) {
        let mut bytes = bytes;
        prop_assert!(BootData::parse(&bytes, physical).is_err());
        // Past the total size, where most garbage stops.
        let total = u32::try_from(bytes.len()).unwrap().to_le_bytes();
        if let Some(size) = bytes.first_chunk_mut() {
            *size = total;
        }
        prop_assert!(BootData::parse(&bytes, physical).is_err());
    }

    #[test]
    fn changed_boot_data_is_taken_or_refused(changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = bytes(builder());
        for (index, byte) in changes {
            let position = index.index(bytes.len());
            bytes[position] = byte;
        }
        match BootData::parse(&bytes, OWN) {
            Ok(data) => {
                prop_assert!(!data.modules.is_empty() && data.own.length() <= bytes.len().try_into().unwrap());
                for (index, module) in data.modules.iter().enumerate() {
                    prop_assert!(data.memory.iter().any(|entry| entry.available && entry.range.contains(&module.range)));
                    prop_assert!(!data.modules[..index].iter().any(|other| other.range.overlaps(&module.range)));
                }
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
    }

    #[test]
    fn cut_boot_data_is_refused(cut in any::<prop::sample::Index>()) {
        let bytes = bytes(builder());
        let cut = cut.index(bytes.len());
        prop_assert!(BootData::parse(&bytes[..cut], OWN).is_err());
    }

    #[test]
    fn any_tags_are_taken_or_refused(tags in prop::collection::vec((0_u32..22, prop::collection::vec(any::<u8>(), 0..120)), 0..6)) {
        let _ = BootData::parse(&by_hand(&tags), OWN).map_err(|error| error.to_string());
    }
}
