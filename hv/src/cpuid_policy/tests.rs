//! What two real CPUs say and what a guest sees of it; and that nothing unnamed gets through.

use super::{GuestCpuid, Registers, answer, filter};
use crate::vmx::capability_sets::{CapabilitySet, IVY_BRIDGE, SETS};
use proptest::prelude::{any, proptest};

const GUEST: GuestCpuid = GuestCpuid {
    cpu_count: 1,
    apic_id: 0,
    environment: (3, 9),
    abi_version: 7,
    signature: *b"abcdefghijkl",
    xcr0: 7,
    osxsave: true,
};

const ALL: Registers = [u32::MAX; 4];

fn ask(set: &CapabilitySet, leaf: u32, subleaf: u32) -> Registers {
    answer(leaf, subleaf, &GUEST, |leaf, subleaf| set.cpuid(leaf, subleaf))
}

#[test]
fn what_a_guest_cannot_have_is_hidden_even_from_a_cpu_with_everything() {
    let [_, _, ecx, edx] = filter(1, 0, ALL, &GUEST);
    for (bit, name) in [(3, "MONITOR"), (5, "VMX"), (6, "SMX"), (15, "PDCM"), (21, "x2APIC"), (24, "TSC-deadline")] {
        assert_eq!(ecx >> bit & 1, 0, "{name}");
    }
    for (bit, name) in [(7, "MCE"), (9, "APIC"), (12, "MTRR"), (14, "MCA"), (28, "HTT")] {
        assert_eq!(edx >> bit & 1, 0, "{name}");
    }
    let [_, ebx, ecx, edx] = filter(7, 0, ALL, &GUEST);
    for (bit, name) in [(1, "TSC_ADJUST"), (2, "SGX"), (4, "HLE"), (11, "RTM"), (14, "MPX"), (25, "PT")] {
        assert_eq!(ebx >> bit & 1, 0, "{name}");
    }
    for (bit, name) in [(3, "PKU"), (4, "OSPKE"), (5, "WAITPKG"), (7, "CET_SS"), (16, "LA57"), (30, "SGX_LC")] {
        assert_eq!(ecx >> bit & 1, 0, "{name}");
    }
    for (bit, name) in [(20, "CET_IBT"), (24, "AMX"), (26, "IBRS"), (29, "ARCH_CAPABILITIES")] {
        assert_eq!(edx >> bit & 1, 0, "{name}");
    }
    for leaf in [5, 6, 0xa, 0xf, 0x10, 0x12, 0x14, 0x15, 0x16, 0x17, 0x20, 0x21, 0x4000_0002, 0x8000_0005, 0x8000_001f]
    {
        assert_eq!(filter(leaf, 0, ALL, &GUEST), [0; 4], "leaf {leaf:#x}");
    }
}

#[test]
fn the_hypervisor_s_leaves_say_who_the_guest_is() {
    let [eax, ebx, ecx, edx] = filter(0x4000_0000, 0, [0; 4], &GUEST);
    assert_eq!(eax, 0x4000_0001);
    assert_eq!([ebx, ecx, edx].map(u32::to_le_bytes).concat(), b"abcdefghijkl");
    assert_eq!(filter(0x4000_0001, 0, ALL, &GUEST), [7, 3, 9, 0]);
    assert_eq!(filter(1, 0, [0; 4], &GUEST)[2], 1 << 31 | 1 << 27);
    let without = GuestCpuid { osxsave: false, ..GUEST };
    assert_eq!(filter(1, 0, ALL, &without)[2] >> 27 & 1, 0, "OSXSAVE follows CR4 of the guest, not of the kernel");
}

#[test]
fn one_cpu_looks_like_one_cpu() {
    for set in SETS {
        assert_eq!(ask(set, 1, 0)[1] >> 16, 1, "one logical CPU, APIC id 0");
        for subleaf in 0..4 {
            let [eax, ..] = ask(set, 4, subleaf);
            let host = set.cpuid(4, subleaf)[0];
            assert_eq!(eax, host & 0x3fff, "a cache of its own, of the kind that it is");
        }
    }
    assert_eq!(filter(0xb, 0, ALL, &GUEST), [0, 1, 0x100, 0]);
    assert_eq!(filter(0xb, 1, ALL, &GUEST), [0, 1, 0x201, 0]);
    assert_eq!(filter(0x1f, 2, ALL, &GUEST), [0, 0, 2, 0]);
}

