//! What a page-table format has to say for itself: how one entry is read and written. The walk is not its concern.

use crate::addr::FrameNumber;
use core::fmt::Debug;

/// A level of the tree, counted from the leaves.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Level {
    /// Entries map 4 KiB.
    Small = 1,
    /// Entries map 2 MiB or point to a table of [`Level::Small`].
    Large = 2,
    /// Entries map 1 GiB or point to a table of [`Level::Large`].
    Huge = 3,
    /// The root's entries, which only point to tables.
    Root = 4,
}

impl Level {
    /// The level below; none below the smallest.
    #[must_use]
    pub const fn below(self) -> Option<Self> {
        match self {
            Self::Small => None,
            Self::Large => Some(Self::Small),
            Self::Huge => Some(Self::Large),
            Self::Root => Some(Self::Huge),
        }
    }

    /// 4 KiB pages that one entry of this level covers.
    #[must_use]
    pub const fn pages(self) -> u64 {
        1 << (9 * (self as u64 - 1))
    }
}

/// One entry, read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Entry<A> {
    /// Maps nothing.
    Absent,
    /// Points to a table of the level below.
    Table(FrameNumber),
    /// Maps a run of frames as long as the level's [`Level::pages`].
    Leaf {
        /// First frame.
        frame: FrameNumber,
        /// What may be done with them.
        attributes: A,
    },
}

/// A page-table format: x86-64 paging, EPT, later NPT.
///
/// In every format an entry whose low three bits are clear is absent, whatever its other bits: lists of free tables
/// rely on it.
pub trait Format {
    /// What a leaf says beside the frame.
    type Attributes: Copy + Eq + Debug;

    /// Whether a table stays with its slot once the slot is in use.
    ///
    /// If so, every 2 MiB leaf has its table of 4 KiB entries in reserve: splitting it never allocates and cannot fail,
    /// and merging it back needs no flush, because a CPU that still walks the old table finds the same translations
    /// there. The largest leaf is then 2 MiB. If not, splitting takes a table and leaves are not merged.
    const KEEPS_TABLES: bool;

    /// Bits that the CPU sets by itself in a leaf (accessed, dirty): carried along when a leaf changes. A bit that the
    /// CPU sets while an entry is rewritten can be lost; who relies on them reads them after the flush.
    const SET_BY_CPU: u64;

    /// Reads an entry.
    fn classify(level: Level, raw: u64) -> Entry<Self::Attributes>;

    /// Whether an entry is absent: what [`classify`](Self::classify) says, for loops that ask nothing else. Some bits, the same in all
    /// entries, are then all clear, so that entries joined bit by bit are absent where each of them is, and only there.
    fn is_absent(raw: u64) -> bool;

    /// The table that an entry above the smallest level points to: what [`classify`](Self::classify) says, for walks that ask nothing
    /// else.
    fn pointed(raw: u64) -> Option<FrameNumber>;

    /// The entry that points to this table. It restricts nothing: the leaves decide.
    fn table(table: FrameNumber) -> u64;

    /// The entry that maps frames from `frame` on, which is aligned for the level.
    fn leaf(level: Level, frame: FrameNumber, attributes: Self::Attributes) -> u64;

    /// Whether `new` lacks something that `old` allows, so that caches holding `old` must be flushed.
    fn takes_away(old: Self::Attributes, new: Self::Attributes) -> bool;
}

/// The frame whose number bits 51:12 of an entry hold.
#[must_use]
pub(super) const fn frame_of(raw: u64) -> FrameNumber {
    FrameNumber::containing(crate::addr::HostPhysical::new(raw & 0x000f_ffff_ffff_f000))
}
