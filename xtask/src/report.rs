//! The kernel's log, as `docs/command-line.md` describes it, taken apart for tools.

use crate::words::{self, Word};
use anyhow::{Context, Result, bail};

/// One line of the log: `TICKS cpuN MESSAGE`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line<'a> {
    /// TSC since boot.
    pub ticks: u64,
    /// The CPU that wrote it.
    pub cpu: u32,
    /// The rest.
    pub message: &'a str,
}

/// An environment's index and generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EnvironmentId {
    /// Its place in the kernel's table; also the number of its console channel.
    pub index: u32,
    /// How often that place has been used.
    pub generation: u32,
}

/// How an environment ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ending {
    /// By its own call.
    Exited {
        /// What it said.
        status: u32,
    },
    /// By the kernel.
    Killed {
        /// Why.
        reason: String,
        /// The address of its next instruction.
        rip: u64,
    },
    /// By an environment with authority over it, or with its parent.
    Destroyed,
}

/// A line that tools read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    /// An environment began.
    Start {
        /// Its name.
        name: String,
        /// Its index and generation.
        id: EnvironmentId,
        /// Where it runs.
        cpu: u32,
        /// Frames it got.
        memory: u64,
    },
    /// An environment ended.
    End {
        /// Its name.
        name: String,
        /// Its index and generation.
        id: EnvironmentId,
        /// How.
        ending: Ending,
        /// VM exits in all.
        exits: u64,
    },
    /// How often an ended environment exited for one reason.
    Exits {
        /// Whose.
        name: String,
        /// The reason's name.
        reason: String,
        /// How often.
        count: u64,
    },
    /// One of a killed environment's last exits.
    LastExit {
        /// Whose.
        name: String,
        /// The line's words after the name.
        words: Vec<Word>,
    },
    /// A capability MSR or CPUID leaf.
    Capability(Vec<Word>),
    /// Nothing was started.
    Refused {
        /// Why.
        reason: String,
    },
    /// A kernel bug.
    Panic(String),
    /// The run is over.
    Finish {
        /// Whether every environment that counts exited with 0.
        passed: bool,
        /// Why not.
        reason: Option<String>,
    },
}

/// Splits a log line; `None` for text that the kernel did not write.
#[must_use]
pub fn line(text: &str) -> Option<Line<'_>> {
    let (ticks, rest) = text.trim_start_matches(' ').split_once(' ')?;
    let (cpu, message) = rest.strip_prefix("cpu")?.split_once(' ')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(ticks) || !digits(cpu) {
        return None;
    }
    Some(Line { ticks: ticks.parse().ok()?, cpu: cpu.parse().ok()?, message })
}

/// What `message` tells a tool: `None` if it is for people only, an error if it breaks the contract.
pub fn event(message: &str) -> Result<Option<Event>> {
    let (kind, rest) = message.split_once(' ').unwrap_or((message, ""));
    read(kind, rest).with_context(|| format!("the kernel wrote: {message}"))
}

fn read(kind: &str, rest: &str) -> Result<Option<Event>> {
    if kind == "panic" {
        return Ok(Some(Event::Panic(rest.to_owned())));
    }
    if !matches!(kind, "start" | "end" | "exits" | "last-exit" | "capability" | "refused" | "finish") {
        return Ok(None);
    }
    let words = words::parse(rest)?;
    let fields = Fields(&words);
    Ok(Some(match kind {
        "start" => Event::Start {
            name: fields.text("name")?,
            id: fields.id()?,
            cpu: fields.number("cpu")?,
            memory: fields.number("memory")?,
        },
        "end" => Event::End {
            name: fields.text("name")?,
            id: fields.id()?,
            ending: fields.ending()?,
            exits: fields.number("exits")?,
        },
        "exits" => {
            Event::Exits { name: fields.text("name")?, reason: fields.text("reason")?, count: fields.number("count")? }
        }
        "last-exit" => Event::LastExit {
            name: fields.text("name")?,
            words: words.iter().filter(|word| word.key != "name").cloned().collect(),
        },
        "refused" => Event::Refused { reason: fields.text("reason")? },
        "finish" => match fields.text("outcome")?.as_str() {
            "passed" => Event::Finish { passed: true, reason: None },
            "failed" => Event::Finish { passed: false, reason: fields.text("reason").ok() },
            other => bail!("unknown outcome {other}"),
        },
        _ => Event::Capability(words),
    }))
}

struct Fields<'a>(&'a [Word]);

impl Fields<'_> {
    fn text(&self, key: &str) -> Result<String> {
        let word = self.0.iter().find(|word| word.key == key).with_context(|| format!("{key} is missing"))?;
        word.value.clone().with_context(|| format!("{key} has no value"))
    }

    fn number<T: TryFrom<u64>>(&self, key: &str) -> Result<T> {
        let text = self.text(key)?;
        let number = match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16),
            None => text.parse(),
        };
        let number = number.ok().and_then(|number| T::try_from(number).ok());
        number.with_context(|| format!("{key}={text} is not a number that fits"))
    }

    fn id(&self) -> Result<EnvironmentId> {
        let text = self.text("id")?;
        let parts = text.split_once('.').and_then(|(index, generation)| {
            Some(EnvironmentId { index: index.parse().ok()?, generation: generation.parse().ok()? })
        });
        parts.with_context(|| format!("id={text} is not INDEX.GENERATION"))
    }

    fn ending(&self) -> Result<Ending> {
        match self.text("outcome")?.as_str() {
            "exited" => Ok(Ending::Exited { status: self.number("status")? }),
            "killed" => Ok(Ending::Killed { reason: self.text("reason")?, rip: self.number("rip")? }),
            "destroyed" => Ok(Ending::Destroyed),
            other => bail!("unknown outcome {other}"),
        }
    }
}

#[cfg(test)]
#[path = "report/tests.rs"]
mod tests;
