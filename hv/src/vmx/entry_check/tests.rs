//! A VMCS as the kernel fills it keeps every rule; each single field that is spoiled is named.

use super::check;
use crate::vmx::capability::{CapabilityMsrs, Features};
use crate::vmx::capability_sets::{COFFEE_LAKE, CapabilitySet, IVY_BRIDGE, SETS};
use crate::vmx::controls::{Choice, ControlWords, ExitControls, PrimaryControls, SecondaryControls};
use crate::vmx::fields::{self, ALL, Field};
use proptest::prelude::{any, proptest};
use std::collections::BTreeMap;
use std::vec::Vec;

type Vmcs = BTreeMap<u32, u64>;

const GUEST_CR4: u64 = 1 << 5 | 1 << 9 | 1 << 13;
const KERNEL: u64 = 0xffff_8000_0010_0000;
const PAT: u64 = 0x0007_0406_0007_0406;
const EFER: u64 = 0xd01;

fn good(set: &CapabilitySet) -> (Vmcs, CapabilityMsrs) {
    let msrs = set.capability_msrs();
    let features = Features::detect(&msrs, &set.cpuid_summary()).unwrap();
    let words = ControlWords::compute(&msrs, &features, &Choice { preemption_timer: true }).unwrap();
    let mut vmcs = Vmcs::new();
    fn put<W>(vmcs: &mut Vmcs, field: Field<W>, value: u64) {
        vmcs.insert(field.encoding(), value);
    }
    let v = &mut vmcs;
    put(v, fields::PIN_BASED_CONTROLS, words.pin.into());
    put(v, fields::PRIMARY_PROCESSOR_BASED_CONTROLS, words.primary.into());
    put(v, fields::SECONDARY_PROCESSOR_BASED_CONTROLS, words.secondary.into());
    put(v, fields::VM_EXIT_CONTROLS, words.exit.into());
    put(v, fields::VM_ENTRY_CONTROLS, words.entry.into());
    put(v, fields::MSR_BITMAP_ADDRESS, 0x10_0000);
    put(v, fields::VIRTUAL_APIC_ADDRESS, 0x10_1000);
    put(v, fields::EPT_POINTER, 0x10_2000 | 3 << 3 | 6);
    put(v, fields::VIRTUAL_PROCESSOR_IDENTIFIER, 1);
    put(v, fields::HOST_CR0, 0x8001_0033);
    put(v, fields::HOST_CR3, 0x20_0000);
    put(v, fields::HOST_CR4, GUEST_CR4);
    put(v, fields::HOST_CS_SELECTOR, 8);
    for selector in [fields::HOST_SS_SELECTOR, fields::HOST_DS_SELECTOR, fields::HOST_ES_SELECTOR] {
        put(v, selector, 16);
    }
    put(v, fields::HOST_TR_SELECTOR, 24);
    for base in [fields::HOST_GS_BASE, fields::HOST_TR_BASE, fields::HOST_GDTR_BASE, fields::HOST_IDTR_BASE] {
        put(v, base, KERNEL);
    }
    put(v, fields::HOST_RIP, KERNEL);
    put(v, fields::HOST_RSP, KERNEL);
    put(v, fields::HOST_IA32_PAT, PAT);
    put(v, fields::HOST_IA32_EFER, EFER);
    put(v, fields::GUEST_CR0, 0x8001_0033);
    put(v, fields::GUEST_CR3, 0x30_0000);
    put(v, fields::GUEST_CR4, GUEST_CR4);
    put(v, fields::GUEST_DR7, 0x400);
    put(v, fields::GUEST_RIP, 0x40_0000);
    put(v, fields::GUEST_RFLAGS, 0x202);
    put(v, fields::GUEST_CS_SELECTOR, 8);
    put(v, fields::GUEST_CS_LIMIT, 0xffff_ffff);
    put(v, fields::GUEST_CS_ACCESS_RIGHTS, 0xa09b);
    for (selector, limit, rights) in [
        (fields::GUEST_SS_SELECTOR, fields::GUEST_SS_LIMIT, fields::GUEST_SS_ACCESS_RIGHTS),
        (fields::GUEST_DS_SELECTOR, fields::GUEST_DS_LIMIT, fields::GUEST_DS_ACCESS_RIGHTS),
        (fields::GUEST_ES_SELECTOR, fields::GUEST_ES_LIMIT, fields::GUEST_ES_ACCESS_RIGHTS),
        (fields::GUEST_FS_SELECTOR, fields::GUEST_FS_LIMIT, fields::GUEST_FS_ACCESS_RIGHTS),
        (fields::GUEST_GS_SELECTOR, fields::GUEST_GS_LIMIT, fields::GUEST_GS_ACCESS_RIGHTS),
    ] {
        put(v, selector, 16);
        put(v, limit, 0xffff_ffff);
        put(v, rights, 0xc093);
    }
    put(v, fields::GUEST_LDTR_ACCESS_RIGHTS, 1 << 16);
    put(v, fields::GUEST_TR_ACCESS_RIGHTS, 0x8b);
    put(v, fields::GUEST_IA32_PAT, PAT);
    put(v, fields::GUEST_IA32_EFER, EFER);
    put(v, fields::VMCS_LINK_POINTER, u64::MAX);
    (vmcs, msrs)
}

