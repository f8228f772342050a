//! What a library OS is compiled against, one fact a line, and nothing else: no text, no order of the source.

use super::fields::Struct;
use super::tables::Constants;
use exo_abi::call::{Call, Request, environment_argument};
use exo_abi::capability::Name;
use exo_abi::console::{self, Stream};
use exo_abi::cpuid;
use exo_abi::error::Error;
use sha2::{Digest, Sha256};
use zerocopy::IntoBytes;

/// All facts, sorted.
pub fn facts(structs: &[Struct], constants: &[Constants]) -> Vec<String> {
    let mut facts = encodings();
    for &call in Call::ALL {
        let table = call.description();
        let errors: Vec<String> = table.errors.iter().map(|error| error.number().to_string()).collect();
        facts.push(format!(
            "call {} {} credential={} second={} arguments={} errors={}",
            call as u16,
            table.name,
            rights(table.credential),
            rights(table.second),
            table.arguments.join(","),
            errors.join(",")
        ));
    }
    facts.extend(Error::ALL.iter().map(|error| format!("error {} {error:?}", error.number())));
    for one in structs {
        facts.push(format!("structure {} {}", one.path, one.size));
        let field = |field: &super::fields::Field| (field.name, field.offset, field.size);
        facts.extend(
            one.fields
                .iter()
                .map(field)
                .map(|(name, offset, size)| format!("field {}.{name} {offset} {size}", one.path)),
        );
    }
    for one in constants {
        facts.extend(one.values.iter().map(|(name, value)| format!("constant {}::{name} {value:#x}", one.path)));
    }
    facts.sort();
    facts
}

/// How words and bytes are put together.
fn encodings() -> Vec<String> {
    let name = Name::new(&[2, 1]).unwrap_or_default();
    vec![
        format!("encoding request {:#x}", Request { number: 0x102, credential: 3, second: 4 }.to_word()),
        format!("encoding environment {:#x}", environment_argument(1, 2)),
        format!("encoding name {:02x?}", IntoBytes::as_bytes(&name)),
        format!("encoding record {:02x?}", console::header(1, Stream::ExitStatus, 4)),
        format!("encoding window {:02x?}", console::input::Input::Window { columns: 1, rows: 2 }.encoded()),
        format!("encoding signature {:02x?}", cpuid::SIGNATURE),
    ]
}

/// The rights in what the table says of a credential: changing the words around them changes no contract.
fn rights(credential: &str) -> String {
    let is_right = |word: &&str| word.len() > 1 && word.chars().all(|character| character.is_ascii_uppercase());
    let words = credential.split(|character: char| !character.is_ascii_alphabetic());
    let rights: Vec<&str> = words.filter(is_right).collect();
    match (credential.is_empty(), rights.is_empty()) {
        (true, _) => "none".to_owned(),
        (false, true) => "any".to_owned(),
        (false, false) => rights.join("+"),
    }
}

/// A digest of the facts, short enough to be read.
pub fn digest(facts: &[String]) -> String {
    let digest = Sha256::digest(facts.join("\n"));
    digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}
