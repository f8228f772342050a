//! Files that the manifest gives to environments.

use ravelin_tests::{boot_environments, passed, wrote};
use xtask::manifest::Environment;

/// Bytes that depend on their place, and their checksum as the guest computes it.
fn content(length: usize) -> (Vec<u8>, u64) {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    let bytes: Vec<u8> = (0..length).map(|_| next()).collect();
    let fold = |sum: u64, &byte: &u8| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    let sum = bytes.iter().fold(0xcbf2_9ce4_8422_2325, fold);
    (bytes, sum)
}

#[test]
fn a_file_arrives_whole_and_only_where_it_belongs() {
    let directory = tempfile::tempdir().unwrap();
    let (large, small) = (content((3 << 20) + 5), content(1));
    let file = |name: &str, bytes: &[u8]| {
        let path = directory.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        Some(path)
    };
    let environment = |name: &str, data| Environment { name: name.to_owned(), data, ..Environment::new("data") };
    let outcome = boot_environments(&[
        environment("large one", file("large", &large.0)),
        environment("none", None),
        environment("small", file("small", &small.0)),
    ]);
    passed(&outcome);
    // 4 MiB of memory, and the file's frames.
    let lines = [
        "1793 frames are mine".to_owned(),
        format!("{} bytes, checksum {:#018x}, then zeros: true", large.0.len(), large.1),
        "384 frames came back after a half, 769 in all".to_owned(),
        "a second time: none".to_owned(),
    ];
    wrote(&outcome, "large one", &lines.each_ref().map(String::as_str));
    wrote(&outcome, "none", &["1024 frames are mine", "no data"]);
    let line = format!("1 bytes, checksum {:#018x}, then zeros: true", small.1);
    wrote(&outcome, "small", &["1025 frames are mine", &line, "0 frames came back after a half, 1 in all"]);
}
