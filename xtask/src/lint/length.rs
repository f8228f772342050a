//! Files stay short enough to be read in one go.

use super::source::Source;
use anyhow::{Result, bail};

/// Beyond this a file is mentioned.
const AIM: usize = 250;
/// Beyond this it is refused.
const LIMIT: usize = 500;

/// Tables: one entry after the other, nothing to understand across entries.
const TABLES: [&str; 2] = ["exo/abi/src/call.rs", "hv/src/vmx/fields.rs"];

/// Mentions long files and refuses very long ones.
pub fn check(sources: &[Source]) -> Result<()> {
    let mut refused = Vec::new();
    for source in sources.iter().filter(|source| !TABLES.contains(&source.path.as_str())) {
        let lines = source.text.lines().count();
        if lines > LIMIT {
            refused.push(format!("{}: {lines} lines", source.path));
        } else if lines > AIM {
            println!("lint: {} has {lines} lines; aim at {AIM}", source.path);
        }
    }
    if !refused.is_empty() {
        bail!("more than {LIMIT} lines:\n{}", refused.join("\n"));
    }
    Ok(())
}