fn broken(vmcs: &Vmcs, msrs: &CapabilityMsrs) -> Vec<&'static str> {
    let mut names = Vec::new();
    let read = |encoding: u32| vmcs.get(&encoding).copied().unwrap_or(0);
    check(&read, msrs, |violation| names.push(violation.name));
    names
}

#[test]
fn a_vmcs_as_the_kernel_fills_it_keeps_every_rule() {
    for set in SETS {
        let (vmcs, msrs) = good(set);
        assert_eq!(broken(&vmcs, &msrs), [""; 0], "{}", set.name);
    }
}

/// A field, what it is set to, and the rule that must be named.
fn spoiled() -> Vec<(u32, u64, &'static str)> {
    let non_canonical = 1 << 47;
    let injected = fields::VM_ENTRY_INTERRUPTION_INFORMATION.encoding();
    let interruptibility = fields::GUEST_INTERRUPTIBILITY_STATE.encoding();
    std::vec![
        (fields::PIN_BASED_CONTROLS.encoding(), 0, "pin-based controls are ones"),
        (fields::PRIMARY_PROCESSOR_BASED_CONTROLS.encoding(), 0, "primary controls are ones"),
        (fields::SECONDARY_PROCESSOR_BASED_CONTROLS.encoding(), 1 << 25 | 2, "secondary controls are ones"),
        (fields::VM_EXIT_CONTROLS.encoding(), 0, "VM-exit controls are ones"),
        (fields::VM_EXIT_CONTROLS.encoding(), 0x0003_6dfb & !(1 << 9), "host is in 64-bit mode"),
        (fields::VM_ENTRY_CONTROLS.encoding(), 0, "VM-entry controls are ones"),
        (fields::VM_ENTRY_CONTROLS.encoding(), 0x11fb | 1 << 9 | 1 << 10, "system-management mode"),
        (fields::CR3_TARGET_COUNT.encoding(), 5, "CR3-target count"),
        (fields::MSR_BITMAP_ADDRESS.encoding(), 0x10_0008, "MSR bitmap"),
        (fields::VIRTUAL_APIC_ADDRESS.encoding(), 1 << 52, "virtual-APIC page"),
        (fields::TPR_THRESHOLD.encoding(), 16, "TPR threshold"),
        (fields::VIRTUAL_PROCESSOR_IDENTIFIER.encoding(), 0, "VPID is not 0"),
        (fields::EPT_POINTER.encoding(), 0x10_2000 | 3 << 3 | 4, "memory type"),
        (fields::EPT_POINTER.encoding(), 0x10_2000 | 2 << 3 | 6, "walk of 4 levels"),
        (fields::EPT_POINTER.encoding(), 0x10_2000 | 3 << 3 | 6 | 1 << 7, "EPT pointer's reserved"),
        (injected, 1 << 31 | 1 << 8, "kind that exists"),
        (injected, 1 << 31 | 3 << 8 | 6 | 1 << 12, "event's reserved bits"),
        (injected, 1 << 31 | 2 << 8 | 3, "vector fits its kind"),
        (injected, 1 << 31 | 3 << 8 | 32, "vector fits its kind"),
        (injected, 1 << 31 | 3 << 8 | 13, "error code exactly where"),
        (injected, 1 << 31 | 3 << 8 | 6 | 1 << 11, "error code exactly where"),
        (fields::HOST_CR0.encoding(), 0x33, "host CR0"),
        (fields::HOST_CR4.encoding(), 1 << 5, "host CR4 has the fixed"),
        (fields::HOST_CR4.encoding(), 1 << 13, "host CR4 has PAE"),
        (fields::HOST_CR3.encoding(), 1 << 52, "host CR3"),
        (fields::HOST_IA32_PAT.encoding(), 2, "host PAT"),
        (fields::HOST_IA32_EFER.encoding(), EFER | 2, "host EFER's reserved"),
        (fields::HOST_IA32_EFER.encoding(), 0x901, "host EFER's LME"),
        (fields::HOST_CS_SELECTOR.encoding(), 0, "host CS selector is not null"),
        (fields::HOST_TR_SELECTOR.encoding(), 0, "host TR selector is not null"),
        (fields::HOST_CS_SELECTOR.encoding(), 0xb, "host CS selector has RPL"),
        (fields::HOST_GS_SELECTOR.encoding(), 0x14, "host GS selector has RPL"),
        (fields::HOST_GS_BASE.encoding(), non_canonical, "host GS base"),
        (fields::HOST_TR_BASE.encoding(), non_canonical, "host TR base"),
        (fields::HOST_RIP.encoding(), non_canonical, "host RIP"),
        (fields::GUEST_CR0.encoding(), 0x33, "guest CR0 has the fixed"),
        (fields::GUEST_CR0.encoding(), 1 << 32 | 0x8001_0033, "guest CR0 has the fixed"),
        (fields::GUEST_CR4.encoding(), 1 << 13, "PG and PAE"),
        (fields::GUEST_CR4.encoding(), GUEST_CR4 | 1 << 23, "guest CR4"),
        (fields::GUEST_CR3.encoding(), 1 << 63, "guest CR3"),
        (fields::GUEST_DR7.encoding(), 1 << 32, "DR7"),
        (fields::GUEST_IA32_DEBUGCTL.encoding(), 1 << 2, "DEBUGCTL"),
        (fields::GUEST_IA32_SYSENTER_EIP.encoding(), non_canonical, "guest SYSENTER_EIP"),
        (fields::GUEST_IA32_PAT.encoding(), 3 << 56, "guest PAT"),
        (fields::GUEST_IA32_EFER.encoding(), 0x101, "guest EFER's LMA"),
        (fields::GUEST_IA32_EFER.encoding(), 0x401, "guest EFER's LMA"),
        (fields::GUEST_IA32_EFER.encoding(), EFER | 1 << 12, "guest EFER's reserved"),
        (fields::GUEST_GDTR_BASE.encoding(), non_canonical, "guest GDTR base"),
        (fields::GUEST_IDTR_LIMIT.encoding(), 0x1_0000, "guest IDTR limit"),
        (fields::GUEST_RIP.encoding(), non_canonical, "guest RIP"),
        (fields::GUEST_RFLAGS.encoding(), 0x200, "bit 1 is 1"),
        (fields::GUEST_RFLAGS.encoding(), 1 << 22 | 2, "RFLAGS' reserved"),
        (fields::GUEST_RFLAGS.encoding(), 0x8002, "RFLAGS' reserved"),
        (fields::GUEST_RFLAGS.encoding(), 1 << 17 | 2, "RFLAGS.VM"),
        (fields::GUEST_ACTIVITY_STATE.encoding(), 4, "activity state is one"),
        (interruptibility, 1 << 5, "interruptibility's reserved"),
        (interruptibility, 3, "both STI and MOV SS"),
        (interruptibility, 1 << 2, "blocked by SMI"),
        (fields::GUEST_PENDING_DEBUG_EXCEPTIONS.encoding(), 1 << 13, "pending debug"),
        (fields::VMCS_LINK_POINTER.encoding(), 8, "link pointer"),
        (fields::GUEST_CS_ACCESS_RIGHTS.encoding(), 0xa09a, "guest CS is accessed code"),
        (fields::GUEST_CS_ACCESS_RIGHTS.encoding(), 0xa01b, "guest CS is usable"),
        (fields::GUEST_CS_ACCESS_RIGHTS.encoding(), 0xe09b, "both 64-bit and 32-bit"),
        (fields::GUEST_CS_ACCESS_RIGHTS.encoding(), 0xa0fb, "privilege of SS"),
        (fields::GUEST_CS_LIMIT.encoding(), 0xffff_f000, "guest CS is usable"),
        (fields::GUEST_CS_BASE.encoding(), 1 << 32, "guest CS base"),
        (fields::GUEST_SS_SELECTOR.encoding(), 0x13, "RPL of CS"),
        (fields::GUEST_SS_ACCESS_RIGHTS.encoding(), 0xc091, "writable data"),
        (fields::GUEST_SS_ACCESS_RIGHTS.encoding(), 0xc0f3, "privilege of its selector"),
        (fields::GUEST_DS_ACCESS_RIGHTS.encoding(), 0xc092, "guest DS is a data segment"),
        (fields::GUEST_ES_SELECTOR.encoding(), 0x13, "guest ES is a data segment"),
        (fields::GUEST_FS_BASE.encoding(), non_canonical, "guest FS base"),
        (fields::GUEST_TR_ACCESS_RIGHTS.encoding(), 0x89, "busy task"),
        (fields::GUEST_TR_ACCESS_RIGHTS.encoding(), 1 << 16 | 0x8b, "guest TR is usable"),
        (fields::GUEST_TR_SELECTOR.encoding(), 4, "TR selector is of the GDT"),
        (fields::GUEST_LDTR_ACCESS_RIGHTS.encoding(), 0x83, "local descriptor table"),
    ]
}

