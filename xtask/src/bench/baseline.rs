//! What was measured once, so that a change that makes it worse is noticed.

use super::context::Origin;
use super::row::Row;
use crate::paths;
use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use std::path::PathBuf;

/// Where it is kept, in the checkout.
const FILE: &str = "tests/bench/baseline.json";
/// So many times as many ticks are no news yet.
const SLACK: f64 = 1.05;

/// A saved report, cut down to what is compared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Baseline {
    /// Where its figures come from.
    pub origin: Origin,
    /// Its rows.
    pub rows: Vec<Saved>,
}

/// A row of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// Which operation.
    pub id: String,
    /// Ticks of one, at the median.
    pub ticks: f64,
    /// Exits of one.
    pub exits: Option<f64>,
    /// Operations of a run: exits are whole for a run only.
    pub each: u64,
    /// Its target was met, then or before.
    pub met: bool,
}

/// What came of a comparison.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Verdict {
    /// What got worse.
    pub worse: Vec<String>,
    /// Why figures could not be compared, if they could not.
    pub unlike: Option<String>,
}

fn file() -> PathBuf {
    paths::workspace().join(FILE)
}

impl Baseline {
    /// What of a report is kept.
    #[must_use]
    pub fn new(origin: &Origin, rows: &[Row]) -> Baseline {
        let saved = rows.iter().filter_map(|row| {
            Some(Saved {
                id: row.id.clone(),
                ticks: row.median?,
                exits: row.exits(),
                each: row.histogram.as_ref()?.each,
                met: row.met()?,
            })
        });
        Baseline { origin: origin.clone(), rows: saved.collect() }
    }

    /// The same, with the memory of what an older one had as met on the same model: a target that was met once stays one, whoever saves.
    #[must_use]
    pub fn after(mut self, older: &Baseline) -> Baseline {
        if older.origin.cpu_model == self.origin.cpu_model {
            for row in &mut self.rows {
                row.met |= older.rows.iter().any(|saved| saved.id == row.id && saved.met);
            }
        }
        self
    }

    /// The one in the checkout, if there is one.
    pub fn load() -> Result<Option<Baseline>> {
        let Ok(text) = std::fs::read_to_string(file()) else { return Ok(None) };
        serde_json::from_str(&text).with_context(|| format!("{FILE} is no baseline")).map(Some)
    }

    /// Puts it into the checkout.
    pub fn save(&self) -> Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(file(), text).with_context(|| format!("cannot write {FILE}"))
    }

    /// Compares a report with this: ticks and exits where both come from the same compiler, emulator and model; targets that were met
    /// wherever the model is the same, for a target is one for every compiler.
    #[must_use]
    pub fn compare(&self, origin: &Origin, rows: &[&Row]) -> Verdict {
        let mut verdict = Verdict { worse: Vec::new(), unlike: self.unlike(origin) };
        for row in rows {
            let Some(saved) = self.rows.iter().find(|saved| saved.id == row.id) else { continue };
            let Some(ticks) = row.median else {
                verdict.worse.push(format!("{}: was measured, and is not", row.id));
                continue;
            };
            if verdict.unlike.is_none() {
                verdict.worse.extend(saved.against(ticks, row.exits()).map(|what| format!("{}: {what}", row.id)));
            }
            if saved.met && origin.cpu_model == self.origin.cpu_model && row.met() == Some(false) {
                verdict.worse.push(format!("{}: misses its target, which was met", row.id));
            }
        }
        verdict
    }

    fn unlike(&self, origin: &Origin) -> Option<String> {
        let parts = [
            ("compiler", &self.origin.compiler, &origin.compiler),
            ("emulator", &self.origin.emulator, &origin.emulator),
            ("CPU model", &self.origin.cpu_model, &origin.cpu_model),
        ];
        let unlike = parts.iter().filter(|(_, then, now)| then != now);
        let texts: Vec<String> = unlike.map(|(what, then, now)| format!("{what}: {then} then, {now} now")).collect();
        (!texts.is_empty()).then(|| texts.join("; "))
    }
}

impl Saved {
    /// What is worse now than here.
    fn against(&self, ticks: f64, exits: Option<f64>) -> Option<String> {
        if ticks > self.ticks * SLACK {
            return Some(format!("{ticks} ticks, were {}", self.ticks));
        }
        // Figures have three decimals, and a run's exits are a whole number; half of one is far from both.
        #[expect(clippy::cast_precision_loss, reason = "runs have hundreds of operations")]
        let of_a_run = |exits: f64| exits * self.each as f64;
        match (self.exits, exits) {
            (Some(then), Some(now)) if of_a_run(now) >= of_a_run(then) + 0.5 => {
                Some(format!("{now} exits, were {then}"))
            }
            (Some(then), None) => Some(format!("exits are not counted, were {then}")),
            _ => None,
        }
    }
}

#[cfg(test)]
#[path = "baseline/tests.rs"]
mod tests;
