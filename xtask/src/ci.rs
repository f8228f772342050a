//! The verb `ci`: what every change must pass. The test runner's summary ends the output.

use crate::{bench, lint, test};
use anyhow::Result;

/// Operations whose targets are met, and stay so.
const MET: [&str; 4] = ["null-call", "ept-fault", "alloc100", "repossess100"];

/// Lint, the targets that are met, all tests: each even if an earlier one failed. The code is 0 if
/// all is well and 1 if not.
pub fn verb() -> Result<u8> {
    let mut code = 0;
    for (name, result) in
        [("lint", lint::verb(lint::Bless::default())), ("bench", bench::verb(&bench::Options::check(&MET)))]
    {
        if let Err(error) = result {
            eprintln!("xtask: {name}: {error:#}");
            code = 1;
        }
    }
    Ok(code | test::verb(test::Which::All, None)?)
}
