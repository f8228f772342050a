//! Documents that are written from the source: compared with it, or rewritten.

use crate::paths;
use anyhow::{Context, Result, bail};

/// Compares `file` with what it should be, or writes it.
pub fn check(file: &str, expected: &str, bless: bool) -> Result<()> {
    let path = paths::workspace().join(file);
    if bless {
        return std::fs::write(&path, expected).with_context(|| format!("cannot write {file}"));
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    if written == expected {
        return Ok(());
    }
    let lines = |from: &str, other: &str, sign: char| -> Vec<String> {
        let missing = |line: &&str| !other.lines().any(|each| each == *line);
        from.lines().filter(missing).map(|line| format!("{sign} {line}")).collect()
    };
    let mut difference = lines(&written, expected, '-');
    difference.extend(lines(expected, &written, '+'));
    bail!("{file} differs from the source; `cargo xtask lint --bless` rewrites it:\n{}", difference.join("\n"));
}