#[test]
fn each_field_that_is_spoiled_is_named() {
    for (encoding, value, rule) in spoiled() {
        let (mut vmcs, msrs) = good(&COFFEE_LAKE);
        vmcs.insert(encoding, value);
        let names = broken(&vmcs, &msrs);
        assert!(names.iter().any(|name| name.contains(rule)), "{rule}: {encoding:#x} = {value:#x} gives {names:?}");
    }
}

#[test]
fn rules_that_need_two_fields() {
    let cases: &[(&[(u32, u64)], &str)] = &[
        (
            &[
                (fields::GUEST_RFLAGS.encoding(), 2),
                (fields::VM_ENTRY_INTERRUPTION_INFORMATION.encoding(), 1 << 31 | 0x20),
            ],
            "an injected interrupt needs RFLAGS.IF",
        ),
        (
            &[
                (fields::GUEST_INTERRUPTIBILITY_STATE.encoding(), 1),
                (fields::VM_ENTRY_INTERRUPTION_INFORMATION.encoding(), 1 << 31 | 0x20),
            ],
            "an injected interrupt is not blocked",
        ),
        (
            &[
                (fields::GUEST_INTERRUPTIBILITY_STATE.encoding(), 8),
                (fields::VM_ENTRY_INTERRUPTION_INFORMATION.encoding(), 1 << 31 | 2 << 8 | 2),
            ],
            "an injected NMI is not blocked by NMI",
        ),
        (
            &[(fields::GUEST_ACTIVITY_STATE.encoding(), 1), (fields::GUEST_INTERRUPTIBILITY_STATE.encoding(), 1)],
            "is active",
        ),
        (
            &[(fields::GUEST_RFLAGS.encoding(), 0x302), (fields::GUEST_INTERRUPTIBILITY_STATE.encoding(), 1)],
            "single-step",
        ),
        (
            &[(fields::VM_ENTRY_MSR_LOAD_COUNT.encoding(), 1), (fields::VM_ENTRY_MSR_LOAD_ADDRESS.encoding(), 8)],
            "VM-entry MSR-load list",
        ),
        (
            &[
                (fields::VM_ENTRY_INTERRUPTION_INFORMATION.encoding(), 1 << 31 | 3 << 8 | 13 | 1 << 11),
                (fields::VM_ENTRY_EXCEPTION_ERROR_CODE.encoding(), 1 << 16),
            ],
            "16 bits",
        ),
        (
            &[
                (fields::VM_ENTRY_INTERRUPTION_INFORMATION.encoding(), 1 << 31 | 4 << 8 | 0x80),
                (fields::VM_ENTRY_INSTRUCTION_LENGTH.encoding(), 16),
            ],
            "instruction length",
        ),
    ];
    for (changes, rule) in cases {
        let (mut vmcs, msrs) = good(&COFFEE_LAKE);
        vmcs.extend(changes.iter().copied());
        let names = broken(&vmcs, &msrs);
        assert!(names.iter().any(|name| name.contains(rule)), "{rule}: {names:?}");
    }
}

