//! Tables of fields and of constants.

use crate::lint::abi::fields::Struct;
use crate::lint::abi::rust::Words;
use crate::lint::abi::tables::{Constants, Kind};
use anyhow::{Context, Result};
use std::fmt::Write as _;

/// The structure or the constants of this path.
pub fn part(path: &str, structs: &[Struct], all: &[Constants], words: &Words) -> Result<String> {
    match structs.iter().find(|one| one.path == path) {
        Some(one) => structure(one, words),
        None => constants(all, words, path),
    }
}

fn structure(one: &Struct, words: &Words) -> Result<String> {
    let (about, fields) = words.of_struct(one.path)?;
    let mut text = format!("\n### {}\n\n{about} {} bytes.\n", one.path, one.size);
    if !one.fields.is_empty() {
        text.push_str("\n| Offset | Bytes | Field | Type | Meaning |\n|---:|---:|---|---|---|\n");
    }
    for (field, words) in one.fields.iter().zip(fields) {
        writeln!(
            text,
            "| {} | {} | `{}` | `{}` | {} |",
            field.offset, field.size, field.name, words.kind, words.about
        )?;
    }
    Ok(text)
}

/// The constants of one module.
pub fn constants(all: &[Constants], words: &Words, path: &str) -> Result<String> {
    let one = all.iter().find(|one| one.path == path).with_context(|| format!("there is no table of {path}"))?;
    let (about, words) = words.of_constants(path)?;
    let mut text = format!("\n### {path}: constants\n\n");
    if !about.is_empty() {
        write!(text, "{about}\n\n")?;
    }
    text.push_str("| Name | Value | Meaning |\n|---|---:|---|\n");
    for ((name, value), word) in one.values.iter().zip(words) {
        writeln!(text, "| `{name}` | {} | {} |", written(*value, one.kind), word.about)?;
    }
    Ok(text)
}

/// Counts and codes are read in decimal, addresses and bits are not.
fn written(value: u64, kind: Kind) -> String {
    if kind == Kind::Bits || value >= 1 << 16 { format!("{value:#x}") } else { value.to_string() }
}
