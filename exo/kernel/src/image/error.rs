//! Why an image is refused.

use super::MAX_SEGMENTS;
use core::fmt;

/// What is wrong with an image, as a sentence. Addresses are those after moving to the base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ImageError {
    /// Not an ELF file.
    NotElf,
    /// Not for 64-bit x86.
    NotX86,
    /// An ELF file of another kind than an executable.
    NotExecutable {
        /// The kind it says.
        kind: u16,
    },
    /// The program headers have a wrong size or are beyond the file.
    ProgramHeaders,
    /// It wants a dynamic linker.
    Interpreter,
    /// It needs another file.
    NeedsLibrary,
    /// There is nothing to load.
    NoSegments,
    /// More segments than [`MAX_SEGMENTS`].
    TooManySegments,
    /// A segment's bytes are beyond the file.
    OutsideFile {
        /// Where in the file they begin.
        offset: u64,
        /// How many they are.
        size: u64,
    },
    /// A segment has more bytes in the file than in memory.
    SegmentSize {
        /// Its first address.
        address: u64,
    },
    /// A segment wraps, is not canonical, or reaches into what the kernel puts there.
    SegmentPlace {
        /// Its first address.
        address: u64,
        /// How many bytes it has in memory.
        size: u64,
    },
    /// Pages of a segment would be both writable and executable.
    WritableAndExecutable {
        /// The segment's first address.
        address: u64,
    },
    /// Two segments overlap or meet within a page.
    SegmentsShareAPage {
        /// First address of the lower one.
        first: u64,
        /// First address of the higher one.
        second: u64,
    },
    /// It spans more memory than it may.
    TooBig {
        /// Bytes it spans.
        size: u64,
        /// Bytes it may span.
        limit: u64,
    },
    /// The entry point is not in an executable segment.
    Entry {
        /// Its address.
        address: u64,
    },
    /// The base given is not the beginning of a page: not the image's fault.
    Base {
        /// The base.
        base: u64,
    },
    /// A table of relocations is not in the file, or has entries of a wrong size.
    RelocationTable {
        /// Its address.
        address: u64,
    },
    /// A relocation of a kind other than relative.
    RelocationKind {
        /// The kind.
        kind: u32,
    },
    /// A table of relocations of a kind that is not known here.
    RelocationTag {
        /// The tag of the dynamic section.
        tag: i64,
    },
    /// A relocated word is not 8 aligned bytes in a writable segment.
    RelocationPlace {
        /// Its address.
        address: u64,
    },
}

impl fmt::Display for ImageError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NotElf => f.write_str("the image is not an ELF file"),
            Self::NotX86 => f.write_str("the image is not for 64-bit x86"),
            Self::NotExecutable { kind } => write!(f, "the image is an ELF file of kind {kind}, not an executable"),
            Self::ProgramHeaders => f.write_str("the image's program headers are beyond the file or malformed"),
            Self::Interpreter => f.write_str("the image wants a dynamic linker"),
            Self::NeedsLibrary => f.write_str("the image needs a shared library"),
            Self::NoSegments => f.write_str("the image has nothing to load"),
            Self::TooManySegments => write!(f, "the image has more than {MAX_SEGMENTS} segments"),
            Self::OutsideFile { offset, size } => {
                write!(f, "the image's {size} bytes at offset {offset} are beyond the file")
            }
            Self::SegmentSize { address } => {
                write!(f, "the image's segment at {address:#x} has more bytes in the file than in memory")
            }
            Self::SegmentPlace { address, size } => {
                write!(f, "the image's segment of {size:#x} bytes at {address:#x} is where no image may be")
            }
            Self::WritableAndExecutable { address } => {
                write!(f, "the image's segment at {address:#x} is both writable and executable")
            }
            Self::SegmentsShareAPage { first, second } => {
                write!(f, "the image's segments at {first:#x} and {second:#x} share a page")
            }
            Self::TooBig { size, limit } => write!(f, "the image spans {size} bytes of memory, but may span {limit}"),
            Self::Entry { address } => write!(f, "the image's entry {address:#x} is not in an executable segment"),
            Self::Base { base } => write!(f, "the base {base:#x} is not the beginning of a page"),
            Self::RelocationTable { address } => {
                write!(f, "the image's relocations at {address:#x} are not in the file or malformed")
            }
            Self::RelocationKind { kind } => write!(f, "the image has a relocation of kind {kind}, not a relative one"),
            Self::RelocationTag { tag } => write!(f, "the image has relocations under the unknown tag {tag}"),
            Self::RelocationPlace { address } => {
                write!(f, "the image's relocation at {address:#x} is not of an aligned, writable word")
            }
        }
    }
}

impl core::error::Error for ImageError {}
