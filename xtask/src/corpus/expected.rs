//! What Linux answered: a file for each program, whose first line is how it ended.

use super::DIRECTORY;
use super::transcript::{Answer, Transcript};
use crate::paths;
use anyhow::{Context, Result, bail};
use std::fmt::Write as _;
use std::path::PathBuf;

/// Where the files are.
pub fn directory() -> PathBuf {
    paths::workspace().join(DIRECTORY).join("expected")
}

fn file(name: &str) -> PathBuf {
    directory().join(format!("{name}.txt"))
}

/// Writes down what these programs answered; how many.
///
/// # Errors
/// Some have no answer, or one that must not be recorded: they were late, or what they rest on failed. The others are recorded.
pub fn record(names: &[String], transcript: &Transcript) -> Result<usize> {
    let mut bad = String::new();
    for name in names {
        let Some(answer) = transcript.answers.get(name) else {
            writeln!(bad, "{name} did not run")?;
            continue;
        };
        if answer.status == "late" || (99..=127).any(|code| answer.status == format!("exit:{code}")) {
            writeln!(bad, "{name} ended with {}, which cannot be meant:\n{}", answer.status, answer.text)?;
            continue;
        }
        let file = file(name);
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(&file, format!("{}\n{}", answer.status, answer.text))
            .with_context(|| format!("cannot write {}", file.display()))?;
    }
    if !bad.is_empty() {
        bail!("{bad}");
    }
    Ok(names.len())
}

/// For each program that did not answer as recorded, what is different.
///
/// # Errors
/// Nothing is recorded for a program.
pub fn differences(names: &[String], transcript: &Transcript) -> Result<Vec<String>> {
    let mut found = Vec::new();
    for name in names {
        let expected = std::fs::read_to_string(file(name))
            .with_context(|| format!("nothing is recorded for {name}; `cargo xtask corpus --record` does it"))?;
        match transcript.answers.get(name) {
            None => found.push(format!("{name}: did not run")),
            Some(Answer { status, text }) => {
                let answer = format!("{status}\n{text}");
                if answer != expected {
                    found.push(format!("{name}:\n{}", compared(&expected, &answer)));
                }
            }
        }
    }
    Ok(found)
}

/// The lines from the first to the last difference: `-` is Linux, `+` is this run.
fn compared(expected: &str, answer: &str) -> String {
    let (expected, answer): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), answer.lines().collect());
    let same = expected.iter().zip(&answer).take_while(|(one, other)| one == other).count();
    let (expected, answer) = (&expected[same..], &answer[same..]);
    let end = expected.iter().rev().zip(answer.iter().rev()).take_while(|(one, other)| one == other).count();
    let mut text = String::new();
    for (sign, lines) in [('-', &expected[..expected.len() - end]), ('+', &answer[..answer.len() - end])] {
        for line in lines {
            let _into_a_string = writeln!(text, "  {sign} {line}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::compared;

    #[test]
    fn only_what_differs_is_shown() {
        assert_eq!(compared("exit:0\na\nb\nc\n", "exit:0\na\nx\ny\nc\n"), "  - b\n  + x\n  + y\n");
        assert_eq!(compared("a\na\n", "a\n"), "  - a\n");
    }
}
