//! Requirements, features and control words against the registers of real CPUs.

use super::{Allowed, CapabilityMsrs, FeatureControl, Features};
use crate::vmx::capability_sets::{COFFEE_LAKE, CapabilitySet, IVY_BRIDGE, SETS};
use crate::vmx::controls::{
    Choice, ControlWords, EntryControls, ExitControls, PinControls, PrimaryControls, SecondaryControls, fixed_cr0,
    fixed_cr4,
};
use std::string::ToString;

fn features(set: &CapabilitySet) -> Features {
    Features::detect(&set.capability_msrs(), &set.cpuid_summary()).unwrap()
}

fn words(set: &CapabilitySet, choice: Choice) -> ControlWords {
    ControlWords::compute(&set.capability_msrs(), &features(set), &choice).unwrap()
}

#[test]
fn ivy_bridge_has_the_required_and_lacks_the_late() {
    let features = features(&IVY_BRIDGE);
    assert!(features.ept_2m && features.ept_execute_only && features.preemption_timer && features.virtual_nmis);
    assert!(features.rdtscp && features.x2apic && features.tsc_deadline && features.unrestricted_guest);
    assert!(!features.virtualization_exceptions && !features.vmfunc_eptp_switching && !features.pml);
    assert!(!features.ept_1g && !features.ept_accessed_dirty && !features.invpcid && !features.xsaves);
    assert!(features.forced_exits.is_empty());
    let msrs = IVY_BRIDGE.capability_msrs();
    assert_eq!((msrs.vmcs_revision(), msrs.preemption_timer_shift()), (0x10, 5));
    let cpuid = IVY_BRIDGE.cpuid_summary();
    assert_eq!((cpuid.physical_address_bits, cpuid.linear_address_bits, cpuid.xsave_area_size), (36, 48, 0x340));
    assert_eq!(&cpuid.vendor, b"GenuineIntel");
    assert!(cpuid.smep && cpuid.fsgsbase && cpuid.invariant_tsc && !cpuid.smap && !cpuid.pages_1g && !cpuid.hypervisor);
}

#[test]
fn coffee_lake_has_everything_optional() {
    let features = features(&COFFEE_LAKE);
    assert!(features.virtualization_exceptions && features.vmfunc_eptp_switching && features.pml && features.ept_1g);
    assert!(features.ept_accessed_dirty && features.invpcid && features.xsaves);
    assert_eq!(COFFEE_LAKE.capability_msrs().preemption_timer_shift(), 7);
    assert_eq!(COFFEE_LAKE.cpuid_summary().physical_address_bits, 39);
}

#[test]
fn registers_that_do_not_exist_are_not_read() {
    let mut asked = std::vec::Vec::new();
    let _ = CapabilityMsrs::read(|number| {
        asked.push(number);
        IVY_BRIDGE.rdmsr(number)
    });
    assert!(asked.contains(&0x48c) && asked.contains(&0x490));
    assert!(!asked.contains(&0x491), "IA32_VMX_VMFUNC without VM functions raises #GP");
    let nothing = CapabilityMsrs::read(|_| None);
    assert_eq!(nothing, CapabilityMsrs::default());
}

#[test]
fn every_word_is_one_that_the_cpu_accepts() {
    for set in SETS {
        let msrs = set.capability_msrs();
        for preemption_timer in [false, true] {
            let words = words(set, Choice { preemption_timer });
            assert!(msrs.allowed_pin().accepts(words.pin), "{}", set.name);
            assert!(msrs.allowed_primary().accepts(words.primary), "{}", set.name);
            assert!(msrs.allowed_secondary().accepts(words.secondary), "{}", set.name);
            assert!(msrs.allowed_exit().accepts(words.exit), "{}", set.name);
            assert!(msrs.allowed_entry().accepts(words.entry), "{}", set.name);
            let pin = PinControls::from_bits_retain(words.pin);
            assert_eq!(pin.contains(PinControls::ACTIVATE_PREEMPTION_TIMER), preemption_timer);
        }
    }
}

