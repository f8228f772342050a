//! The verb `ci`: what every change must pass. The test runner's summary ends the output.

use crate::{bench, lint, test};
use anyhow::Result;

/// Lint, what operations cost beside the baseline, all tests: each even if an earlier one failed. The code is 0 if
/// all is well and 1 if not.
pub fn verb() -> Result<u8> {
    let mut code = 0;
    for (name, result) in
        [("lint", lint::verb(lint::Bless::default())), ("bench", bench::verb(&bench::Options::check()))]
    {
        if let Err(error) = result {
            eprintln!("xtask: {name}: {error:#}");
            code = 1;
        }
    }
    Ok(code | test::verb(test::Which::All, None)?)
}
