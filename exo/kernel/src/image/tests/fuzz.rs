//! Changed, cut and random images: each is loadable as it stands, or refused.

use super::{ImagePlan, LIMIT, Part, Relocation, Rights, file, independent, naive_memory, paged_memory, plan};
use exo_abi::layout::IMAGE_BASE;
use proptest::prelude::{any, prop, prop_assert, prop_assert_eq, prop_assume, proptest};
use std::string::ToString;
use std::vec;
use std::vec::Vec;

/// What a loader relies on without looking again.
fn assert_loadable(plan: &ImagePlan<'_>, limit: u64) {
    assert!(plan.image_size() <= limit && plan.page_count() > 0);
    assert!(plan.segments().windows(2).all(|pair| pair[0].end <= pair[1].start));
    assert_eq!(paged_memory(plan), naive_memory(plan));
    let rights = |address: u64| plan.page((address - plan.image_base()) / 4096).map(|page| page.rights);
    assert_eq!(rights(plan.entry()), Some(Rights::Execute));
    for Relocation { address, .. } in plan.relocations() {
        assert_eq!((rights(address), address % 8), (Some(Rights::Write), 0));
    }
}

proptest! {
    #[test]
    fn garbage_is_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(plan(&bytes, IMAGE_BASE, LIMIT).is_err());
    }

    #[test]
    fn changed_images_are_loadable_or_refused(
        which in any::<bool>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6),
        base in any::<u64>(),
    ) {
        let dynamic = if which { [7, 0x6000, 8, 48, 9, 24, 0, 0] } else { [36, 0x6000, 35, 48, 37, 8, 0, 0] };
        let tables = if which { [0x1ff8, 8, 0x210, 0x3fe8, 8, 0x7000] } else { [0x1ff0, 11, 0x2020, 0xff, 3, 0x2028] };
        let mut bytes = independent(&dynamic, &tables);
        for (index, byte) in changes {
            let position = index.index(bytes.len());
            bytes[position] = byte;
        }
        for base in [IMAGE_BASE, base / 4096 * 4096] {
            match plan(&bytes, base, LIMIT) {
                Ok(plan) => assert_loadable(&plan, LIMIT),
                Err(error) => prop_assert!(!error.to_string().is_empty()),
            }
        }
    }

    #[test]
    fn any_headers_are_loadable_or_refused(
        kind in 2_u16..4,
        entry in 0_u64..0x8000,
        parts in prop::collection::vec((0_u32..4, 0_u32..8, any::<u16>(), 0_usize..0x1800, 0_u64..0x2000), 0..6),
    ) {
        let part = |&(kind, flags, address, size, memory): &(u32, u32, u16, usize, u64)| {
            Part { kind, flags, address: address.into(), bytes: vec![0x55; size], memory }
        };
        let parts: Vec<_> = parts.iter().map(part).collect();
        if let Ok(plan) = plan(&file(kind, entry, &parts), IMAGE_BASE, LIMIT) {
            assert_loadable(&plan, LIMIT);
        }
    }

    #[test]
    fn cut_images_are_refused(cut in any::<prop::sample::Index>()) {
        let bytes = independent(&[7, 0x6000, 8, 48, 9, 24, 0, 0], &[0x1ff8, 8, 0x210, 0x3fe8, 8, 0x7000]);
        let cut = cut.index(bytes.len());
        prop_assert!(plan(&bytes[..cut], IMAGE_BASE, LIMIT).is_err());
    }

    #[test]
    fn packed_tables_agree_with_a_naive_reading(entries in prop::collection::vec(any::<u64>(), 1..6)) {
        // Keep places in the data and bitmaps small, so that most tables are accepted.
        let entries: Vec<u64> = entries.iter().map(|&entry| match entry % 3 {
            0 => 0x1ff0 + entry / 3 % 0x80 * 8,
            _ => (entry >> 32) | 1,
        }).collect();
        let mut expected = vec![];
        let mut next = None;
        for &entry in &entries {
            if entry % 2 == 0 {
                expected.push(entry);
                next = Some(entry + 8);
            } else {
                prop_assume!(next.is_some());
                let base = next.unwrap_or(0);
                expected.extend((1..64_u64).filter(|bit| entry >> bit & 1 == 1).map(|bit| base + (bit - 1) * 8));
                next = Some(base + 63 * 8);
            }
        }
        let size = u64::try_from(entries.len()).unwrap() * 8;
        let bytes = independent(&[36, 0x6000, 35, size, 0, 0], &entries);
        let plan = plan(&bytes, IMAGE_BASE, LIMIT).unwrap();
        let places: Vec<_> = plan.relocations().map(|relocation| relocation.address - IMAGE_BASE).collect();
        prop_assert_eq!(places, expected);
    }
}
