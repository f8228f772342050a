//! Machines and boot data that Ravelin cannot use: it must say so, name what is wrong and start nothing.

use ravelin_tests::{boot, boot_environments};
use std::time::Duration;
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

#[test]
fn a_bad_kernel_command_line_is_refused_by_name() {
    let environments = vec![Environment::new("hello")];
    let kernel_arguments = "colour=red".to_owned();
    // A kernel that does not understand its command line may not know yet how to end the machine.
    let timeout = Duration::from_secs(8);
    let outcome = boot(&Spec { emulator: Emulator::Qemu, environments, kernel_arguments, timeout, ..Spec::default() });
    let reason = outcome.report.refused().unwrap_or_default();
    assert!(reason.contains("colour"), "{reason}");
}

#[test]
fn a_bad_module_line_is_refused_by_name() {
    let outcome = boot_environments(&[Environment::new("hello"), Environment::new("hello")]);
    assert!(matches!(outcome.kind, Kind::Failed(_)), "{}", outcome.kind);
    let reason = outcome.report.refused().unwrap_or_default();
    assert!(reason.contains("hello"), "{reason}");
    assert!(outcome.consoles.is_empty(), "something was started");
}
