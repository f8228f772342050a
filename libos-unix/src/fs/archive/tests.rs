//! Archives, whole and spoilt.

use super::{ArchiveError, unpack};
use crate::file::Kind;
use crate::fs::{Base, Follow, Inode, MemoryFileSystem, Namespace, number};
use crate::io::Filling;
use crate::machine;
use proptest::prelude::*;
use std::format;
use std::rc::Rc;
use std::vec::Vec;

/// An entry: its number, mode, links, name and content.
fn entry(archive: &mut Vec<u8>, inode: u32, mode: u32, links: u32, name: &[u8], content: &[u8]) {
    let fields = [inode, mode, 7, 8, links, 1_000_000, content.len() as u32, 0, 0, 5, 1, name.len() as u32 + 1, 0];
    archive.extend(b"070701");
    fields.iter().for_each(|field| archive.extend(format!("{field:08x}").bytes()));
    archive.extend(name);
    archive.push(0);
    archive.resize(archive.len().next_multiple_of(4), 0);
    archive.extend(content);
    archive.resize(archive.len().next_multiple_of(4), 0);
}

fn good() -> Vec<u8> {
    let mut archive = Vec::new();
    entry(&mut archive, 1, 0o040_750, 2, b"etc", b"");
    entry(&mut archive, 2, 0o100_640, 1, b"etc/motd", &[b'm'; 5000]);
    entry(&mut archive, 3, 0o120_777, 1, b"link", b"etc/motd");
    entry(&mut archive, 4, 0o100_600, 2, b"one", b"");
    entry(&mut archive, 4, 0o100_600, 2, b"two", b"shared");
    entry(&mut archive, 5, 0o020_622, 1, b"dev/console", b"");
    entry(&mut archive, 0, 0, 1, b"TRAILER!!!", b"");
    archive
}

fn root() -> Rc<dyn Inode> {
    MemoryFileSystem::root(number(0, 20), 64)
}

#[test]
fn an_archive_is_a_tree_with_owners_modes_links_and_devices() {
    let root = root();
    let archive = good();
    let mut passed = 0;
    assert_eq!(unpack(&archive, &root, |at| passed = at), Ok(6));
    assert!(passed > 5000 && passed < archive.len(), "what is before the last entry is not needed any more");
    let names = Namespace::new(root, "tmpfs");
    let base = Base::of_root(&names);
    let status = |path: &[u8]| names.find(&base, path, Follow::No).map(|place| place.inode.status());
    let directory = status(b"/etc").unwrap();
    assert_eq!(
        (directory.kind, directory.permissions, directory.user, directory.group),
        (Kind::Directory, 0o750, 7, 8)
    );
    assert_eq!(status(b"/link").unwrap().kind, Kind::Link);
    let motd = names.find(&base, b"/link", Follow::Yes).unwrap();
    assert_eq!(motd.inode.status().size, 5000);
    let mut bytes = [0; 8];
    motd.inode.read(4996, &mut Filling::new(&mut bytes)).unwrap();
    assert_eq!(&bytes, b"mmmm\0\0\0\0");
    let (one, two) = (status(b"/one").unwrap(), status(b"/two").unwrap());
    assert_eq!((one.inode, one.links, one.size), (two.inode, 2, 6), "two names of one file, with what came last");
    let device = status(b"/dev/console").unwrap();
    assert_eq!((device.kind, device.represents), (Kind::CharacterDevice, number(5, 1)));
}

#[test]
fn errors_say_where() {
    let archive = good();
    let second = archive.windows(6).enumerate().filter(|(_, bytes)| bytes == b"070701").nth(1).map(|(at, _)| at);
    let second = second.unwrap();
    assert_eq!(unpack(&[], &root(), |_| {}), Err(ArchiveError::Short(0)));
    assert_eq!(unpack(&archive[..second + 200], &root(), |_| {}), Err(ArchiveError::Short(second)));
    let mut spoilt = archive.clone();
    spoilt[second] = b'1';
    assert_eq!(unpack(&spoilt, &root(), |_| {}), Err(ArchiveError::NoHeader(second)));
    let mut spoilt = archive;
    spoilt[second + 110] = b'.';
    spoilt[second + 111] = b'.';
    spoilt[second + 112] = b'/';
    assert_eq!(unpack(&spoilt, &root(), |_| {}), Err(ArchiveError::BadName(second)));
    let mut large = Vec::new();
    entry(&mut large, 1, 0o100_644, 1, b"large", &[1; 65 * 4096]);
    assert!(matches!(unpack(&large, &root(), |_| {}), Err(ArchiveError::Cannot(0, _))), "there are 64 frames");
}

/// Whatever the bytes are: an error names a place in them, and all that came of them goes again.
fn survives(bytes: &[u8]) {
    let before = machine::frames_in_use();
    let outcome = unpack(bytes, &root(), |at| assert!(at <= bytes.len()));
    if let Err(
        ArchiveError::Short(at) | ArchiveError::NoHeader(at) | ArchiveError::BadName(at) | ArchiveError::Cannot(at, _),
    ) = outcome
    {
        assert!(at <= bytes.len(), "{outcome:?}");
    }
    assert_eq!(machine::frames_in_use(), before, "{outcome:?}");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn spoilt_archives_harm_nobody(changes in proptest::collection::vec((any::<usize>(), any::<u8>()), 1..6), end in any::<usize>()) {
        let mut bytes = good();
        let length = bytes.len();
        changes.into_iter().for_each(|(at, value)| bytes[at % length] = value);
        survives(&bytes);
        survives(&bytes[..end % length]);
    }

    #[test]
    fn entries_that_are_anything_harm_nobody(
        entries in proptest::collection::vec((0..4_u32, mode(), name(), proptest::collection::vec(any::<u8>(), 0..40)), 0..8),
    ) {
        let mut archive = Vec::new();
        for (inode, mode, name, content) in &entries {
            entry(&mut archive, *inode, *mode, 2, name, content);
        }
        survives(&archive);
        entry(&mut archive, 0, 0, 1, b"TRAILER!!!", b"");
        survives(&archive);
    }
}

fn mode() -> impl Strategy<Value = u32> {
    prop_oneof![Just(0o100_644), Just(0o040_755), Just(0o120_777), Just(0o010_600), any::<u32>()]
}

fn name() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![Just("a"), Just("b"), Just("."), Just(".."), Just(""), Just("long-name")];
    proptest::collection::vec(part, 0..5).prop_map(|parts| parts.join("/").into_bytes())
}
