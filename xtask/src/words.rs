//! Words of command lines, module lines and report lines: `key` or `key=value`, values with spaces in double quotes,
//! a backslash takes the next character as it is.

use anyhow::{Result, bail};

/// One word: its key and, after `=`, its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Word {
    /// What stands before the first `=`, or the whole word.
    pub key: String,
    /// What stands after it, without quotes.
    pub value: Option<String>,
}

/// Takes `line` apart.
pub fn parse(line: &str) -> Result<Vec<Word>> {
    Ok(unquoted(line)?
        .into_iter()
        .map(|word| match word.split_once('=') {
            Some((key, value)) => Word { key: key.to_owned(), value: Some(value.to_owned()) },
            None => Word { key: word, value: None },
        })
        .collect())
}

/// The words of `line` with quotes and backslashes resolved.
pub fn unquoted(line: &str) -> Result<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let (mut quoted, mut characters) = (false, line.chars());
    while let Some(character) = characters.next() {
        match character {
            ' ' if !quoted => words.extend(word.take()),
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            '\\' => match characters.next() {
                Some(next) => word.get_or_insert_default().push(next),
                None => bail!("a backslash ends the line: {line}"),
            },
            other => word.get_or_insert_default().push(other),
        }
    }
    if quoted {
        bail!("a quote is not closed: {line}");
    }
    words.extend(word);
    Ok(words)
}

/// `value` as it must stand after `key=`: in quotes and with backslashes where it needs them.
#[must_use]
pub fn quoted(value: &str) -> String {
    let plain = |character: char| !matches!(character, ' ' | '"' | '\\');
    if !value.is_empty() && value.chars().all(plain) {
        return value.to_owned();
    }
    format!("\"{}\"", value.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::{Word, parse, quoted, unquoted};

    fn word(key: &str, value: Option<&str>) -> Word {
        Word { key: key.to_owned(), value: value.map(str::to_owned) }
    }

    #[test]
    fn quotes_join_and_backslashes_escape() {
        let words = parse(r#"name=a  background arguments="say \"x\" = 1" reason="""#).unwrap();
        let expected = [
            word("name", Some("a")),
            word("background", None),
            word("arguments", Some(r#"say "x" = 1"#)),
            word("reason", Some("")),
        ];
        assert_eq!(words, expected);
        assert!(unquoted("a \"b").is_err());
        assert!(unquoted("a\\").is_err());
    }

    #[test]
    fn what_is_quoted_comes_back() {
        for text in ["", "a", "a b", r#"exec "ls -l""#, r"c:\x41", "=="] {
            assert_eq!(unquoted(&format!("k={} z", quoted(text))).unwrap(), [format!("k={text}"), "z".to_owned()]);
        }
    }
}
