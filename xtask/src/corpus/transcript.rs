//! What the runner (`tests/linux/corpus/runner.c`) writes: who ran, how it ended, what it said.

use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;

/// The first line. The emulator, or a kernel, may have had its say before.
const BEGIN: &str = "corpus begins\n";
const END: &str = "corpus ends\n";

/// What one program did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// `exit:N`, `signal:N` or `late`.
    pub status: String,
    /// All that it wrote.
    pub text: String,
}

/// All answers by AREA/NAME.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Transcript {
    /// Those that came.
    pub answers: BTreeMap<String, Answer>,
    /// The runner came to its end.
    pub complete: bool,
}

impl Transcript {
    /// Reads the runner's output, to its end or to where it breaks off.
    ///
    /// # Errors
    /// There is none, or it is not of this form.
    pub fn parse(output: &str) -> Result<Transcript> {
        let begin = output.find(BEGIN).context("the runner did not begin")?;
        let mut rest = output.get(begin + BEGIN.len()..).unwrap_or_default();
        let mut transcript = Transcript::default();
        while !rest.is_empty() {
            if rest.starts_with(END) {
                transcript.complete = true;
                break;
            }
            let Some((header, after)) = rest.split_once('\n') else { break };
            let (name, status, length) = words(header).with_context(|| format!("not a header: {header:?}"))?;
            let Some(text) = after.get(..length) else { break };
            transcript.answers.insert(name.to_owned(), Answer { status: status.to_owned(), text: text.to_owned() });
            match after.get(length..) {
                Some(after) if after.starts_with('\n') => rest = &after[1..],
                Some("") | None => break,
                Some(_) => bail!("{name}: its text is longer than the {length} bytes announced"),
            }
        }
        Ok(transcript)
    }
}

/// `== NAME STATUS BYTES`.
fn words(header: &str) -> Option<(&str, &str, usize)> {
    let mut words = header.strip_prefix("== ")?.split(' ');
    let found = (words.next()?, words.next()?, words.next()?.parse().ok()?);
    words.next().is_none().then_some(found)
}

#[cfg(test)]
mod tests {
    use super::{Answer, Transcript};

    #[test]
    fn texts_are_taken_by_their_lengths() {
        let output =
            "Booting\ncorpus begins\n== a/b exit:0 11\n== not/one\n\n== a/c signal:9 0\n\ncorpus ends\nBochs\n";
        let transcript = Transcript::parse(output).unwrap();
        let answer = |status: &str, text: &str| Answer { status: status.to_owned(), text: text.to_owned() };
        assert!(transcript.complete);
        assert_eq!(transcript.answers.len(), 2);
        assert_eq!(transcript.answers["a/b"], answer("exit:0", "== not/one\n"));
        assert_eq!(transcript.answers["a/c"], answer("signal:9", ""));
    }

    #[test]
    fn what_breaks_off_is_not_complete() {
        let transcript = Transcript::parse("corpus begins\n== a/b exit:0 2\nx\n\n== a/c exit:0 20\nhalf").unwrap();
        assert!(!transcript.complete);
        assert_eq!(transcript.answers.keys().collect::<Vec<_>>(), ["a/b"]);
    }

    #[test]
    fn what_is_not_the_runners_is_refused() {
        assert!(Transcript::parse("Kernel panic\n").is_err());
        assert!(Transcript::parse("corpus begins\nhello\n").is_err());
        assert!(Transcript::parse("corpus begins\n== a/b exit:0 1\nxyz\n").is_err());
    }
}