#[test]
fn several_cpus_are_cores_that_share_the_last_cache() {
    let guest = GuestCpuid { cpu_count: 6, apic_id: 5, ..GUEST };
    assert_eq!(filter(0xb, 1, ALL, &guest), [3, 6, 0x201, 5]);
    assert_eq!(filter(1, 0, [0; 4], &guest)[1], 5 << 24 | 6 << 16);
    assert_eq!(filter(1, 0, [0; 4], &guest)[3], 1 << 28);
    let [second, ..] = filter(4, 2, [0x1c00_4143, 0, 0, 0], &guest);
    let [third, ..] = filter(4, 3, [0x1c03_c163, 0, 0, 0], &guest);
    assert_eq!((second >> 14 & 0xfff, third >> 14 & 0xfff), (0, 5));
    assert_eq!((second >> 26, third >> 26), (5, 5));
}

#[test]
fn extended_state_is_what_the_kernel_switches() {
    // Coffee Lake has MPX: 0x1f and 0x440 bytes; the guest sees x87, SSE and AVX.
    let coffee_lake = [0x1f, 0x440, 0x440, 0];
    assert_eq!(filter(0xd, 0, coffee_lake, &GUEST), [7, 0x340, 0x340, 0]);
    let fresh = GuestCpuid { xcr0: 1, ..GUEST };
    assert_eq!(filter(0xd, 0, coffee_lake, &fresh), [7, 576, 0x340, 0]);
    assert_eq!(filter(0xd, 1, [0xf, 0x440, 0x100, 0], &GUEST), [5, 0, 0, 0]);
    assert_eq!(filter(0xd, 2, [0x100, 0x240, 0, 0], &GUEST), [0x100, 0x240, 0, 0]);
    assert_eq!(filter(0xd, 3, [0x40, 0x3c0, 0, 0], &GUEST), [0; 4]);
    let wide = GuestCpuid { xcr0: 0xe7, ..GUEST };
    assert_eq!(filter(0xd, 0, [0x2ff, 0xa88, 0xa88, 0], &wide), [0xe7, 0xa80, 0xa80, 0]);
}

#[test]
fn a_leaf_that_the_cpu_lacks_is_not_another_leaf_s_contents() {
    // Ivy Bridge ends at 0DH and 80000008H; asked beyond, hardware answers with the last basic leaf.
    assert_eq!(ask(&IVY_BRIDGE, 0, 0)[0], 0xd);
    assert_eq!(ask(&IVY_BRIDGE, 0x14, 0), [0; 4]);
    let bare = answer(7, 0, &GUEST, |leaf, _| if leaf == 0 { [4, 0, 0, 0] } else { ALL });
    assert_eq!(bare, [0; 4]);
}

#[test]
fn the_brand_and_the_widths_are_passed() {
    let brand = [2, 3, 4].map(|leaf| ask(&IVY_BRIDGE, 0x8000_0000 + leaf, 0)).concat();
    let brand = brand.into_iter().flat_map(u32::to_le_bytes).collect::<std::vec::Vec<u8>>();
    assert!(brand.windows(7).any(|part| part == b"i7-3770"));
    assert_eq!(ask(&IVY_BRIDGE, 0x8000_0008, 0), [0x3024, 0, 0, 0]);
    assert_eq!(filter(0x8000_0008, 0, [0x3934, 0, 0, 0], &GUEST)[0], 0x3034);
}

proptest! {
    #[test]
    fn a_guest_learns_nothing_that_the_cpu_does_not_say(
        leaf in any::<u32>(), low in 0..0x20_u32, subleaf in 0..40_u32, host in any::<[u32; 4]>(),
    ) {
        // A bit of these leaves is never on in the guest and off in the CPU, but for the two of leaf 1 ECX.
        for leaf in [leaf, low, 0x8000_0000 + low] {
            if [0, 4, 0xb, 0xd, 0x1f].contains(&leaf) || leaf >> 8 == 0x40_0000 {
                continue;
            }
            let mut seen = filter(leaf, subleaf, host, &GUEST);
            if leaf == 1 {
                seen[1] = 0;
                seen[2] &= !(1 << 31 | 1 << 27);
            }
            if leaf & 0x7fff_ffff > 0x1f {
                assert_eq!(seen, [0; 4]);
            }
            if leaf == 0x8000_0008 || leaf == 7 || leaf == 0x8000_0000 {
                seen[0] = 0; // numbers, not bits
            }
            for (seen, host) in seen.into_iter().zip(host) {
                assert_eq!(seen & !host, 0, "leaf {leaf:#x}");
            }
        }
    }
}
