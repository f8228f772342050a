use super::cases;
use alloc::collections::BTreeSet;
use alloc::format;
use std::path::Path;

#[test]
fn every_name_is_there_once() {
    let mut names = BTreeSet::new();
    for case in cases() {
        assert!(names.insert(case.name), "{} is there twice", case.name);
    }
    assert!(names.len() >= 30);
}

#[test]
fn the_documentation_lists_every_case_with_its_outcome() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/hostile-guests.md");
    let text = std::fs::read_to_string(path).unwrap();
    let listed = text.lines().filter(|line| line.starts_with("| `")).count();
    for case in cases() {
        let row = format!("| `{}` | {} | {} |", case.name, case.outcome, case.about);
        assert!(text.contains(&row), "missing from docs/hostile-guests.md:\n{row}");
    }
    assert_eq!(listed, cases().count(), "the document lists cases that do not exist");
}
