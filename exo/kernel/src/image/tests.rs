mod fuzz;

use super::{ImageError, ImagePlan, MAX_SEGMENTS, Page, Relocation, Rights, plan};
use exo_abi::layout::{IMAGE_BASE, PHYSICAL_WINDOW, STACK_TOP};
use std::vec;
use std::vec::Vec;

const LIMIT: u64 = 1 << 20;
const EXECUTABLE: u16 = 2;
const POSITION_INDEPENDENT: u16 = 3;
const LOAD: u32 = 1;
const DYNAMIC: u32 = 2;
const READ: u32 = 4;
const WRITE: u32 = 6;
const EXECUTE: u32 = 5;

/// One program header and the bytes that it names.
#[derive(Clone)]
struct Part {
    kind: u32,
    flags: u32,
    address: u64,
    bytes: Vec<u8>,
    memory: u64,
}

fn load(flags: u32, address: u64, bytes: &[u8], memory: u64) -> Part {
    Part { kind: LOAD, flags, address, bytes: bytes.to_vec(), memory }
}

/// An ELF file of these parts, their bytes one after the other.
fn file(kind: u16, entry: u64, parts: &[Part]) -> Vec<u8> {
    let mut file = b"\x7fELF\x02\x01\x01".to_vec();
    file.resize(16, 0);
    file.extend([kind.to_le_bytes(), 62_u16.to_le_bytes()].concat());
    file.extend(1_u32.to_le_bytes());
    file.extend([entry.to_le_bytes(), 64_u64.to_le_bytes(), [0; 8]].concat());
    let count = u16::try_from(parts.len()).unwrap();
    file.extend([0, 0, 64, 56, count, 0, 0, 0].map(u16::to_le_bytes).concat());
    assert_eq!(file.len(), 64);
    let mut offset = 64 + 56 * u64::from(count);
    for part in parts {
        let size = u64::try_from(part.bytes.len()).unwrap();
        file.extend([part.kind.to_le_bytes(), part.flags.to_le_bytes()].concat());
        file.extend([offset, part.address, part.address, size, part.memory, 4096].map(u64::to_le_bytes).concat());
        offset += size;
    }
    parts.iter().for_each(|part| file.extend(&part.bytes));
    file
}

fn words(words: &[u64]) -> Vec<u8> {
    words.iter().flat_map(|word| word.to_le_bytes()).collect()
}

/// Text at 0x200, data at 0x1ff0 (with 0x30 bytes in the file, more in memory), tables behind the data.
fn independent(dynamic: &[u64], tables: &[u64]) -> Vec<u8> {
    let data = words(&[0x10, 0x20, 0x30, 0x40, 0x50, 0x60]);
    let dynamic = Part { kind: DYNAMIC, flags: READ, address: 0x8000, bytes: words(dynamic), memory: 0 };
    let tables = words(tables);
    let size = u64::try_from(tables.len()).unwrap().max(1);
    let parts = [
        load(EXECUTE, 0x200, &[0x90; 0x100], 0x100),
        load(WRITE, 0x1ff0, &data, 0x2000),
        load(READ, 0x6000, &tables, size),
        dynamic,
    ];
    file(POSITION_INDEPENDENT, 0x210, &parts)
}

fn fixed(parts: &[Part]) -> Vec<u8> {
    let mut all = vec![load(EXECUTE, 0x40_0000, &[0xf4], 1)];
    all.extend_from_slice(parts);
    file(EXECUTABLE, 0x40_0000, &all)
}

fn refusal(bytes: &[u8]) -> ImageError {
    plan(bytes, IMAGE_BASE, LIMIT).unwrap_err()
}

/// The image in memory, byte by byte, made from segments alone.
fn naive_memory(plan: &ImagePlan<'_>) -> Vec<u8> {
    let mut memory = vec![0; usize::try_from(plan.image_size()).unwrap()];
    for segment in plan.segments() {
        let at = usize::try_from(segment.start - plan.image_base()).unwrap();
        memory[at..at + segment.bytes.len()].copy_from_slice(segment.bytes);
    }
    memory
}

/// The same, made from pages as a loader would.
fn paged_memory(plan: &ImagePlan<'_>) -> Vec<u8> {
    let mut memory = vec![];
    for index in 0..plan.page_count() {
        let mut frame = vec![0; 4096];
        if let Some(Page { address, offset, bytes, .. }) = plan.page(index) {
            assert_eq!(address, plan.image_base() + index * 4096);
            frame[offset..offset + bytes.len()].copy_from_slice(bytes);
        }
        memory.extend(frame);
    }
    memory
}

