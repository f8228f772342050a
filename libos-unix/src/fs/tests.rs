//! The tree of names: random changes beside a naive model, and paths that are anything.

mod model;

use super::{Base, Follow, MemoryFileSystem, Namespace, RenameFlags, number};
use crate::errno::Errno;
use crate::file::Kind;
use crate::machine;
use model::{Model, Node};
use proptest::prelude::*;
use std::string::String;
use std::vec::Vec;

/// A change of the tree.
#[derive(Clone, Debug)]
enum Step {
    Directory(String),
    File(String),
    Link(String, String),
    Name(String, String),
    Unlink(String),
    Remove(String),
    Rename(String, String),
    NoReplace(String, String),
    Exchange(String, String),
}

/// Few names, so that they meet; a path goes down, up, nowhere, through links and through files.
fn path() -> impl Strategy<Value = String> {
    let name =
        prop_oneof![4 => Just("a"), 4 => Just("b"), 3 => Just("c"), 1 => Just(".."), 1 => Just("."), 1 => Just("")];
    (any::<bool>(), proptest::collection::vec(name, 1..5))
        .prop_map(|(rooted, names)| if rooted { "/".to_owned() + &names.join("/") } else { names.join("/") })
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => path().prop_map(Step::Directory),
        2 => path().prop_map(Step::File),
        2 => (path(), path()).prop_map(|(at, target)| Step::Link(at, target)),
        1 => (path(), path()).prop_map(|(from, to)| Step::Name(from, to)),
        1 => path().prop_map(Step::Unlink),
        1 => path().prop_map(Step::Remove),
        3 => (path(), path()).prop_map(|(from, to)| Step::Rename(from, to)),
        1 => (path(), path()).prop_map(|(from, to)| Step::NoReplace(from, to)),
        1 => (path(), path()).prop_map(|(from, to)| Step::Exchange(from, to)),
    ]
}

fn root() -> Namespace {
    Namespace::new(MemoryFileSystem::root(number(0, 20), 1 << 10), "tmpfs")
}

/// Does it to the file system.
fn change(names: &Namespace, step: &Step) -> Result<(), Errno> {
    let base = Base::of_root(names);
    let rename = |from: &str, to: &str, flags| names.rename((&base, from.as_bytes()), (&base, to.as_bytes()), flags);
    match step {
        Step::Directory(path) => names.make(&base, path.as_bytes(), Kind::Directory, 0o755, 0).map(drop),
        Step::File(path) => names.make(&base, path.as_bytes(), Kind::Regular, 0o644, 0).map(drop),
        Step::Link(at, target) => names.make_link(&base, at.as_bytes(), target.as_bytes()),
        Step::Name(from, to) => {
            let file = names.find(&base, from.as_bytes(), Follow::No)?;
            names.add_name(&base, &file, to.as_bytes())
        }
        Step::Unlink(path) => names.unlink(&base, path.as_bytes()),
        Step::Remove(path) => names.remove_directory(&base, path.as_bytes()),
        Step::Rename(from, to) => rename(from, to, RenameFlags::empty()),
        Step::NoReplace(from, to) => rename(from, to, RenameFlags::NOREPLACE),
        Step::Exchange(from, to) => rename(from, to, RenameFlags::EXCHANGE),
    }
}

/// Does it to the model.
fn change_model(model: &mut Model, step: &Step) -> Result<(), Errno> {
    match step {
        Step::Directory(path) => model.make(path, Node::Directory(Default::default()), true),
        Step::File(path) => model.make(path, Node::File, false),
        Step::Link(_, target) if target.is_empty() => Err(Errno::ENOENT),
        Step::Link(at, target) => model.make(at, Node::Link(target.clone()), false),
        Step::Name(from, to) => model.name(from, to),
        Step::Unlink(path) => model.unlink(path),
        Step::Remove(path) => model.remove(path),
        Step::Rename(from, to) => model.rename(from, to, false, false),
        Step::NoReplace(from, to) => model.rename(from, to, true, false),
        Step::Exchange(from, to) => model.rename(from, to, false, true),
    }
}

/// Every path of the tree with what is there and how many names it has, as the file system shows it.
fn shown(names: &Namespace, path: &str, into: &mut Vec<(String, Kind, u64)>) {
    let place = names.find(&Base::of_root(names), path.as_bytes(), Follow::No);
    let place = place.unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut below = Vec::new();
    place.inode.entries(0, &mut |entry| {
        below.push(String::from_utf8_lossy(entry.name).into_owned());
        true
    });
    below.sort();
    let status = place.inode.status();
    into.push((path.to_owned(), status.kind, status.links));
    for name in below.iter().filter(|name| *name != "." && *name != "..") {
        shown(names, &std::format!("{}/{name}", path.trim_end_matches('/')), into);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn the_tree_is_what_was_made_of_it(steps in proptest::collection::vec(step(), 1..60), looks in proptest::collection::vec((path(), any::<bool>()), 10)) {
        let before = machine::frames_in_use();
        {
            let (names, mut model) = (root(), Model::default());
            for (number, step) in steps.iter().enumerate() {
                let expected = change_model(&mut model, step);
                prop_assert_eq!(change(&names, step), expected, "step {}: {:?}", number, step);
            }
            let mut listing = Vec::new();
            shown(&names, "/", &mut listing);
            prop_assert_eq!(listing, model.listing());
            for (path, follow) in looks {
                let found = names.find(&Base::of_root(&names), path.as_bytes(), if follow { Follow::Yes } else { Follow::No });
                prop_assert_eq!(found.map(|place| place.inode.kind()), model.find(&path, follow), "{}", path);
            }
        }
        prop_assert_eq!(machine::frames_in_use(), before);
    }

    #[test]
    fn paths_that_are_anything_harm_nobody(path in proptest::collection::vec(prop_oneof![Just(b'/'), Just(b'.'), Just(b'a'), any::<u8>()], 0..60), times in 1..200_usize) {
        let names = root();
        let base = Base::of_root(&names);
        names.make_link(&base, b"/a", b"a/../a").unwrap();
        let long: Vec<u8> = path.repeat(times);
        for path in [&path, &long] {
            _ = names.find(&base, path, Follow::Yes);
            let made = names.make(&base, path, Kind::Directory, 0o700, 0);
            prop_assert!(!(path.len() >= 4096 && made.is_ok()));
            if made.is_ok() {
                prop_assert_eq!(names.find(&base, path, Follow::No).map(|place| place.inode.kind()), Ok(Kind::Directory));
                prop_assert_eq!(names.remove_directory(&base, path), Ok(()));
            }
        }
    }
}

#[test]
fn links_that_go_round_end_and_forty_are_followed() {
    let names = root();
    let base = Base::of_root(&names);
    names.make(&base, b"/0", Kind::Regular, 0o644, 0).unwrap();
    for number in 1..=41 {
        names
            .make_link(&base, std::format!("/{number}").as_bytes(), std::format!("{}", number - 1).as_bytes())
            .unwrap();
    }
    assert!(names.find(&base, b"/40", Follow::Yes).is_ok());
    assert_eq!(names.find(&base, b"/41", Follow::Yes).err(), Some(Errno::ELOOP));
    names.make_link(&base, b"/round", b"round").unwrap();
    assert_eq!(names.find(&base, b"/round", Follow::Yes).err(), Some(Errno::ELOOP));
    assert!(names.find(&base, b"/round", Follow::No).is_ok());
}
