//! The data that the report stands on, each figure with its source.

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

const COSTS: &str = include_str!("../../../tests/bench/costs.toml");
const PUBLISHED: &str = include_str!("../../../tests/bench/published.toml");

/// What a transition costs on real hardware.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Cost {
    /// Which.
    pub transition: Transition,
    /// Least cycles.
    pub low: f64,
    /// Most cycles.
    pub high: f64,
    /// Who says so.
    pub source: Vec<Source>,
}

/// A transition that costs hardware far more than an instruction.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Transition {
    /// VM exit and entry.
    Exit,
    /// Switch to another EPT by VMFUNC.
    Vmfunc,
    /// Load of CR3.
    Cr3,
    /// SYSCALL and SYSRET.
    Ring,
    /// Delivery of an exception or interrupt, and IRET.
    Exception,
}

/// Where a figure is from.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// What it says.
    pub says: String,
    /// The publication.
    pub from: String,
    /// Somebody compared the figure with the source.
    pub checked: bool,
}

/// What another system reported.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Mark {
    /// The row that it is about.
    pub id: String,
    /// Which system, and what there.
    pub system: String,
    /// How much.
    pub value: f64,
    /// Of what: `cycles` or `microseconds`.
    pub unit: String,
    /// The publication.
    pub source: String,
    /// Somebody compared the figure with the source.
    pub checked: bool,
}

#[derive(Deserialize)]
struct Costs {
    cost: Vec<Cost>,
}

#[derive(Deserialize)]
struct Published {
    mark: Vec<Mark>,
}

/// The cost table.
pub fn costs() -> Result<Vec<Cost>> {
    toml::from_str::<Costs>(COSTS).map(|costs| costs.cost).context("tests/bench/costs.toml")
}

/// What other systems reported.
pub fn published() -> Result<Vec<Mark>> {
    toml::from_str::<Published>(PUBLISHED).map(|published| published.mark).context("tests/bench/published.toml")
}

#[cfg(test)]
mod tests {
    use super::{Transition, costs, published};
    use crate::bench::targets::TARGETS;

    #[test]
    fn every_transition_has_one_cost_and_every_figure_a_source() {
        let costs = costs().unwrap();
        let all = [Transition::Exit, Transition::Vmfunc, Transition::Cr3, Transition::Ring, Transition::Exception];
        for transition in all {
            assert_eq!(costs.iter().filter(|cost| cost.transition == transition).count(), 1, "{transition:?}");
        }
        assert!(costs.iter().all(|cost| cost.low <= cost.high && !cost.source.is_empty()));
        for mark in published().unwrap() {
            assert!(TARGETS.iter().any(|target| target.id == mark.id), "{} is no row", mark.id);
            assert!(matches!(mark.unit.as_str(), "cycles" | "microseconds") && !mark.source.is_empty(), "{mark:?}");
        }
    }
}
