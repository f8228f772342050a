//! Machines and boot data that Ravelin cannot use: it must say so, name what is wrong and start nothing.

use ravelin_tests::boot;
use xtask::machine::{Emulator, Firmware, Kind, Spec};
use xtask::manifest::Environment;

fn refused_without_vmx(firmware: Firmware) {
    let environments = vec![Environment::new("hello")];
    refused(&Spec { emulator: Emulator::Qemu, firmware, environments, ..Spec::default() }, "VMX");
}

#[test]
fn no_vmx_under_a_bios() {
    refused_without_vmx(Firmware::Bios);
}

#[test]
fn no_vmx_under_uefi() {
    refused_without_vmx(Firmware::Uefi);
}

fn refused(spec: &Spec, word: &str) {
    let outcome = boot(spec);
    assert!(matches!(outcome.kind, Kind::Failed(_)), "{}", outcome.kind);
    let reason = outcome.report.refused().unwrap_or_default();
    assert!(reason.contains(word), "{reason}");
    assert!(outcome.consoles.is_empty(), "something was started");
}

#[test]
fn a_bad_kernel_command_line_is_refused_by_name() {
    let environments = vec![Environment::new("hello")];
    refused(&Spec { environments, kernel_arguments: "colour=red".to_owned(), ..Spec::default() }, "colour");
}

#[test]
fn too_little_memory_is_refused_with_numbers() {
    let environments = vec![Environment::new("hello")];
    refused(&Spec { environments, memory: 8, ..Spec::default() }, "too little memory");
}

#[test]
fn an_environment_larger_than_the_machine_is_refused() {
    let environments = vec![Environment { memory: 4096, ..Environment::new("hello") }];
    refused(&Spec { environments, ..Spec::default() }, "more memory is guaranteed than the machine has");
}

#[test]
fn a_cpu_that_is_not_there_is_refused() {
    let environments = vec![Environment { cpu: 3, ..Environment::new("hello") }];
    refused(&Spec { environments, ..Spec::default() }, "no CPU of that number");
}

#[test]
fn nothing_to_run_is_refused() {
    refused(&Spec { environments: Vec::new(), ..Spec::default() }, "no modules");
}

#[test]
fn a_bad_module_line_is_refused_by_name() {
    let environments = vec![Environment::new("hello"), Environment::new("hello")];
    refused(&Spec { environments, ..Spec::default() }, "hello");
}

#[test]
fn a_file_that_is_no_image_is_refused() {
    let path = std::env::temp_dir().join(format!("ravelin-no-image-{}", std::process::id()));
    std::fs::write(&path, "a shopping list, and no ELF file").unwrap();
    let environments = vec![Environment::new(path.to_str().unwrap())];
    let named = environments.into_iter().map(|environment| Environment { name: "list".to_owned(), ..environment });
    refused(&Spec { environments: named.collect(), ..Spec::default() }, "not an ELF file");
    std::fs::remove_file(path).unwrap();
}