#[test]
fn a_software_event_of_no_length_depends_on_the_cpu() {
    for (set, accepted) in [(&IVY_BRIDGE, false), (&COFFEE_LAKE, true)] {
        let (mut vmcs, msrs) = good(set);
        vmcs.insert(fields::VM_ENTRY_INTERRUPTION_INFORMATION.encoding(), 1 << 31 | 4 << 8 | 0x80);
        assert_eq!(broken(&vmcs, &msrs).is_empty(), accepted, "{}", set.name);
    }
}

#[test]
fn rules_of_features_that_are_off_do_not_count() {
    let (mut vmcs, msrs) = good(&COFFEE_LAKE);
    vmcs.insert(fields::PML_ADDRESS.encoding(), 1);
    vmcs.insert(fields::EPTP_LIST_ADDRESS.encoding(), 1);
    vmcs.insert(fields::IO_BITMAP_A_ADDRESS.encoding(), 1);
    assert!(broken(&vmcs, &msrs).is_empty());
    let secondary = fields::SECONDARY_PROCESSOR_BASED_CONTROLS.encoding();
    let features = SecondaryControls::ENABLE_PML | SecondaryControls::ENABLE_VM_FUNCTIONS;
    vmcs.insert(secondary, vmcs[&secondary] | u64::from(features.bits()));
    vmcs.insert(fields::VM_FUNCTION_CONTROLS.encoding(), 1);
    let primary = fields::PRIMARY_PROCESSOR_BASED_CONTROLS.encoding();
    vmcs.insert(primary, vmcs[&primary] | u64::from(PrimaryControls::USE_IO_BITMAPS.bits()));
    assert_eq!(
        broken(&vmcs, &msrs),
        [
            "I/O bitmaps are at page addresses",
            "page-modification log is at a page address",
            "EPTP list is at a page address and needs EPT",
        ]
    );
    // On a CPU without the feature the control itself is the fault.
    vmcs.insert(fields::VM_EXIT_CONTROLS.encoding(), u64::from(ExitControls::LOAD_CET_STATE.bits()) | 0x0003_6dfb);
    assert!(broken(&vmcs, &msrs).iter().any(|name| name.contains("VM-exit controls are ones")));
}

proptest! {
    #[test]
    fn whatever_the_fields_hold_there_is_an_answer(values in any::<[u64; 8]>(), seed in any::<u64>()) {
        let (_, msrs) = good(&COFFEE_LAKE);
        let vmcs = ALL.iter().zip(0_u64..).map(|(field, place)| {
            let value = values[usize::from((place ^ seed).to_le_bytes()[0] & 7)].rotate_left(u32::from(place.to_le_bytes()[0]));
            (field.encoding, value)
        });
        let _ = broken(&vmcs.collect(), &msrs);
    }
}
