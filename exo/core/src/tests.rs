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
mod coverage;

pub use sequences::{run_bytes, run_raw_calls};
