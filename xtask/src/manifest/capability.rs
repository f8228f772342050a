//! The tables `[[environment.capability]]`: what an environment holds from the start beside its own capability.

use super::check::{Refusal, number};
use exo_abi::boot_page::MAX_CAPABILITIES;
use exo_abi::capability::{NAME_MAX, Name, SLOTS, rights};
use serde::Deserialize;
use std::fmt;
use toml::Spanned;

/// A capability in a slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capability {
    /// Where it lies, 1 to 63.
    pub slot: u8,
    /// What it dominates.
    pub name: Name,
    /// Bits of [`rights`], at least one.
    pub rights: u64,
}

impl fmt::Display for Capability {
    /// As a module line has it: `SLOT:NAME:RIGHTS`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letters = rights::SPELLINGS.iter().filter(|(bit, ..)| self.rights & bit != 0);
        let letters: String = letters.map(|(.., letter)| letter).collect();
        write!(f, "{}:{}:{letters}", self.slot, self.name)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RawCapability {
    slot: Spanned<u32>,
    environment: Spanned<String>,
    suffix: Option<Spanned<String>>,
    rights: Spanned<Vec<Spanned<String>>>,
}

/// The name of the own capability of the environment at this position of the manifest.
fn own_name(position: usize) -> Option<Name> {
    Name::new(&[u8::try_from(position + 1).ok()?])
}

/// Checks the capabilities of one environment; `environments` are the names of all.
pub(super) fn check(raw: Vec<Spanned<RawCapability>>, environments: &[String]) -> Result<Vec<Capability>, Refusal> {
    let most = MAX_CAPABILITIES - 1;
    let mut capabilities: Vec<Capability> = Vec::new();
    for raw in raw {
        if capabilities.len() == most {
            return Err((raw.span().start, format!("an environment has at most {most} capabilities beside its own")));
        }
        let raw = raw.into_inner();
        let slot = slot(&raw.slot)?;
        if capabilities.iter().any(|earlier| earlier.slot == slot) {
            return Err((raw.slot.span().start, format!("slot {slot} has a capability already")));
        }
        let wanted = raw.environment.get_ref();
        let own = environments.iter().position(|name| name == wanted).and_then(own_name);
        let own = own.ok_or_else(|| (raw.environment.span().start, format!("there is no environment {wanted}")))?;
        let name = raw.suffix.as_ref().map_or(Ok(own), |suffix| extended(&own, suffix))?;
        capabilities.push(Capability { slot, name, rights: rights_of(&raw.rights)? });
    }
    Ok(capabilities)
}

fn slot(value: &Spanned<u32>) -> Result<u8, Refusal> {
    let most = u32::try_from(SLOTS - 1).unwrap_or(u32::MAX);
    let slot = number("slot", Some(value), 1, most)?.and_then(|slot| u8::try_from(slot).ok());
    slot.ok_or_else(|| (value.span().start, "slot does not fit a byte".to_owned()))
}

fn extended(own: &Name, suffix: &Spanned<String>) -> Result<Name, Refusal> {
    let bytes = Name::parse(suffix.get_ref()).filter(|bytes| *bytes != Name::ROOT);
    bytes.and_then(|bytes| own.extended(bytes.as_bytes())).ok_or_else(|| {
        let most = NAME_MAX - own.as_bytes().len();
        (suffix.span().start, format!("suffix must be 1 to {most} bytes such as \"01\" or \"01.0a\""))
    })
}

fn rights_of(wanted: &Spanned<Vec<Spanned<String>>>) -> Result<u64, Refusal> {
    let mut bits = 0;
    for wanted in wanted.get_ref() {
        let at = |reason: String| (wanted.span().start, reason);
        let name = wanted.get_ref();
        let Some((bit, ..)) = rights::SPELLINGS.iter().find(|(_, known, _)| known == name) else {
            let known = rights::SPELLINGS.map(|(_, known, _)| known).join(", ");
            return Err(at(format!("there is no right {name}, only {known}")));
        };
        if bits & bit != 0 {
            return Err(at(format!("the right {name} is there twice")));
        }
        bits |= bit;
    }
    if bits == 0 {
        return Err((wanted.span().start, "rights must have at least one".to_owned()));
    }
    Ok(bits)
}
