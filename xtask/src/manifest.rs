//! Manifests: which machine, and which environments on it.

mod capability;
mod check;

pub use capability::Capability;

use crate::image::Module;
use crate::root::Root;
use crate::{build, paths, words};
use anyhow::{Context, Result, anyhow, bail};
use exo_abi::layout::FRAME_SIZE;
use serde::Deserialize;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

const FRAMES_IN_MEBIBYTE: u64 = (1 << 20) / FRAME_SIZE;

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
    /// Grace at a slice's end in microseconds, no longer than the slice; an eighth of it by default.
    pub grace_us: Option<u32>,
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
    /// MiB of them that it can never be asked to return; `None`: all.
    pub guarantee: Option<u32>,
    /// Frames beside its memory for what the kernel keeps about it; `None`: 96, and 2 for each MiB of memory.
    pub reserve: Option<u32>,
    /// The CPU that runs it.
    pub cpu: u32,
    /// Slices in each round.
    pub slices: u32,
    /// The run does not wait for it.
    pub background: bool,
    /// It gets what is typed.
    pub input: bool,
    /// The capability in its slot 0 has the right AUDIT.
    pub audit: bool,
    /// Its loads of CR3 exit, so that they are counted.
    pub count_cr3: bool,
    /// What it holds beside the capability in slot 0.
    pub capabilities: Vec<Capability>,
    /// Given to it as it is.
    pub arguments: String,
    /// A file for it.
    pub data: Option<PathBuf>,
    /// An archive of this root directory for it, instead of a file.
    pub root: Option<Root>,
}

impl Environment {
    /// An environment that runs `image` under the same name, with 4 MiB on CPU 0.
    #[must_use]
    pub fn new(image: &str) -> Environment {
        Environment {
            name: image.to_owned(),
            image: image.to_owned(),
            memory: 4,
            guarantee: None,
            reserve: None,
            cpu: 0,
            slices: 1,
            background: false,
            input: false,
            audit: false,
            count_cr3: false,
            capabilities: Vec::new(),
            arguments: String::new(),
            data: None,
            root: None,
        }
    }

    /// The environment's boot module; its image is built if need be. A path is relative to `base`.
    pub fn module(&self, base: &Path) -> Result<Module> {
        let file = build::image(&self.image, base).with_context(|| format!("environment {}", self.name))?;
        Ok(Module { file, line: self.line()? })
    }

    /// The boot module of its data, if it is given any. A path is relative to `base`.
    pub fn data_module(&self, base: &Path) -> Result<Option<Module>> {
        let line = format!("data={}", words::quoted(&self.name));
        Ok(self.data_file(base)?.map(|(file, _)| Module { file, line }))
    }

    /// How many bytes its data have, or 0.
    pub fn data_length(&self, base: &Path) -> Result<u64> {
        Ok(self.data_file(base)?.map_or(0, |(_, length)| length))
    }

    fn data_file(&self, base: &Path) -> Result<Option<(PathBuf, u64)>> {
        let file = match (&self.data, &self.root) {
            (Some(file), None) => base.join(file),
            (None, Some(root)) => root.archive().with_context(|| format!("environment {}: its root", self.name))?,
            (None, None) => return Ok(None),
            (Some(_), Some(_)) => bail!("environment {} has data and a root; it can have one file", self.name),
        };
        let known = std::fs::metadata(&file)
            .with_context(|| format!("environment {}: its data {} cannot be read", self.name, file.display()))?;
        if !known.is_file() || known.len() == 0 {
            bail!("environment {}: its data {} is no file, or an empty one", self.name, file.display());
        }
        Ok(Some((file, known.len())))
    }

    /// The module line of `docs/command-line.md`.
    pub fn line(&self) -> Result<String> {
        let name = words::quoted(&self.name);
        let mut line = format!("name={name} memory={} cpu={} slices={}", self.memory, self.cpu, self.slices);
        if let Some(guarantee) = self.guarantee {
            write!(line, " guarantee={}", u64::from(guarantee) * FRAMES_IN_MEBIBYTE)?;
        }
        if let Some(reserve) = self.reserve {
            write!(line, " reserve={reserve}")?;
        }
        line.push_str(if self.background { " background" } else { "" });
        line.push_str(if self.input { " input" } else { "" });
        line.push_str(if self.audit { " audit" } else { "" });
        line.push_str(if self.count_cr3 { " count_cr3" } else { "" });
        for capability in &self.capabilities {
            write!(line, " capability={capability}")?;
        }
        if !self.arguments.is_empty() {
            write!(line, " arguments={}", words::quoted(&self.arguments))?;
        }
        Ok(line)
    }
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
    let (machine, environments) = check::manifest(text).map_err(|(start, reason)| {
        let line = 1 + text.bytes().take(start).filter(|&byte| byte == b'\n').count();
        Wrong { line, reason }
    })?;
    Ok(Manifest { machine, environments })
}

#[cfg(test)]
#[path = "manifest/tests.rs"]
mod tests;
