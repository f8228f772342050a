//! The contract of `exo/abi` as a document, and a digest of it for each version.
//!
//! Numbers, offsets and sizes come from the compiled crate, words from its source, so neither can go stale. What a library OS
//! is compiled against is in the digest and texts are not: a change of the contract under an old version number does not pass.

mod facts;
mod fields;
mod render;
mod rust;
mod tables;
mod versions;

use super::blessed;
use super::source::Source;
use crate::paths;
use anyhow::{Context, Result};
use exo_abi::ABI_VERSION;

const DOCUMENT: &str = "docs/abi.md";
const VERSIONS: &str = "exo/abi/versions.txt";

/// What may be rewritten.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bless {
    /// The document, and the digest of a version that has none yet.
    pub document: bool,
    /// The digest of a version that has one: right only before anybody has built against it.
    pub version: bool,
}

/// Compares the document and this version's digest with the crate, or writes them.
pub fn check(sources: &[Source], bless: Bless) -> Result<()> {
    let structs = fields::structs();
    let constants = tables::constants();
    let words = rust::words(sources)?;
    words.check_complete(&structs, &constants)?;
    let digest = facts::digest(&facts::facts(&structs, &constants));
    let path = paths::workspace().join(VERSIONS);
    let written = std::fs::read_to_string(&path).with_context(|| format!("cannot read {VERSIONS}"))?;
    let versions = versions::check(&written, ABI_VERSION, &digest, bless)?;
    if versions != written {
        std::fs::write(&path, versions).with_context(|| format!("cannot write {VERSIONS}"))?;
    }
    blessed::check(DOCUMENT, &render::document(&structs, &constants, &words, &digest)?, bless.document || bless.version)
}

#[cfg(test)]
mod tests;
