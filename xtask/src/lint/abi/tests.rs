use super::{Bless, check, facts, fields, rust, tables, versions};
use crate::lint::source::{self, Source};

#[test]
fn the_document_and_the_version_are_those_of_the_crate() {
    check(&source::all().unwrap(), Bless::default()).unwrap();
}

#[test]
fn a_changed_layout_or_value_changes_the_digest() {
    let digest = |change: &dyn Fn(&mut Vec<fields::Struct>, &mut Vec<tables::Constants>)| {
        let (mut structs, mut constants) = (fields::structs(), tables::constants());
        change(&mut structs, &mut constants);
        facts::digest(&facts::facts(&structs, &constants))
    };
    let before = digest(&|_, _| {});
    assert_eq!(before, digest(&|structs, _| structs.reverse()), "order in the tables is no fact");
    assert_ne!(before, digest(&|structs, _| structs[0].size += 8));
    assert_ne!(before, digest(&|structs, _| structs[0].fields[1].offset += 8));
    assert_ne!(before, digest(&|_, constants| constants[0].values[0].1 += 1));
}

#[test]
fn a_field_or_constant_that_the_tables_lack_is_named() {
    let text = "//! Words.\n/// A page.\n#[repr(C)]\npub struct Page { /// First.\n pub a: u64, /// Second, see [`Page`](crate::Page).\n \
        pub b: [u8; 4] }\npub struct Other { pub c: u8 }\n/// Bits.\npub mod bits { /// One.\n pub const ONE: u64 = 1; }\n\
        pub const fn f() {}\npub const TEXT: &str = \";\";";
    let words = rust::words(&[Source { path: "exo/abi/src/x.rs".to_owned(), text: text.to_owned() }]).unwrap();
    let (about, fields) = words.of_struct("x::Page").unwrap();
    let fields: Vec<[&str; 3]> = fields.iter().map(|field| [&*field.name, &*field.kind, &*field.about]).collect();
    assert_eq!(about, "A page.");
    assert_eq!(fields, [["a", "u64", "First."], ["b", "[u8; 4]", "Second, see `Page`."]]);
    assert_eq!(words.of_constants("x::bits").unwrap().0, "Bits.");
    assert!(words.of_struct("x::Other").is_err(), "its layout is nobody's affair");
    let wrong = words.check_complete(&[], &[]).unwrap_err().to_string();
    assert!(wrong.contains("x::Page") && wrong.contains("a b"), "{wrong}");
}

#[test]
fn a_version_keeps_its_digest() {
    let [no, document, version] =
        [(false, false), (true, false), (false, true)].map(|(document, version)| Bless { document, version });
    let text = "# Versions.\nabi 1: aa\nabi 2: bb\n";
    let refused = |version, digest, bless| versions::check(text, version, digest, bless).unwrap_err().to_string();
    assert_eq!(versions::check(text, 2, "bb", no).unwrap(), text);
    assert!(refused(2, "cc", no).contains("ABI_VERSION is still 2"));
    assert!(refused(2, "cc", document).contains("ABI_VERSION is still 2"), "--bless alone changes no version");
    assert_eq!(versions::check(text, 2, "cc", version).unwrap(), "# Versions.\nabi 1: aa\nabi 2: cc\n");
    assert!(refused(3, "cc", no).contains("version 3 has no digest yet"));
    assert_eq!(versions::check(text, 3, "cc", document).unwrap(), format!("{text}abi 3: cc\n"));
    assert!(refused(1, "cc", version).contains("version 2 exists"), "old versions never change");
    assert!(versions::check("abi 2: bb\nabi 1: aa\n", 2, "bb", no).is_err());
    assert!(versions::check("abi 2 bb\n", 2, "bb", no).is_err());
}
