//! The table of calls against `coverage.toml`, which is what users read.

use super::TABLE;
use std::collections::BTreeMap;
use std::string::{String, ToString};
use std::vec::Vec;

type Calls = BTreeMap<String, (i64, Vec<String>)>;

fn in_the_code() -> Calls {
    let entries = TABLE.iter().enumerate().filter_map(|(number, entry)| Some((number, entry.as_ref()?)));
    entries
        .map(|(number, entry)| {
            let flags = (entry.flags)().iter().map(ToString::to_string).collect();
            (entry.name.to_string(), (i64::try_from(number).unwrap(), flags))
        })
        .collect()
}

fn in_the_document() -> Calls {
    let document: toml::Table = include_str!("../../coverage.toml").parse().unwrap();
    let calls = document.into_iter().map(|(name, entry)| {
        let number = entry["number"].as_integer().unwrap();
        let flags = entry.get("flags").and_then(toml::Value::as_array).cloned().unwrap_or_default();
        let flags = flags.iter().map(|flag| flag.as_str().unwrap().to_string()).collect();
        (name, (number, flags))
    });
    calls.collect()
}

#[test]
fn the_document_says_what_the_code_does() {
    let (code, document) = (in_the_code(), in_the_document());
    for (name, entry) in &code {
        assert_eq!(document.get(name), Some(entry), "coverage.toml on {name}");
    }
    for name in document.keys() {
        assert!(code.contains_key(name), "coverage.toml has {name}, and there is no such call");
    }
}
