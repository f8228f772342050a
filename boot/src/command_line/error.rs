//! Why a command line is refused.

use core::fmt;

/// What is wrong with a command line, as a sentence that names the key and the value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandLineError<'a> {
    /// No such key exists.
    UnknownKey {
        /// The word before `=`, or the whole word.
        key: &'a str,
    },
    /// The key needs a value and has none.
    MissingValue {
        /// The key.
        key: &'a str,
    },
    /// The key takes no value and has one.
    UnexpectedValue {
        /// The key.
        key: &'a str,
        /// The value as written.
        value: &'a str,
    },
    /// The value is outside what the key allows.
    BadValue {
        /// The key.
        key: &'a str,
        /// The value as written.
        value: &'a str,
        /// What the key allows.
        allowed: &'static str,
    },
    /// The key stands twice on the line.
    Repeated {
        /// The key.
        key: &'a str,
    },
    /// The line lacks a key that it must have.
    MissingKey {
        /// The key.
        key: &'static str,
    },
    /// A double quote has no partner.
    UnclosedQuote {
        /// The word in which it stands.
        word: &'a str,
    },
    /// The line ends in a backslash.
    TrailingBackslash,
    /// The grace is longer than the slice.
    GraceAboveSlice {
        /// The grace in microseconds.
        grace_us: u32,
        /// The slice in microseconds.
        slice_us: u32,
    },
    /// More frames are guaranteed than given.
    GuaranteeAboveMemory {
        /// Frames guaranteed.
        guarantee: u64,
        /// Frames given.
        memory: u64,
    },
    /// Two capabilities are for the same slot.
    SlotTaken {
        /// The second one's value as written.
        value: &'a str,
    },
    /// More capabilities than a boot page can list beside the environment's own.
    TooManyCapabilities {
        /// How many it can list.
        most: usize,
    },
    /// Two modules have the same name.
    NameTaken {
        /// The name.
        name: &'a str,
    },
    /// A key beside `data`, which stands alone on its line.
    BesideData {
        /// The key.
        key: &'a str,
    },
    /// Data for an environment that there is not.
    DataForNobody {
        /// The name that it gives.
        name: &'a str,
    },
    /// Two modules are data for the same environment.
    SecondData {
        /// The environment's name.
        name: &'a str,
    },
    /// Two modules want the console's input.
    SecondInput {
        /// Name of the first.
        first: &'a str,
        /// Name of the second.
        second: &'a str,
    },
}

impl fmt::Display for CommandLineError<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Everything that was read is escaped: a control byte in a value must not reach the log.
        match *self {
            Self::UnknownKey { key } => write!(f, "no key is called '{}'", key.escape_debug()),
            Self::MissingValue { key } => write!(f, "key '{}' needs a value", key.escape_debug()),
            Self::UnexpectedValue { key, value } => {
                write!(f, "key '{}' takes no value but has '{}'", key.escape_debug(), value.escape_debug())
            }
            Self::BadValue { key, value, allowed } => {
                write!(f, "key '{}' has the value '{}', not {allowed}", key.escape_debug(), value.escape_debug())
            }
            Self::Repeated { key } => write!(f, "key '{}' stands twice on the line", key.escape_debug()),
            Self::MissingKey { key } => write!(f, "key '{key}' is missing"),
            Self::UnclosedQuote { word } => write!(f, "a quote in '{}' is not closed", word.escape_debug()),
            Self::TrailingBackslash => f.write_str("the line ends in a backslash"),
            Self::GraceAboveSlice { grace_us, slice_us } => {
                write!(f, "key 'grace_us' says {grace_us}, more than the slice of {slice_us}")
            }
            Self::GuaranteeAboveMemory { guarantee, memory } => {
                write!(f, "key 'guarantee' says {guarantee} frames, more than the memory of {memory}")
            }
            Self::SlotTaken { value } => {
                write!(f, "key 'capability' has '{}' for a slot that is taken", value.escape_debug())
            }
            Self::TooManyCapabilities { most } => {
                write!(f, "key 'capability' stands more than {most} times on the line")
            }
            Self::NameTaken { name } => write!(f, "two modules are named '{}'", name.escape_debug()),
            Self::BesideData { key } => write!(f, "key '{}' stands on a line with 'data'", key.escape_debug()),
            Self::DataForNobody { name } => {
                write!(f, "data is for '{}', and no module is named so", name.escape_debug())
            }
            Self::SecondData { name } => write!(f, "two modules are data for '{}'", name.escape_debug()),
            Self::SecondInput { first, second } => {
                write!(f, "'{}' and '{}' both want the input", first.escape_debug(), second.escape_debug())
            }
        }
    }
}

impl core::error::Error for CommandLineError<'_> {}
