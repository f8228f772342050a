//! Manifests: which machine, and which environments on it.

use crate::image::Module;
use crate::{build, paths, words};
use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use std::collections::HashSet;
use std::fmt::Write as _;
use std::path::Path;
use toml::Spanned;

/// Most environments on one image: a console channel's number is a byte, and the kernel keeps some back.
const MAX_ENVIRONMENTS: usize = 64;

/// A whole manifest.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Manifest {
    /// The machine; what is `None` is the runner's choice.
    pub machine: Machine,
    /// The environments, in the order of their indices.
    pub environments: Vec<Environment>,
}

/// The table `[machine]`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// How many CPUs.
    pub cpus: Option<u32>,
    /// MiB of memory.
    pub memory: Option<u32>,
    /// Length of a slice in microseconds.
    pub slice_us: Option<u32>,
    /// The emulator's name for the CPU model.
    pub cpu_model: Option<String>,
}

/// One table `[[environment]]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Environment {
    /// Unique name, 1 to 32 bytes.
    pub name: String,
    /// A guest, a library OS, or the path of an ELF file.
    pub image: String,
    /// MiB of memory.
    pub memory: u32,
    /// The CPU that runs it.
    pub cpu: u32,
    /// Slices in each round.
    pub slices: u32,
    /// The run does not wait for it.
    pub background: bool,
    /// It gets what is typed.
    pub input: bool,
    /// Given to it as it is.
    pub arguments: String,
}

impl Environment {
    /// An environment that runs `image` under the same name, with 4 MiB on CPU 0.
    #[must_use]
    pub fn new(image: &str) -> Environment {
        Environment {
            name: image.to_owned(),
            image: image.to_owned(),
            memory: 4,
            cpu: 0,
            slices: 1,
            background: false,
            input: false,
            arguments: String::new(),
        }
    }

    /// The environment's boot module; its image is built if need be. A path is relative to `base`.
    pub fn module(&self, base: &Path) -> Result<Module> {
        let file = build::image(&self.image, base).with_context(|| format!("environment {}", self.name))?;
        Ok(Module { file, line: self.line()? })
    }

    /// The module line of `docs/command-line.md`.
    pub fn line(&self) -> Result<String> {
        let name = words::quoted(&self.name);
        let mut line = format!("name={name} memory={} cpu={} slices={}", self.memory, self.cpu, self.slices);
        line.push_str(if self.background { " background" } else { "" });
        line.push_str(if self.input { " input" } else { "" });
        if !self.arguments.is_empty() {
            write!(line, " arguments={}", words::quoted(&self.arguments))?;
        }
        Ok(line)
    }
}

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
    cpu: Option<Spanned<u32>>,
    slices: Option<Spanned<u32>>,
    background: Option<bool>,
    input: Option<Spanned<bool>>,
    arguments: Option<Spanned<String>>,
}

/// Reads and checks the manifest at `path`. Every refusal names file, line and reason.
pub fn read(path: &Path) -> Result<Manifest> {
    let text = std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    parse(&text).map_err(|wrong| anyhow!("{}:{}: {}", paths::shown(path), wrong.line, wrong.reason))
}

/// Why a manifest is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Line of the offending text, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub reason: String,
}

/// Checks the text of a manifest.
pub fn parse(text: &str) -> Result<Manifest, Wrong> {
    let at = |start: usize, reason: String| Wrong { line: line_of(text, start), reason };
    let raw: RawManifest = toml::from_str(text)
        .map_err(|error| at(error.span().map_or(0, |span| span.start), error.message().trim().to_owned()))?;
    let machine = match raw.machine {
        Some(machine) => check_machine(machine).map_err(|(start, reason)| at(start, reason))?,
        None => Machine::default(),
    };
    let (mut names, mut input) = (HashSet::new(), None::<String>);
    let mut environments = Vec::new();
    for raw in raw.environment {
        let start = raw.span().start;
        let environment = check(raw.into_inner(), machine.cpus, &mut names, &mut input);
        environments.push(environment.map_err(|(start, reason)| at(start, reason))?);
        if environments.len() > MAX_ENVIRONMENTS {
            return Err(at(start, format!("more than {MAX_ENVIRONMENTS} environments")));
        }
    }
    if environments.is_empty() {
        return Err(Wrong { line: 1, reason: "there is no [[environment]]".to_owned() });
    }
    Ok(Manifest { machine, environments })
}

type Refusal = (usize, String);

fn check_machine(machine: Spanned<Machine>) -> Result<Machine, Refusal> {
    let start = machine.span().start;
    let machine = machine.into_inner();
    let limits = [
        ("cpus", machine.cpus, 1, 64),
        ("memory", machine.memory, 32, 65536),
        ("slice_us", machine.slice_us, 100, 1_000_000),
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
        arguments.filter(|text| text.get_ref().len() > 1024 || text.get_ref().contains(char::is_control))
    {
        return Err((text.span().start, "arguments must be at most 1024 bytes, all printable".to_owned()));
    }
    Ok(Environment {
        image: raw.image.into_inner(),
        memory: number("memory", raw.memory.as_ref(), 1, 65536, 4)?,
        cpu: number("cpu", raw.cpu.as_ref(), 0, cpus.unwrap_or(64) - 1, 0)?,
        slices: number("slices", raw.slices.as_ref(), 1, 16, 1)?,
        background: raw.background.unwrap_or(false),
        input: raw.input.is_some_and(Spanned::into_inner),
        arguments: raw.arguments.map(Spanned::into_inner).unwrap_or_default(),
        name,
    })
}

fn number(key: &str, value: Option<&Spanned<u32>>, least: u32, most: u32, default: u32) -> Result<u32, Refusal> {
    match value {
        None => Ok(default),
        Some(value) if (least..=most).contains(value.get_ref()) => Ok(*value.get_ref()),
        Some(value) => Err((value.span().start, format!("{key} must be {least} to {most}"))),
    }
}

fn line_of(text: &str, offset: usize) -> usize {
    1 + text.bytes().take(offset).filter(|&byte| byte == b'\n').count()
}

#[cfg(test)]
#[path = "manifest/tests.rs"]
mod tests;