#[test]
fn a_fixed_image_stays_where_it_is() {
    let bytes = fixed(&[load(WRITE, 0x40_1800, &[7; 0x900], 0x2000), load(READ, 0x40_9000, &[], 5)]);
    let plan = plan(&bytes, IMAGE_BASE, LIMIT).unwrap();
    assert_eq!((plan.entry(), plan.image_base(), plan.image_size()), (0x40_0000, 0x40_0000, 0xa000));
    let rights: Vec<_> = (0..11).map(|index| plan.page(index).map(|page| page.rights)).collect();
    let (write, execute, read) = (Some(Rights::Write), Some(Rights::Execute), Some(Rights::Read));
    assert_eq!(rights, [execute, write, write, write, None, None, None, None, None, read, None]);
    assert_eq!(plan.page(1).map(|page| (page.offset, page.bytes.len())), Some((0x800, 0x800)));
    assert_eq!(plan.page(2).map(|page| (page.offset, page.bytes.len())), Some((0, 0x100)));
    assert_eq!(plan.page(u64::MAX), None);
    assert_eq!(plan.relocations().count(), 0);
    assert_eq!(paged_memory(&plan), naive_memory(&plan));
}

#[test]
fn a_position_independent_image_moves_with_its_words() {
    // DT_RELA, DT_RELASZ, DT_RELAENT; two relative relocations and one that does nothing.
    let bytes = independent(&[7, 0x6000, 8, 72, 9, 24, 0, 0], &[0x1ff8, 8, 0x210, 0, 0, 0, 0x3fe8, 8, 0x7000]);
    for base in [IMAGE_BASE, 0x1000, STACK_TOP] {
        let plan = plan(&bytes, base, LIMIT).unwrap();
        assert_eq!((plan.entry(), plan.image_base(), plan.image_size()), (base + 0x210, base, 0x7000));
        let expected = [
            Relocation { address: base + 0x1ff8, value: base + 0x210 },
            Relocation { address: base + 0x3fe8, value: base + 0x7000 },
        ];
        assert_eq!(plan.relocations().collect::<Vec<_>>(), expected);
        assert_eq!(paged_memory(&plan), naive_memory(&plan));
    }
    assert_eq!(plan(&bytes, 0x1001, LIMIT).unwrap_err(), ImageError::Base { base: 0x1001 });
}

#[test]
fn the_lowest_page_goes_to_the_base_wherever_it_was() {
    let parts = [load(EXECUTE, 0x7fff_0000_3010, &[1; 16], 16), load(READ, 0x7fff_0000_1ff0, &[2], 1)];
    let bytes = file(POSITION_INDEPENDENT, 0x7fff_0000_3018, &parts);
    let plan = plan(&bytes, IMAGE_BASE, LIMIT).unwrap();
    assert_eq!((plan.image_base(), plan.entry(), plan.page_count()), (IMAGE_BASE, IMAGE_BASE + 0x2018, 3));
    assert_eq!(plan.segments()[0].start, IMAGE_BASE + 0xff0);
}

#[test]
fn packed_relocations_take_the_addend_from_the_file() {
    // A place, a bitmap for the words 1 and 3 after it, and one further bitmap for the 63 words behind that.
    let bitmap = 1 | 1 << 1 | 1 << 3;
    let bytes = independent(&[36, 0x6000, 35, 24, 37, 8, 0, 0], &[0x1ff0, bitmap, 1 | 1 << 1]);
    let plan = plan(&bytes, IMAGE_BASE, LIMIT).unwrap();
    let relocation =
        |address: u64, addend: u64| Relocation { address: IMAGE_BASE + address, value: IMAGE_BASE + addend };
    let far = 0x1ff8 + 63 * 8;
    let expected = [relocation(0x1ff0, 0x10), relocation(0x1ff8, 0x20), relocation(0x2008, 0x40), relocation(far, 0)];
    assert_eq!(plan.relocations().collect::<Vec<_>>(), expected);
}

#[test]
fn relocations_must_be_of_writable_words() {
    let table = |tables: &[u64]| refusal(&independent(&[7, 0x6000, 8, 24, 0, 0], tables));
    let place = |address: u64| ImageError::RelocationPlace { address: IMAGE_BASE.wrapping_add(address) };
    assert_eq!(table(&[0x208, 8, 0]), place(0x208));
    assert_eq!(table(&[0x1ffc, 8, 0]), place(0x1ffc));
    assert_eq!(table(&[0x3ff0, 8, 0]), place(0x3ff0));
    assert_eq!(table(&[0x1fe8, 8, 0]), place(0x1fe8));
    assert_eq!(table(&[u64::MAX - 7, 8, 0]), place(u64::MAX - 7));
    assert_eq!(table(&[0x1ff0, 1, 0]), ImageError::RelocationKind { kind: 1 });
    let packed = |tables: &[u64]| refusal(&independent(&[36, 0x6000, 35, 8, 0, 0], tables));
    assert_eq!(packed(&[3]), ImageError::RelocationPlace { address: 3 });
    assert_eq!(packed(&[0x200]), place(0x200));
    let section = |dynamic: &[u64]| refusal(&independent(dynamic, &[0; 3]));
    assert_eq!(section(&[1, 0]), ImageError::NeedsLibrary);
    assert_eq!(section(&[2, 24]), ImageError::RelocationTag { tag: 2 });
    assert_eq!(section(&[22, 0]), ImageError::RelocationTag { tag: 22 });
    let wrong = |address: u64| ImageError::RelocationTable { address: IMAGE_BASE.wrapping_add(address) };
    assert_eq!(section(&[7, 0x6000, 8, 48]), wrong(0x6000));
    assert_eq!(section(&[7, 0x6000, 8, 23]), wrong(0x6000));
    assert_eq!(section(&[7, 0x6000, 8, 24, 9, 16]), wrong(0x6000));
    assert_eq!(section(&[7, 0x2010, 8, 24]), wrong(0x2010));
    assert_eq!(section(&[7, u64::MAX, 8, u64::MAX - 15]), wrong(u64::MAX));
}

