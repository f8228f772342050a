//! Capabilities: a hierarchical name and rights.
//!
//! A name is a string of up to 15 bytes. A capability *dominates* a guard whose name begins with its own: whoever holds a name
//! holds everything below it. Names are no secrets, for capabilities lie in slots that only the kernel writes.

use core::fmt;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// Slots of one environment.
pub const SLOTS: usize = 64;
/// Gate slots of one environment.
pub const GATE_SLOTS: usize = 64;
/// Most bytes in a name.
pub const NAME_MAX: usize = 15;
/// Most bytes that one call adds to a name: what a register holds.
pub const SUFFIX_MAX: usize = 8;

/// The name of a capability, or the guard of a resource: its length in the first byte, then its bytes, zero beyond the length.
#[derive(Clone, Copy, Default, PartialEq, Eq, Hash, FromBytes, IntoBytes, Immutable, KnownLayout)]
#[repr(C)]
pub struct Name {
    // Two words, so that names are compared in two steps and not byte by byte.
    words: [u64; 2],
}

impl Name {
    /// The name without bytes, which dominates every other.
    pub const ROOT: Self = Self { words: [0; 2] };

    /// The name with these bytes; `None` where they are more than [`NAME_MAX`].
    #[must_use]
    pub fn new(bytes: &[u8]) -> Option<Self> {
        Self::ROOT.extended(bytes)
    }

    /// This name with more bytes; `None` where they are more than [`NAME_MAX`] in all.
    #[must_use]
    pub fn extended(&self, suffix: &[u8]) -> Option<Self> {
        let mut name = *self;
        let length = self.length();
        let bytes = name.words.as_mut_bytes();
        bytes.get_mut(1 + length..1 + length + suffix.len())?.copy_from_slice(suffix);
        bytes[0] = u8::try_from(length + suffix.len()).ok()?;
        Some(name)
    }

    /// The name that is written so, as [`Display`](fmt::Display) writes it; `None` where none is.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        if text == "root" {
            return Some(Self::ROOT);
        }
        text.split('.').try_fold(Self::ROOT, |name, digits| {
            let plain = digits.len() == 2 && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            let byte = u8::from_str_radix(digits, 16).ok().filter(|_| plain)?;
            name.extended(&[byte])
        })
    }

    fn length(&self) -> usize {
        usize::from(self.words.as_bytes()[0]).min(NAME_MAX)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.words.as_bytes()[1..=self.length()]
    }

    /// Whether `other` begins with this name.
    #[must_use]
    pub fn dominates(&self, other: &Self) -> bool {
        // The words hold the length and 7 bytes, and 8 bytes, the first lowest: the prefix is compared without a loop.
        let length = self.length();
        let low = (self.words[0] ^ other.words[0]) >> 8;
        let alike = match length.checked_sub(7) {
            None => low & ((1 << (length * 8)) - 1) == 0,
            Some(0) => low == 0,
            Some(rest) => low == 0 && (self.words[1] ^ other.words[1]) << (64 - rest * 8) == 0,
        };
        length <= other.length() && alike
    }

    /// 0 for equal names, something else for others: to be joined with other differences.
    #[must_use]
    pub const fn difference(&self, other: &Self) -> u64 {
        (self.words[0] ^ other.words[0]) | (self.words[1] ^ other.words[1])
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Name {
    /// Bytes in hexadecimal with dots between them; "root" for the name without bytes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some((first, rest)) = self.as_bytes().split_first() else { return f.write_str("root") };
        write!(f, "{first:02x}")?;
        rest.iter().try_for_each(|byte| write!(f, ".{byte:02x}"))
    }
}

/// What a capability allows with the resources below its name, as bits.
pub mod rights {
    /// Binding frames so that they can be read.
    pub const READ: u64 = 1;
    /// Binding frames so that they can be written.
    pub const WRITE: u64 = 1 << 1;
    /// Binding frames so that they can be executed.
    pub const EXECUTE: u64 = 1 << 2;
    /// Deciding what becomes of a resource: allocating it under the name, giving it back, changing its guard; making,
    /// starting, stopping and ending environments and acting in them.
    pub const MODIFY: u64 = 1 << 3;
    /// Putting copies into other environments' slots.
    pub const GRANT: u64 = 1 << 4;
    /// Revoking every capability at or below the name.
    pub const REVOKE: u64 = 1 << 5;
    /// Claiming resources of an environment below the name even from its guarantee.
    pub const CLAIM: u64 = 1 << 6;
    /// Raising the notification event of an environment below the name.
    pub const NOTIFY: u64 = 1 << 7;
    /// Having the kernel check its invariants.
    pub const AUDIT: u64 = 1 << 8;
    /// Binding a gate, to call it.
    pub const CALL: u64 = 1 << 9;
    /// All of them.
    pub const ALL: u64 = (1 << 10) - 1;

    /// Every right as manifests and module lines write it: bit, name, letter.
    pub const SPELLINGS: [(u64, &str, char); 10] = [
        (READ, "read", 'r'),
        (WRITE, "write", 'w'),
        (EXECUTE, "execute", 'x'),
        (MODIFY, "modify", 'm'),
        (GRANT, "grant", 'g'),
        (REVOKE, "revoke", 'v'),
        (CLAIM, "claim", 'c'),
        (NOTIFY, "notify", 'n'),
        (AUDIT, "audit", 'a'),
        (CALL, "call", 'l'),
    ];
}
