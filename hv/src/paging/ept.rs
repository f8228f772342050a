//! The format of extended page tables (SDM 29.3.2): ordinary memory only, write-back, whatever the guest's PAT says.
//!
//! No device memory is ever a leaf here, so there is no choice of memory type to get wrong.

use super::format::{Entry, Format, Level, frame_of};
use crate::addr::FrameNumber;
use core::fmt;

/// What a guest may do with a page. Only combinations that the CPU accepts have a value (SDM 29.3.3.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Rights(u8);

/// Why a combination of rights has no value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RightsError {
    /// No right at all: that is an unmapped page.
    Nothing,
    /// Writing without reading is an EPT misconfiguration.
    WriteWithoutRead,
    /// Executing without reading, on a CPU that does not offer it.
    ExecuteOnlyNotOffered,
}

const READ: u8 = 1 << 0;
const WRITE: u8 = 1 << 1;
const EXECUTE: u8 = 1 << 2;

impl Rights {
    /// Reading.
    pub const READ: Self = Self(READ);
    /// Reading and writing.
    pub const READ_WRITE: Self = Self(READ | WRITE);
    /// Reading and executing.
    pub const READ_EXECUTE: Self = Self(READ | EXECUTE);
    /// Reading, writing and executing.
    pub const ALL: Self = Self(READ | WRITE | EXECUTE);

    /// The rights with these parts. `execute_only_offered` is the CPU's answer
    /// ([`Features::ept_execute_only`](crate::vmx::capability::Features::ept_execute_only)).
    ///
    /// # Errors
    /// [`RightsError`] where the CPU would take the entry for a misconfiguration.
    pub const fn new(read: bool, write: bool, execute: bool, execute_only_offered: bool) -> Result<Self, RightsError> {
        match (read, write, execute) {
            (false, false, false) => Err(RightsError::Nothing),
            (false, true, _) => Err(RightsError::WriteWithoutRead),
            (false, false, true) if !execute_only_offered => Err(RightsError::ExecuteOnlyNotOffered),
            _ => Ok(Self((read as u8 * READ) | (write as u8 * WRITE) | (execute as u8 * EXECUTE))),
        }
    }

    /// Whether reading is among them.
    #[must_use]
    pub const fn reads(self) -> bool {
        self.0 & READ != 0
    }

    /// Whether writing is among them.
    #[must_use]
    pub const fn writes(self) -> bool {
        self.0 & WRITE != 0
    }

    /// Whether executing is among them.
    #[must_use]
    pub const fn executes(self) -> bool {
        self.0 & EXECUTE != 0
    }

    /// Whether every right of `other` is among them.
    #[must_use]
    pub const fn includes(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl fmt::Debug for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let letter = |present, letter| if present { letter } else { '-' };
        write!(f, "{}{}{}", letter(self.reads(), 'r'), letter(self.writes(), 'w'), letter(self.executes(), 'x'))
    }
}

/// What an EPT leaf says beside the frame.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EptAttributes {
    /// What the guest may do.
    pub rights: Rights,
    /// A byte for the owner of the tree, kept in bits that the CPU ignores: the slot that the frame was bound under.
    pub tag: u8,
}

impl EptAttributes {
    /// Ordinary memory with these rights and tag 0.
    #[must_use]
    pub const fn memory(rights: Rights) -> Self {
        Self { rights, tag: 0 }
    }

    /// The same with this tag.
    #[must_use]
    pub const fn with_tag(self, tag: u8) -> Self {
        Self { tag, ..self }
    }
}

/// The format of extended page tables.
#[derive(Clone, Copy, Debug)]
pub enum Ept {}

const RIGHTS: u64 = 0x7;
const WRITE_BACK: u64 = 6 << 3;
const IGNORE_PAT: u64 = 1 << 6;
const LARGE: u64 = 1 << 7;
const ACCESSED: u64 = 1 << 8;
const DIRTY: u64 = 1 << 9;

/// Where the bits of a tag go: the bits that no control gives a meaning to (SDM Tables 29-3, 29-5 and 29-7).
const TAG_BITS: [u32; 8] = [52, 53, 54, 55, 56, 59, 62, 11];

fn encode_tag(tag: u8) -> u64 {
    TAG_BITS.iter().enumerate().map(|(bit, place)| u64::from(tag >> bit & 1) << place).sum()
}

fn decode_tag(raw: u64) -> u8 {
    TAG_BITS.iter().enumerate().map(|(bit, place)| u8::from(raw >> place & 1 != 0) << bit).sum()
}

impl Format for Ept {
    type Attributes = EptAttributes;
    const KEEPS_TABLES: bool = true;
    const SET_BY_CPU: u64 = ACCESSED | DIRTY;

    fn is_absent(raw: u64) -> bool {
        raw & RIGHTS == 0
    }

    #[inline]
    fn pointed(raw: u64) -> Option<FrameNumber> {
        (!Self::is_absent(raw) && raw & LARGE == 0).then(|| frame_of(raw))
    }

    fn classify(level: Level, raw: u64) -> Entry<EptAttributes> {
        let [low, ..] = raw.to_le_bytes();
        if Self::is_absent(raw) {
            Entry::Absent
        } else if level == Level::Small || raw & LARGE != 0 {
            let attributes = EptAttributes { rights: Rights(low & 7), tag: decode_tag(raw) };
            Entry::Leaf { frame: frame_of(raw), attributes }
        } else {
            Entry::Table(frame_of(raw))
        }
    }

    fn table(table: FrameNumber) -> u64 {
        table.start().as_u64() | RIGHTS
    }

    fn leaf(level: Level, frame: FrameNumber, attributes: EptAttributes) -> u64 {
        let large = if level == Level::Small { 0 } else { LARGE };
        let rights = u64::from(attributes.rights.0);
        frame.start().as_u64() | rights | WRITE_BACK | IGNORE_PAT | large | encode_tag(attributes.tag)
    }

    fn takes_away(old: EptAttributes, new: EptAttributes) -> bool {
        !new.rights.includes(old.rights)
    }
}
