//! The digest of each version of the contract.

use super::Bless;
use anyhow::{Context, Result, bail};

/// The text of the file once it has this digest for this version, or why it must not have it.
pub fn check(text: &str, version: u32, digest: &str, bless: Bless) -> Result<String> {
    let mut last = 0;
    let mut known = None;
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let parts = line.split_once(": ").and_then(|(number, digest)| Some((number.strip_prefix("abi ")?, digest)));
        let (number, digest) = parts.with_context(|| format!("not a line of versions: {line}"))?;
        let number: u32 = number.parse().with_context(|| format!("not a version: {line}"))?;
        if number <= last {
            bail!("version {number} comes after version {last}");
        }
        last = number;
        known = (number == version).then_some((line, digest)).or(known);
    }
    let right = format!("abi {version}: {digest}");
    match known {
        Some((_, same)) if same == digest => Ok(text.to_owned()),
        _ if last > version => bail!("ABI_VERSION is {version}, and version {last} exists"),
        Some((line, _)) if bless.version => Ok(text.replace(line, &right)),
        Some((line, _)) => bail!(
            "the contract has changed, and ABI_VERSION is still {version}:\n- {line}\n+ {right}\n\
             Raise ABI_VERSION in exo/abi/src/lib.rs. Only if nobody has built against version {version}: `cargo xtask lint \
             --bless-abi`"
        ),
        None if bless.document || bless.version => Ok(format!("{text}{right}\n")),
        None => bail!("version {version} has no digest yet; `cargo xtask lint --bless` adds it"),
    }
}
