//! The verb `ci`: what every change must pass. The test runner's summary ends the output.

use crate::{bench, lint, test};
use anyhow::Result;

/// Lint, the cheapest bench as a check of its target, all tests.
pub fn verb() -> Result<()> {
    lint::verb(false)?;
    bench::verb(&bench::Options::check("null-call"))?;
    test::verb(test::Which::All, None)
}
