//! Takes a line apart into words, each a key with or without a value.
//!
//! A boot loader may move quotes and add backslashes: GRUB turns `arguments="a b"` into `"arguments=a b"` and writes
//! a backslash before a quote or a backslash. Both spellings mean the same here: quotes only join, a backslash
//! takes the next character as it is.

use super::error::CommandLineError;
use core::str::FromStr;

/// A value as it stands on the line, possibly with quotes and backslashes in it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Value<'a> {
    raw: &'a str,
}

impl<'a> Value<'a> {
    /// The characters that the value means.
    pub fn characters(self) -> impl Iterator<Item = char> + 'a {
        let mut raw = self.raw.chars();
        core::iter::from_fn(move || {
            loop {
                match raw.next()? {
                    '"' => {}
                    '\\' => return raw.next(),
                    character => return Some(character),
                }
            }
        })
    }

    /// Length of the meaning in bytes of UTF-8.
    #[must_use]
    pub fn length(self) -> usize {
        self.characters().map(char::len_utf8).sum()
    }

    /// Writes the meaning as UTF-8 to the beginning of `buffer`; `None` where it does not fit.
    #[must_use]
    pub fn copy_to(self, buffer: &mut [u8]) -> Option<usize> {
        let mut length = 0;
        for character in self.characters() {
            let end = length + character.len_utf8();
            character.encode_utf8(buffer.get_mut(length..end)?);
            length = end;
        }
        Some(length)
    }

    /// The meaning without a copy: the value without its outer quotes, if it holds no other quote or backslash.
    #[must_use]
    pub fn plain(self) -> Option<&'a str> {
        let inner = self.raw.trim_matches('"');
        (!inner.contains(['"', '\\'])).then_some(inner)
    }
}

impl PartialEq for Value<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.characters().eq(other.characters())
    }
}

impl Eq for Value<'_> {}

impl core::fmt::Display for Value<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        self.characters().try_for_each(|character| core::fmt::Write::write_char(f, character))
    }
}

/// One word of a line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Word<'a> {
    /// What stands before `=`, or the whole word.
    pub(super) key: &'a str,
    value: Option<&'a str>,
}

impl<'a> Word<'a> {
    fn new(raw: &'a str) -> Self {
        let (key, value) = match raw.split_once('=') {
            Some((key, value)) => (key, Some(value)),
            None => (raw.trim_end_matches('"'), None),
        };
        Self { key: key.trim_start_matches('"'), value }
    }

    pub(super) fn value(&self) -> Result<Value<'a>, CommandLineError<'a>> {
        self.value.map(|raw| Value { raw }).ok_or(CommandLineError::MissingValue { key: self.key })
    }

    pub(super) fn flag(&self) -> Result<bool, CommandLineError<'a>> {
        match self.value {
            None => Ok(true),
            Some(value) => Err(CommandLineError::UnexpectedValue { key: self.key, value }),
        }
    }

    /// The value as written, for errors.
    pub(super) fn raw(&self) -> &'a str {
        self.value.unwrap_or("")
    }

    /// The error for a value that the key does not allow.
    pub(super) fn bad(&self, allowed: &'static str) -> CommandLineError<'a> {
        CommandLineError::BadValue { key: self.key, value: self.raw(), allowed }
    }

    pub(super) fn one_of<T: Copy>(
        &self,
        choices: &[(&str, T)],
        allowed: &'static str,
    ) -> Result<T, CommandLineError<'a>> {
        let text = self.value()?.plain();
        let choice = choices.iter().find(|(name, _)| Some(*name) == text);
        choice.map(|&(_, choice)| choice).ok_or_else(|| self.bad(allowed))
    }

    pub(super) fn number<T>(&self, least: T, most: T, allowed: &'static str) -> Result<T, CommandLineError<'a>>
    where
        T: FromStr + PartialOrd,
    {
        let number = self.value()?.plain().and_then(decimal);
        number.filter(|number| (least..=most).contains(number)).ok_or_else(|| self.bad(allowed))
    }
}

/// The number that is written in digits and nothing else.
pub(super) fn decimal<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok().filter(|_| text.bytes().all(|byte| byte.is_ascii_digit()))
}

/// The words of a line, in order. After an error come no more words.
pub(super) fn words(line: &str) -> impl Iterator<Item = Result<Word<'_>, CommandLineError<'_>>> {
    let mut rest = line;
    core::iter::from_fn(move || {
        rest = rest.trim_start_matches(' ');
        if rest.is_empty() {
            return None;
        }
        let word = length_of_word(rest).map(|length| {
            let (word, after) = rest.split_at(length);
            rest = after;
            Word::new(word)
        });
        if word.is_err() {
            rest = "";
        }
        Some(word)
    })
}

fn length_of_word(rest: &str) -> Result<usize, CommandLineError<'_>> {
    let (mut quoted, mut escaped) = (false, false);
    for (position, character) in rest.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => quoted = !quoted,
            ' ' if !quoted => return Ok(position),
            _ => {}
        }
    }
    match (escaped, quoted) {
        (true, _) => Err(CommandLineError::TrailingBackslash),
        (_, true) => Err(CommandLineError::UnclosedQuote { word: rest }),
        _ => Ok(rest.len()),
    }
}