#[test]
fn the_exit_budget_is_in_the_words() {
    for set in SETS {
        let words = words(set, Choice::default());
        let primary = PrimaryControls::from_bits_retain(words.primary);
        let never = PrimaryControls::RDTSC_EXITING
            | PrimaryControls::INVLPG_EXITING
            | PrimaryControls::CR3_LOAD_EXITING
            | PrimaryControls::CR3_STORE_EXITING
            | PrimaryControls::CR8_LOAD_EXITING
            | PrimaryControls::CR8_STORE_EXITING;
        assert!(!primary.intersects(never), "{}: {primary:?}", set.name);
        assert!(primary.contains(PrimaryControls::HLT_EXITING | PrimaryControls::USE_MSR_BITMAPS));
        let secondary = SecondaryControls::from_bits_retain(words.secondary);
        let off = SecondaryControls::EPT_VIOLATION_VE | SecondaryControls::ENABLE_VM_FUNCTIONS;
        assert!(!secondary.intersects(off) && secondary.contains(SecondaryControls::WBINVD_EXITING));
        let exit = ExitControls::from_bits_retain(words.exit);
        assert!(!exit.intersects(ExitControls::LOAD_PERF_GLOBAL_CTRL | ExitControls::SAVE_PREEMPTION_TIMER));
        assert!(!EntryControls::from_bits_retain(words.entry).contains(EntryControls::LOAD_PERF_GLOBAL_CTRL));
    }
}

#[test]
fn without_the_true_registers_the_forced_exits_are_told() {
    let mut msrs = IVY_BRIDGE.capability_msrs();
    msrs.basic &= !(1 << 55);
    let features = Features::detect(&msrs, &IVY_BRIDGE.cpuid_summary()).unwrap();
    let forced = PrimaryControls::CR3_LOAD_EXITING | PrimaryControls::CR3_STORE_EXITING;
    assert_eq!(features.forced_exits, forced);
    assert_eq!(features.describe().last(), Some(("no exit beyond the exit budget", false)));
    let words = ControlWords::compute(&msrs, &features, &Choice::default()).unwrap();
    assert!(PrimaryControls::from_bits_retain(words.primary).contains(forced));
}

type Spoil = fn(&mut CapabilityMsrs);

#[test]
fn each_missing_requirement_is_named() {
    fn off(register: &mut u64, bits: u32) {
        *register &= !(u64::from(bits) << 32);
    }
    let cases: &[(&str, Spoil)] = &[
        ("extended page tables", |m| off(&mut m.secondary, SecondaryControls::ENABLE_EPT.bits())),
        ("page walk of 4 levels", |m| m.ept_vpid &= !(1 << 6)),
        ("write-back memory (SDM A.10)", |m| m.ept_vpid &= !(1 << 14)),
        ("INVEPT", |m| m.ept_vpid &= !(1 << 25)),
        ("INVEPT", |m| m.ept_vpid &= !(1 << 26)),
        ("(VPID)", |m| off(&mut m.secondary, SecondaryControls::ENABLE_VPID.bits())),
        ("INVVPID", |m| m.ept_vpid &= !(1 << 32)),
        ("MSR bitmaps", |m| off(&mut m.true_primary, PrimaryControls::USE_MSR_BITMAPS.bits())),
        ("TPR shadow", |m| off(&mut m.true_primary, PrimaryControls::USE_TPR_SHADOW.bits())),
        ("HLT exiting", |m| off(&mut m.true_primary, PrimaryControls::HLT_EXITING.bits())),
        ("secondary", |m| off(&mut m.true_primary, PrimaryControls::ACTIVATE_SECONDARY_CONTROLS.bits())),
        ("64-bit host", |m| off(&mut m.true_exit, ExitControls::HOST_ADDRESS_SPACE_SIZE.bits())),
        ("acknowledging", |m| off(&mut m.true_exit, ExitControls::ACKNOWLEDGE_INTERRUPT_ON_EXIT.bits())),
        ("IA32_EFER on exit", |m| off(&mut m.true_exit, ExitControls::LOAD_EFER.bits())),
        ("IA32_PAT on exit", |m| off(&mut m.true_exit, ExitControls::SAVE_PAT.bits())),
        ("IA-32e", |m| off(&mut m.true_entry, EntryControls::IA32E_MODE_GUEST.bits())),
        ("external-interrupt", |m| off(&mut m.true_pin, PinControls::EXTERNAL_INTERRUPT_EXITING.bits())),
        ("NMI exiting", |m| off(&mut m.true_pin, PinControls::NMI_EXITING.bits())),
    ];
    for (name, spoil) in cases {
        let mut msrs = COFFEE_LAKE.capability_msrs();
        spoil(&mut msrs);
        let missing = Features::detect(&msrs, &COFFEE_LAKE.cpuid_summary()).unwrap_err();
        assert!(missing.to_string().contains(name), "{missing}, not {name}");
    }
}

