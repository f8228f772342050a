//! The document.

mod calls;
mod parts;
mod text;

use super::fields::Struct;
use super::rust::Words;
use super::tables::Constants;
use anyhow::{Result, bail};
use exo_abi::ABI_VERSION;
use std::fmt::Write as _;

/// Renders everything.
pub fn document(structs: &[Struct], constants: &[Constants], words: &Words, digest: &str) -> Result<String> {
    let mut page = text::HEAD.replace("{version}", &ABI_VERSION.to_string()).replace("{digest}", digest);
    page.push_str(text::CONVENTION);
    page.push_str(&calls::all());
    page.push_str(&calls::errors());
    let mut used = Vec::new();
    for section in text::SECTIONS {
        write!(page, "\n## {}\n\n{}\n", section.heading, section.about)?;
        for &path in section.parts {
            used.push(path);
            page.push_str(&parts::part(path, structs, constants, words)?);
        }
    }
    page.push_str(&text::recognition());
    page.push_str(&parts::constants(constants, words, "cpuid")?);
    used.push("cpuid");
    let all = structs.iter().map(|one| one.path).chain(constants.iter().map(|one| one.path.as_str()));
    if let Some(missing) = all.into_iter().find(|path| !used.contains(path)) {
        bail!("no section of xtask/src/lint/abi/render/text.rs has {missing}");
    }
    Ok(page)
}
