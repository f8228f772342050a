//! Tests of the whole: a machine that believes nothing, a naive second implementation, hostile sequences, and unit tests for what
//! sequences cannot show well. Under `cfg(fuzzing)` the fuzz targets of `exo/core/fuzz` drive the same steps.
#![allow(clippy::cast_possible_truncation, reason = "the numbers of a machine of a few frames are small")]
#![cfg_attr(not(test), allow(dead_code, reason = "the fuzz targets use a part"))]

mod choices;
mod fake;
mod generate;
mod model;
mod sequences;
mod steps;
mod world;

#[cfg(test)]
mod boot;
#[cfg(test)]
mod claims;
#[cfg(test)]
mod coverage;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod guarantees;
#[cfg(test)]
mod invariants;
#[cfg(test)]
mod lists;
#[cfg(test)]
mod names;
#[cfg(test)]
mod predicates;
#[cfg(test)]
mod script;
#[cfg(test)]
mod slices;
#[cfg(test)]
mod teardown;

pub use sequences::{run_bytes, run_raw_calls};
