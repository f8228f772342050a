//! From a manifest's text to what it says, or to the first thing that is wrong with it.

use super::capability::{self, RawCapability};
use super::{Environment, Machine};
use crate::root::Root;
use exo_abi::boot_page::MAX_ARGUMENTS;
use serde::Deserialize;
use std::collections::HashSet;
use std::path::PathBuf;
use toml::Spanned;

/// Most environments on one image: as many as the kernel's table has places.
const MAX_ENVIRONMENTS: usize = exo_abi::info::MAX_ENVIRONMENTS;
/// Length of a slice where the manifest gives none.
const DEFAULT_SLICE_US: u32 = 10_000;

/// Where in the text the mistake stands, and what is wrong.
pub(super) type Refusal = (usize, String);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawManifest {
    #[serde(default)]
    machine: Option<Spanned<Machine>>,
    #[serde(default)]
    environment: Vec<Spanned<RawEnvironment>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawEnvironment {
    name: Spanned<String>,
    image: Spanned<String>,
    memory: Option<Spanned<u32>>,
    guarantee: Option<Spanned<u32>>,
    reserve: Option<Spanned<u32>>,
    cpu: Option<Spanned<u32>>,
    slices: Option<Spanned<u32>>,
    background: Option<bool>,
    input: Option<Spanned<bool>>,
    audit: Option<bool>,
    count_cr3: Option<bool>,
    #[serde(default)]
    capability: Vec<Spanned<RawCapability>>,
    arguments: Option<Spanned<String>>,
    data: Option<PathBuf>,
    root: Option<Spanned<bool>>,
}

/// Everything that a manifest says.
pub(super) fn manifest(text: &str) -> Result<(Machine, Vec<Environment>), Refusal> {
    let raw: RawManifest = toml::from_str(text)
        .map_err(|error| (error.span().map_or(0, |span| span.start), error.message().trim().to_owned()))?;
    let machine = raw.machine.map_or_else(|| Ok(Machine::default()), check_machine)?;
    // A capability may be over an environment that comes later.
    let all: Vec<String> = raw.environment.iter().map(|raw| raw.get_ref().name.get_ref().clone()).collect();
    let (mut names, mut input) = (HashSet::new(), None::<String>);
    let mut environments = Vec::new();
    for raw in raw.environment {
        let start = raw.span().start;
        let mut raw = raw.into_inner();
        let capabilities = std::mem::take(&mut raw.capability);
        let mut environment = check(raw, machine.cpus, &mut names, &mut input)?;
        environment.capabilities = capability::check(capabilities, &all)?;
        environments.push(environment);
        if environments.len() > MAX_ENVIRONMENTS {
            return Err((start, format!("more than {MAX_ENVIRONMENTS} environments")));
        }
    }
    if environments.is_empty() {
        return Err((0, "there is no [[environment]]".to_owned()));
    }
    Ok((machine, environments))
}

fn check_machine(machine: Spanned<Machine>) -> Result<Machine, Refusal> {
    let start = machine.span().start;
    let machine = machine.into_inner();
    let limits = [
        ("cpus", machine.cpus, 1, 64),
        ("memory", machine.memory, 32, 65536),
        ("slice_us", machine.slice_us, 100, 1_000_000),
        ("grace_us", machine.grace_us, 10, machine.slice_us.unwrap_or(DEFAULT_SLICE_US)),
    ];
    for (key, value, least, most) in limits {
        if value.is_some_and(|value| !(least..=most).contains(&value)) {
            return Err((start, format!("machine: {key} must be {least} to {most}")));
        }
    }
    Ok(machine)
}

fn check(
    raw: RawEnvironment,
    cpus: Option<u32>,
    names: &mut HashSet<String>,
    input: &mut Option<String>,
) -> Result<Environment, Refusal> {
    let name = raw.name.get_ref().clone();
    let start = raw.name.span().start;
    let bad_name = |character: char| character.is_control() || matches!(character, '"' | '\\');
    if name.is_empty() || name.len() > 32 || name.contains(bad_name) {
        let reason = "name must be 1 to 32 bytes without quotes, backslashes and control characters";
        return Err((start, reason.to_owned()));
    }
    if !names.insert(name.clone()) {
        return Err((start, format!("there are two environments named {name}")));
    }
    if let Some(wanted) = raw.input.as_ref().filter(|wanted| *wanted.get_ref())
        && let Some(first) = input.replace(name.clone())
    {
        return Err((wanted.span().start, format!("{name} wants the input, but {first} has it")));
    }
    let arguments = raw.arguments.as_ref();
    if let Some(text) =
        arguments.filter(|text| text.get_ref().len() > MAX_ARGUMENTS || text.get_ref().contains(char::is_control))
    {
        return Err((text.span().start, "arguments must be at most 2048 bytes, all printable".to_owned()));
    }
    let root = raw.root.as_ref().filter(|root| *root.get_ref());
    if let (Some(root), Some(_)) = (root, &raw.data) {
        return Err((root.span().start, "root and data: an environment is given one file".to_owned()));
    }
    let memory = number("memory", raw.memory.as_ref(), 1, 65536)?.unwrap_or(4);
    Ok(Environment {
        image: raw.image.into_inner(),
        memory,
        guarantee: number("guarantee (of the memory, in MiB)", raw.guarantee.as_ref(), 0, memory)?,
        reserve: number("reserve (in frames)", raw.reserve.as_ref(), 32, 65536)?,
        cpu: number("cpu", raw.cpu.as_ref(), 0, cpus.unwrap_or(64) - 1)?.unwrap_or(0),
        slices: number("slices", raw.slices.as_ref(), 1, 16)?.unwrap_or(1),
        background: raw.background.unwrap_or(false),
        input: raw.input.is_some_and(Spanned::into_inner),
        audit: raw.audit.unwrap_or(false),
        count_cr3: raw.count_cr3.unwrap_or(false),
        capabilities: Vec::new(),
        arguments: raw.arguments.map(Spanned::into_inner).unwrap_or_default(),
        data: raw.data,
        root: root.map(|_| Root::default()),
        name,
    })
}

/// The value, if there is one, within its limits.
pub(super) fn number(key: &str, value: Option<&Spanned<u32>>, least: u32, most: u32) -> Result<Option<u32>, Refusal> {
    match value {
        Some(value) if !(least..=most).contains(value.get_ref()) => {
            Err((value.span().start, format!("{key} must be {least} to {most}")))
        }
        value => Ok(value.map(|value| *value.get_ref())),
    }
}
