//! Machines that Ravelin cannot use: it must say so, name what is missing, start nothing and end in order.

use ravelin_tests::boot;
use xtask::machine::{Emulator, Firmware, Kind, Spec};
use xtask::manifest::Environment;

fn refused_without_vmx(firmware: Firmware) {
    let environments = vec![Environment::new("hello")];
    let outcome = boot(&Spec { emulator: Emulator::Qemu, firmware, environments, ..Spec::default() });
    assert!(matches!(outcome.kind, Kind::Failed(_)), "{}", outcome.kind);
    let reason = outcome.report.refused().unwrap_or_default();
    assert!(reason.contains("VMX"), "{reason}");
    assert!(outcome.consoles.is_empty(), "something was started");
}

#[test]
fn no_vmx_under_a_bios() {
    refused_without_vmx(Firmware::Bios);
}

#[test]
fn no_vmx_under_uefi() {
    refused_without_vmx(Firmware::Uefi);
}
