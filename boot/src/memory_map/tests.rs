use super::{MAX_RUNS, MemoryMap, MemoryMapError};
use crate::boot_data::{MemoryRange, Range};
use exo_abi::boot_page::FrameRun;
use proptest::prelude::{Strategy, any, prop, prop_assert, prop_assert_eq, proptest};
use std::string::ToString;
use std::vec;
use std::vec::Vec;

const MEBIBYTE: u64 = 1 << 20;

fn available(start: u64, end: u64) -> MemoryRange {
    MemoryRange { range: Range { start, end }, available: true }
}

fn taken(start: u64, end: u64) -> MemoryRange {
    MemoryRange { range: Range { start, end }, available: false }
}

/// The naive model: a frame is free if each byte is available and none is in anything else. Bounds are looked at
/// one by one, so a frame's bytes need no loop: a byte range is covered if its start is and no bound is uncovered.
fn frame_is_free(frame: u64, memory: &[MemoryRange], reserved: &[Range]) -> bool {
    let (start, end) = (frame * 4096, (frame + 1) * 4096);
    let is_available = |byte: u64| {
        let within = |entry: &&MemoryRange| entry.range.start <= byte && byte < entry.range.end;
        memory.iter().filter(within).any(|entry| entry.available)
    };
    let bounds = memory.iter().map(|entry| entry.range.end).filter(|&bound| start < bound && bound < end);
    let touches = |range: &Range| (range.start.max(start)) < range.end.min(end);
    let other = memory.iter().filter(|entry| !entry.available).map(|entry| &entry.range).chain(reserved);
    [start].into_iter().chain(bounds).all(is_available) && !other.into_iter().any(touches)
}

fn numbers(runs: &[FrameRun]) -> Vec<u64> {
    runs.iter().flat_map(|run| run.first..run.first + run.count).collect()
}

#[test]
fn a_small_machine_is_divided_as_documented() {
    let memory = [available(0, 0x9f_c00), taken(0x9f_c00, MEBIBYTE), available(MEBIBYTE, 512 * MEBIBYTE)];
    let kernel = Range { start: 2 * MEBIBYTE, end: 3 * MEBIBYTE + 1 };
    let map = MemoryMap::new(&memory, [kernel]).unwrap();
    assert_eq!(*map.runs, [FrameRun { first: 256, count: 256 }, FrameRun { first: 769, count: 131_072 - 769 }]);
    assert_eq!((map.trampoline, map.frame_limit), (Some(0x10), 131_072));
    let division = map.divide().unwrap();
    assert_eq!(division.pool, FrameRun { first: 1024, count: 8192 }, "a sixteenth, rounded up to 2 MiB, at 2 MiB");
    let expected = [
        FrameRun { first: 256, count: 256 },
        FrameRun { first: 769, count: 255 },
        FrameRun { first: 9216, count: 121_856 },
    ];
    assert_eq!(*division.environments, expected);
}

#[test]
fn a_pool_without_a_large_boundary_is_better_than_none() {
    let memory = [available(MEBIBYTE + 4096, MEBIBYTE + 4096 + 8 * MEBIBYTE), available(20 * MEBIBYTE, 21 * MEBIBYTE)];
    let map = MemoryMap::new(&memory, []).unwrap();
    let division = map.divide().unwrap();
    assert_eq!(division.pool, FrameRun { first: 257, count: 2048 });
    assert_eq!(*division.environments, [FrameRun { first: 5120, count: 256 }]);
}

#[test]
fn too_little_memory_says_how_much_there_is() {
    let divide = |end| MemoryMap::new(&[available(0, end)], []).unwrap().divide();
    let error = divide(9 * MEBIBYTE).unwrap_err();
    assert_eq!(error, MemoryMapError::TooLittle { free: 2048, longest: 2048, pool: 2048 });
    assert_eq!(
        error.to_string(),
        "too little memory: 2048 frames are free, 2048 of them in one run, and the kernel needs 2048 in one run and \
         environments at least one more"
    );
    assert!(divide(9 * MEBIBYTE + 4096).is_ok());
    assert_eq!(divide(0), Err(MemoryMapError::TooLittle { free: 0, longest: 0, pool: 2048 }));
}