#[test]
fn segments_must_be_where_an_image_may_be() {
    let at = |address, memory| refusal(&fixed(&[load(READ, address, &[], memory)]));
    let place = |address, size| ImageError::SegmentPlace { address, size };
    for (address, size) in [
        (0, 1),
        (0xfff, 2),
        (0x7fff_ffff_efff, 2),
        (0x8000_0000_0000, 1),
        (PHYSICAL_WINDOW, 1),
        (STACK_TOP - 1, 1),
        (0xffff_ffff_ffff_efff, 2),
        (u64::MAX, 1),
        (u64::MAX, u64::MAX),
        (0x50_0000, u64::MAX),
    ] {
        assert_eq!(at(address, size), place(address, size));
    }
    let distant = |address| {
        plan(&file(EXECUTABLE, address, &[load(EXECUTE, address, &[], 1)]), 0, LIMIT).map(|plan| plan.page_count())
    };
    assert_eq!(distant(0x1000), Ok(1));
    assert_eq!(distant(0x7fff_ffff_efff), Ok(1));
    assert_eq!(distant(STACK_TOP), Ok(1));
    assert_eq!(distant(0xffff_ffff_ffff_efff), Ok(1));
}

#[test]
fn every_other_oddity_is_named() {
    assert_eq!(
        refusal(&fixed(&[load(7, 0x50_0000, &[], 1)])),
        ImageError::WritableAndExecutable { address: 0x50_0000 }
    );
    assert_eq!(refusal(&fixed(&[load(READ, 0x50_0000, &[1, 2], 1)])), ImageError::SegmentSize { address: 0x50_0000 });
    let shared = |address| ImageError::SegmentsShareAPage { first: 0x40_0000, second: address };
    assert_eq!(refusal(&fixed(&[load(WRITE, 0x40_0fff, &[], 2)])), shared(0x40_0fff));
    assert_eq!(refusal(&fixed(&[load(READ, 0x40_0000, &[], 1)])), shared(0x40_0000));
    assert_eq!(
        refusal(&fixed(&[load(READ, 0x4f_f000, &[], 0x1001)])),
        ImageError::TooBig { size: 0x10_1000, limit: LIMIT }
    );
    assert!(plan(&fixed(&[load(READ, 0x4f_f000, &[], 0x1000)]), IMAGE_BASE, LIMIT).is_ok());
    let many: Vec<_> = (0..16).map(|index| load(READ, 0x41_0000 + index * 0x1000, &[], 1)).collect();
    assert!(plan(&fixed(&many[..MAX_SEGMENTS - 1]), IMAGE_BASE, LIMIT).is_ok());
    assert_eq!(refusal(&fixed(&many)), ImageError::TooManySegments);
    let code = load(EXECUTE, 0x40_0000, &[1], 1);
    let entry = |address| refusal(&file(EXECUTABLE, address, &[code.clone(), load(READ, 0x40_1000, &[1], 1)]));
    assert_eq!(entry(0x40_0001), ImageError::Entry { address: 0x40_0001 });
    assert_eq!(entry(0x40_1000), ImageError::Entry { address: 0x40_1000 });
    assert_eq!(refusal(&file(EXECUTABLE, 0, &[])), ImageError::NoSegments);
    assert_eq!(refusal(&file(POSITION_INDEPENDENT, 0, &[])), ImageError::NoSegments);
    assert_eq!(refusal(&file(1, 0, &[])), ImageError::NotExecutable { kind: 1 });
    assert_eq!(refusal(&fixed(&[Part { kind: 3, ..code.clone() }])), ImageError::Interpreter);
    let good = fixed(&[]);
    let changed = |position: usize, byte: u8| {
        let mut bytes = good.clone();
        bytes[position] = byte;
        refusal(&bytes)
    };
    assert_eq!(changed(0, 0), ImageError::NotElf);
    assert_eq!(changed(4, 1), ImageError::NotX86);
    assert_eq!(changed(5, 2), ImageError::NotElf);
    assert_eq!(changed(18, 3), ImageError::NotX86);
    assert_eq!(changed(54, 32), ImageError::ProgramHeaders);
    assert_eq!(changed(56, 3), ImageError::ProgramHeaders);
    assert_eq!(changed(72, 0xff), ImageError::OutsideFile { offset: 0xff, size: 1 });
    assert_eq!(refusal(&good[..63]), ImageError::NotElf);
    assert_eq!(refusal(&[]), ImageError::NotElf);
}
