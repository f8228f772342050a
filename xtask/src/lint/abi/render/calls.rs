//! The tables of calls and errors.

use crate::lint::abi::rust::plain;
use exo_abi::call::{Call, Description};
use exo_abi::error::Error;
use std::fmt::Write as _;

const REGISTERS: [&str; 6] = ["rdi", "rsi", "rdx", "r10", "r8", "r9"];

/// An overview, then a section for each call.
pub fn all() -> String {
    let mut text =
        "\n## Calls\n\n| Number | Call | Arguments | Credential | Second credential |\n|---:|---|---|---|---|\n"
            .to_owned();
    for &call in Call::ALL {
        let Description { name, arguments, credential, second, .. } = call.description();
        let number = call as u16;
        let link = format!("[{name}](#{number}-{})", name.to_lowercase());
        let row = [number.to_string(), link, arguments.join(", "), or_none(credential), or_none(second)];
        let _infallible = writeln!(text, "| {} |", row.join(" | "));
    }
    Call::ALL.iter().for_each(|&call| text.push_str(&one(call)));
    text
}

fn one(call: Call) -> String {
    let table = call.description();
    let lines: Vec<String> = table.effect.iter().map(|line| plain(line.trim())).collect();
    let arguments: Vec<String> =
        REGISTERS.iter().zip(table.arguments).map(|(register, argument)| format!("{register} `{argument}`")).collect();
    let errors: Vec<String> =
        table.errors.iter().map(|error| format!("{} {error:?}: {error}", error.number())).collect();
    let rows = [
        ("Credential", table.credential.to_owned()),
        ("Second credential", table.second.to_owned()),
        ("Arguments", arguments.join(", ")),
        ("Value", table.value.to_owned()),
        ("Errors", errors.join("<br>")),
        ("Cost", "1 exit".to_owned()),
    ];
    let rows = rows.iter().filter(|(_, text)| !text.is_empty());
    let rows: String = rows.map(|(what, text)| format!("| {what} | {text} |\n")).collect();
    format!("\n### {} {}\n\n{}\n\n| | |\n|---|---|\n{rows}", call as u16, table.name, lines.join("\n"))
}

fn or_none(text: &str) -> String {
    if text.is_empty() { "–".to_owned() } else { text.to_owned() }
}

/// All errors, each with the side whose fault it is.
pub fn errors() -> String {
    let mut text =
        "\n## Errors\n\nWhat is before the colon is at fault.\n\n| Number | Error | Meaning |\n|---:|---|---|\n"
            .to_owned();
    for error in Error::ALL {
        let _infallible = writeln!(text, "| {} | {error:?} | {} |", error.number(), error.about());
    }
    text
}
