//! The ways in which a run can end are told apart: passed and failed elsewhere, here a machine that hangs, one that dies, and
//! a kernel that panics.

use ravelin_tests::boot;
use std::time::Duration;
use xtask::machine::{Kind, Outcome, Spec};
use xtask::manifest::Environment;

#[test]
fn an_environment_that_never_ends_is_a_hung_run() {
    let endless = Environment { arguments: "1000000".to_owned(), ..Environment::new("witness") };
    let outcome = boot(&Spec { environments: vec![endless], timeout: Duration::from_secs(4), ..Spec::default() });
    assert_eq!((outcome.kind.code(), outcome.kind), (4, Kind::Hung));
}

/// Where the stub is loaded and entered.
const ADDRESS: u32 = 0x20_0000;

/// An ELF file for 32 bits that multiboot2 loads whole and enters at its first instruction in `code`.
fn stub_kernel(code: &[u8]) -> Vec<u8> {
    const HEADERS: u32 = 52 + 32;
    const MULTIBOOT: [u32; 6] = [0xe852_50d6, 0, 24, 0_u32.wrapping_sub(0xe852_50d6 + 24), 0, 8];
    let start = HEADERS.next_multiple_of(8);
    let length = start + 24 + u32::try_from(code.len()).expect("a stub is short");
    let halves = |halves: [u16; 2]| halves.map(u16::to_le_bytes).concat();
    let words = |words: &[u32]| words.iter().flat_map(|word| word.to_le_bytes()).collect::<Vec<u8>>();
    let mut file = b"\x7fELF\x01\x01\x01\0\0\0\0\0\0\0\0\0".to_vec();
    file.extend(halves([2, 3])); // executable, 80386
    file.extend(words(&[1, ADDRESS + start + 24, 52, 0, 0]));
    file.extend([halves([52, 32]), halves([1, 40]), halves([0, 0])].concat());
    file.extend(words(&[1, 0, ADDRESS, ADDRESS, length, length, 7, 4096]));
    file.resize(usize::try_from(start).expect("the host has 64 bits"), 0);
    file.extend(words(&MULTIBOOT));
    file.extend(code);
    file
}

fn boot_stub(name: &str, code: &[u8]) -> Outcome {
    let path = std::env::temp_dir().join(format!("ravelin-stub-{name}-{}", std::process::id()));
    std::fs::write(&path, stub_kernel(code)).expect("the temporary directory can be written");
    let environments = vec![Environment::new("hello")];
    let spec = Spec { kernel: Some(path.clone()), environments, timeout: Duration::from_secs(20), ..Spec::default() };
    let outcome = boot(&spec);
    std::fs::remove_file(path).expect("the stub is still there");
    outcome
}

#[test]
fn a_triple_fault_is_a_dead_machine() {
    // LIDT with a limit of 0 from the stack, then UD2.
    let outcome = boot_stub("triple", &[0x6a, 0, 0x6a, 0, 0x0f, 0x01, 0x1c, 0x24, 0x0f, 0x0b]);
    assert_eq!((outcome.kind.code(), outcome.kind), (3, Kind::Died(None)));
}

#[test]
fn a_panic_is_a_dead_machine_with_a_message() {
    // Writes a log line to port 0xe9, then `Shutdown` to port 0x8900, as the kernel does when it fails.
    let mut code = Vec::new();
    for &byte in b"1 cpu0 panic at=here message=\"on purpose\"\n" {
        code.extend([0xb0, byte, 0xe6, 0xe9]); // mov al, byte; out 0xe9, al
    }
    code.extend([0x66, 0xba, 0x00, 0x89]); // mov dx, 0x8900
    for &byte in b"Shutdown" {
        code.extend([0xb0, byte, 0xee]); // mov al, byte; out dx, al
    }
    code.extend([0xf4]);
    let outcome = boot_stub("panic", &code);
    assert!(matches!(&outcome.kind, Kind::Died(Some(message)) if message.contains("on purpose")), "{}", outcome.kind);
    assert_eq!(outcome.kind.code(), 3);
}
