use super::{Addition, Entries, Root, add::Source};
use crate::cpio::{Entry, kind};
use std::ffi::OsStr;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::PathBuf;

fn put(entries: &mut Entries, text: &str) -> Result<(), String> {
    Addition::parse(OsStr::new(text)).put(entries).map_err(|error| format!("{error:#}"))
}

fn names(entries: &Entries) -> Vec<String> {
    entries.keys().map(|name| String::from_utf8_lossy(name).into_owned()).collect()
}

#[test]
fn a_host_path_and_a_guest_path_are_told_apart() {
    let directory = tempfile::tempdir().unwrap();
    let colon = directory.path().join("a:b");
    let parse = |text: &str| Addition::parse(OsStr::new(text));
    let host = |path: &str| Source::Host(PathBuf::from(path));
    assert_eq!(parse("prog"), Addition { source: host("prog"), guest: None });
    assert_eq!(parse("prog:/bin/p"), Addition { source: host("prog"), guest: Some("/bin/p".into()) });
    assert_eq!(parse(colon.to_str().unwrap()).guest, Some("b".into()), "there is no such file yet");
    std::fs::write(&colon, b"").unwrap();
    assert_eq!(parse(colon.to_str().unwrap()).guest, None);
    assert_eq!(parse(&format!("{}:c:d", colon.display())).source, host(&format!("{}:c", colon.display())));
}

#[test]
fn files_go_where_they_are_said_to() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("prog");
    std::fs::write(&file, b"#!/bin/sh\n").unwrap();
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o751)).unwrap();
    let file = file.display();
    let cases = [
        ("", "root/prog"),
        (":other", "root/other"),
        (":sub/", "root/sub/prog"),
        (":/bin/ls", "bin/ls"),
        (":/opt/x//y/", "opt/x/y/prog"),
        (":./p", "root/p"),
    ];
    for (guest, name) in cases {
        let mut entries = Entries::new();
        put(&mut entries, &format!("{file}{guest}")).unwrap();
        let entry = &entries[name.as_bytes()];
        assert_eq!((entry.mode, &entry.content[..]), (kind::REGULAR_FILE | 0o751, &b"#!/bin/sh\n"[..]), "{guest}");
        assert!(entry.modified > 1_000_000_000);
    }
}

#[test]
fn a_tree_keeps_links_and_permissions() {
    let directory = tempfile::tempdir().unwrap();
    let tree = directory.path().join("tree");
    std::fs::create_dir_all(tree.join("sub/empty")).unwrap();
    std::fs::write(tree.join("sub/file"), b"1").unwrap();
    symlink("../nowhere", tree.join("sub/link")).unwrap();
    symlink("tree", directory.path().join("alias")).unwrap();
    let mut entries = Entries::new();
    put(&mut entries, &tree.display().to_string()).unwrap();
    put(&mut entries, &format!("{}:/copy", directory.path().join("alias").display())).unwrap();
    let below = ["", "/sub", "/sub/empty", "/sub/file", "/sub/link"];
    let mut expected: Vec<String> = below.iter().map(|name| format!("copy{name}")).collect();
    expected.push("root".to_owned());
    expected.extend(below.iter().map(|name| format!("root/tree{name}")));
    assert_eq!(names(&entries), expected);
    assert_eq!(
        entries[&b"copy/sub/link"[..]],
        Entry { modified: entries[&b"copy/sub/link"[..]].modified, ..Entry::link("../nowhere") }
    );
    let mut whole = Entries::new();
    put(&mut whole, &format!("{}/:/", tree.display())).unwrap();
    assert_eq!(names(&whole)[0], "tree");
}

#[test]
fn what_cannot_be_added_is_refused_by_name() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("file");
    std::fs::write(&file, b"1").unwrap();
    let here = directory.path().display();
    let mut entries = Entries::from([(b"bin".to_vec(), Entry::directory(0o755)), (b"etc".to_vec(), Entry::link("x"))]);
    let mut refused = |text: &str| put(&mut entries, text).unwrap_err();
    assert!(refused("/no/such/file").contains("/no/such/file cannot be read"));
    assert!(refused(&format!("{here}/file:/bin")).contains("/bin is a directory already; say /bin/"));
    assert!(refused(&format!("{here}/file:/etc/a")).contains("/etc is no directory, so /etc/a cannot be there"));
    assert!(refused(&format!("{here}:/etc")).contains("/etc is a file already"));
    assert!(refused(&format!("{here}/file:../x")).contains("no .."));
    assert!(refused("/dev/null").contains("neither file nor directory nor link"));
}

#[test]
fn a_root_has_a_shell_and_what_is_added() {
    if !crate::packages::installed(super::PACKAGE) {
        return;
    }
    let bytes = Source::Bytes(b"hello".to_vec());
    let addition = Addition { source: bytes, guest: Some("/etc/motd".into()) };
    let file = Root { additions: vec![addition] }.archive().unwrap();
    assert_ne!(Root { additions: Vec::new() }.archive().unwrap(), file);
    let archive = std::fs::read(file).unwrap();
    for name in [
        "bin/sh\0",
        "etc/motd\0",
        "bin/find\0",
        "usr/bin/find\0",
        "usr/bin/sh\0",
        "usr/sbin/chroot\0",
        "bin/busybox\0",
        "tmp\0",
        "TRAILER!!!\0",
    ] {
        assert!(archive.windows(name.len()).any(|window| window == name.as_bytes()), "{name}");
    }
}