#[test]
fn without_optional_features_there_are_still_words() {
    let mut msrs = COFFEE_LAKE.capability_msrs();
    msrs.true_pin &= !(u64::from((PinControls::VIRTUAL_NMIS | PinControls::ACTIVATE_PREEMPTION_TIMER).bits()) << 32);
    let features = Features::detect(&msrs, &COFFEE_LAKE.cpuid_summary()).unwrap();
    assert!(!features.virtual_nmis && !features.preemption_timer);
    assert!(ControlWords::compute(&msrs, &features, &Choice::default()).is_ok());
    let missing = ControlWords::compute(&msrs, &features, &Choice { preemption_timer: true }).unwrap_err();
    assert_eq!(missing.feature, "ACTIVATE_PREEMPTION_TIMER");
}

#[test]
fn no_vmx_is_said_before_anything_else() {
    let mut cpuid = IVY_BRIDGE.cpuid_summary();
    cpuid.vmx = false;
    let missing = Features::detect(&CapabilityMsrs::default(), &cpuid).unwrap_err();
    assert_eq!(missing.to_string(), "this CPU does not offer VMX (SDM 24.6), which Ravelin requires");
}

#[test]
fn the_firmware_s_lock() {
    let decide =
        |value| CapabilityMsrs { feature_control: value, ..CapabilityMsrs::default() }.feature_control_decision();
    assert_eq!(decide(Some(0x5)), FeatureControl::Usable);
    assert_eq!(decide(Some(0x2_0005)), FeatureControl::Usable);
    assert_eq!(decide(Some(0)), FeatureControl::MustEnable(5));
    assert_eq!(decide(Some(4)), FeatureControl::MustEnable(5), "VMXON raises #GP while the lock is off");
    assert_eq!(decide(Some(0x2_0000)), FeatureControl::MustEnable(0x2_0005), "other bits stay as they are");
    assert_eq!(decide(Some(1)), FeatureControl::LockedOff);
    assert_eq!(decide(Some(3)), FeatureControl::LockedOutsideSmx);
    assert_eq!(decide(None), FeatureControl::Unreadable);
}

#[test]
fn fixed_bits() {
    let msrs = IVY_BRIDGE.capability_msrs();
    assert_eq!(fixed_cr0(&msrs, 0), 0x8000_0021);
    assert_eq!(fixed_cr0(&msrs, u64::MAX), 0xffff_ffff);
    assert_eq!(fixed_cr4(&msrs, 1 << 5 | 1 << 23), 1 << 5 | 1 << 13, "CET does not exist here");
    assert_eq!(Allowed::new(0x0000_007f_0000_0016).adjust(1 << 8), 0x16, "what may not be 1 is taken out");
}
