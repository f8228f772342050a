//! Why boot data is refused.

use super::{MAX_MODULES, MAX_RANGES, Range};
use core::fmt;

/// What is wrong with the boot data, as a sentence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BootDataError {
    /// Not even a length.
    TooShort {
        /// Bytes there are.
        length: usize,
    },
    /// The boot data's own size is beyond the bytes there are, or too small for an end tag.
    TotalSize {
        /// The size it says.
        total: usize,
        /// Bytes there are.
        length: usize,
    },
    /// The boot data lies where no memory can be.
    OwnAddress {
        /// Its address.
        physical: u64,
    },
    /// A tag's size is below a header's, or reaches beyond the boot data.
    TagSize {
        /// Where the tag begins.
        offset: usize,
        /// The size it says.
        size: usize,
    },
    /// The tags stop without an end tag.
    NoEndTag,
    /// A tag lacks fields.
    TagTooShort {
        /// Which tag.
        tag: &'static str,
    },
    /// The command line is not zero-ended UTF-8.
    CommandLineText,
    /// A module's line is not zero-ended UTF-8.
    ModuleText {
        /// Which module, from 0.
        index: usize,
    },
    /// A module has no bytes or a wrong order of bounds.
    ModuleEmpty {
        /// Which module, from 0.
        index: usize,
        /// Its bounds.
        range: Range,
    },
    /// More modules than [`MAX_MODULES`].
    TooManyModules,
    /// An environment needs a module, and there is none.
    NoModules,
    /// A module is not within available memory.
    ModuleOutside {
        /// Which module, from 0.
        index: usize,
        /// Its bounds.
        range: Range,
    },
    /// A module lies over the boot data.
    ModuleOverBootData {
        /// Which module, from 0.
        index: usize,
    },
    /// Two modules lie over each other.
    ModulesOverlap {
        /// The earlier one, from 0.
        first: usize,
        /// The later one, from 0.
        second: usize,
    },
    /// The memory map's entries have an impossible size.
    MemoryEntrySize {
        /// The size it says.
        size: usize,
    },
    /// An entry of the memory map ends beyond the last address.
    MemoryWraps {
        /// Its first address.
        start: u64,
        /// Its length.
        length: u64,
    },
    /// More entries in the memory map than [`MAX_RANGES`].
    TooManyRanges,
    /// The memory map is missing or names no available memory.
    NoMemory,
    /// The ACPI root pointer is shorter than its first version.
    RootPointer,
}

impl fmt::Display for BootDataError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::TooShort { length } => write!(f, "the boot data has only {length} bytes"),
            Self::TotalSize { total, length } => write!(f, "the boot data says {total} bytes where {length} can be"),
            Self::OwnAddress { physical } => write!(f, "the boot data lies at {physical:#x}, where no memory can be"),
            Self::TagSize { offset, size } => write!(f, "the boot data's tag at {offset} has the wrong size {size}"),
            Self::NoEndTag => f.write_str("the boot data has no end tag"),
            Self::TagTooShort { tag } => write!(f, "the boot data's {tag} tag is too short"),
            Self::CommandLineText => f.write_str("the command line is not zero-ended UTF-8"),
            Self::ModuleText { index } => write!(f, "the line of module {index} is not zero-ended UTF-8"),
            Self::ModuleEmpty { index, range } => {
                write!(f, "module {index} goes from {:#x} to {:#x} and so is empty", range.start, range.end)
            }
            Self::TooManyModules => write!(f, "there are more than {MAX_MODULES} modules"),
            Self::NoModules => f.write_str("there are no modules, so nothing to run"),
            Self::ModuleOutside { index, range } => {
                write!(f, "module {index} ({:#x} to {:#x}) is not within available memory", range.start, range.end)
            }
            Self::ModuleOverBootData { index } => write!(f, "module {index} lies over the boot data"),
            Self::ModulesOverlap { first, second } => write!(f, "modules {first} and {second} lie over each other"),
            Self::MemoryEntrySize { size } => write!(f, "the memory map has entries of {size} bytes"),
            Self::MemoryWraps { start, length } => {
                write!(f, "the memory map's entry of {length:#x} bytes at {start:#x} wraps")
            }
            Self::TooManyRanges => write!(f, "the memory map has more than {MAX_RANGES} entries"),
            Self::NoMemory => f.write_str("the memory map is missing or names no available memory"),
            Self::RootPointer => f.write_str("the ACPI root pointer is too short"),
        }
    }
}

impl core::error::Error for BootDataError {}