#[test]
fn the_trampoline_avoids_what_is_taken() {
    let trampoline = |memory: &[MemoryRange], reserved: &[Range]| {
        MemoryMap::new(memory, reserved.iter().copied()).unwrap().trampoline
    };
    let low = [available(0, 0xa_0000)];
    assert_eq!(trampoline(&low, &[]), Some(0x10));
    assert_eq!(trampoline(&low, &[Range { start: 0x1_0001, end: 0x2_0001 }]), Some(0x21));
    assert_eq!(trampoline(&[available(0, 0x1_0000)], &[]), Some(0x1), "firmware's memory is better than none");
    assert_eq!(trampoline(&[available(0, 0xfff)], &[]), None);
    assert_eq!(trampoline(&[available(0, 0xa_0000), taken(0, 0xa_0000)], &[]), None);
}

#[test]
fn too_many_pieces_are_an_error() {
    let memory = [available(MEBIBYTE, 1 << 40)];
    let hole = |index: u64| Range { start: (1 << 21) + (index << 13), end: (1 << 21) + (index << 13) + 1 };
    assert_eq!(MemoryMap::new(&memory, (0..300).map(hole)), Err(MemoryMapError::TooManyReserved));
    let map = MemoryMap::new(&memory, (0..255).map(hole)).unwrap();
    assert_eq!(map.runs.len(), MAX_RUNS);
    assert!(map.divide().is_ok());
}

/// Frame boundaries around 1 MiB and above, often a byte or two beside.
fn bound() -> impl Strategy<Value = u64> {
    (0_u64..64, 0_u64..5).prop_map(|(frame, beside)| MEBIBYTE - 4 * 4096 - 2 + frame * 4096 + beside)
}

proptest! {
    #[test]
    fn runs_are_what_the_naive_model_says(
        entries in prop::collection::vec((bound(), bound(), prop::bool::weighted(0.7)), 0..8),
        reserved in prop::collection::vec((bound(), bound()), 0..4),
    ) {
        let memory: Vec<_> = entries.iter().map(|&(start, end, available)| MemoryRange { range: Range { start, end }, available }).collect();
        let reserved: Vec<_> = reserved.iter().map(|&(start, end)| Range { start, end }).collect();
        let map = MemoryMap::new(&memory, reserved.iter().copied()).unwrap();
        let expected: Vec<u64> = (256..512).filter(|&frame| frame_is_free(frame, &memory, &reserved)).collect();
        prop_assert_eq!(numbers(&map.runs), expected);
        prop_assert!(map.runs.windows(2).all(|pair| pair[0].first + pair[0].count < pair[1].first));
    }

    #[test]
    fn a_division_loses_and_invents_nothing(
        sizes in prop::collection::vec((1_u64..6000, 1_u64..700), 1..6),
    ) {
        let mut memory = vec![];
        let mut frame = 256;
        for (count, gap) in sizes {
            memory.push(available(frame * 4096, (frame + count) * 4096));
            frame += count + gap;
        }
        let map = MemoryMap::new(&memory, []).unwrap();
        let pool = (map.free_frames() / 16).max(2048).next_multiple_of(512);
        match map.divide() {
            Ok(division) => {
                prop_assert_eq!(division.pool.count, pool);
                let mut all = numbers(&division.environments);
                prop_assert!(!all.is_empty() && all.is_sorted());
                all.extend(numbers(&[division.pool]));
                all.sort_unstable();
                prop_assert_eq!(all, numbers(&map.runs));
            }
            Err(_) => prop_assert!(map.free_frames() <= pool || map.runs.iter().all(|run| run.count < pool)),
        }
    }

    #[test]
    fn any_ranges_are_taken_or_refused(
        entries in prop::collection::vec((any::<u64>(), any::<u64>(), any::<bool>()), 0..140),
        reserved in prop::collection::vec((any::<u64>(), any::<u64>()), 0..10),
    ) {
        let memory: Vec<_> = entries.iter().map(|&(start, end, available)| MemoryRange { range: Range { start, end }, available }).collect();
        if let Ok(map) = MemoryMap::new(&memory, reserved.iter().map(|&(start, end)| Range { start, end })) {
            let _ = map.divide();
        }
    }
}
