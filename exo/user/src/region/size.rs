//! Pages of two sizes.

use crate::frames::{self, Block};
use crate::page_table::{LARGE, SMALL};

/// The size of a region's pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageSize {
    /// 4 KiB.
    Small,
    /// 2 MiB.
    Large,
}

impl PageSize {
    /// Bytes of a page.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        match self {
            PageSize::Small => SMALL,
            PageSize::Large => LARGE,
        }
    }

    /// Frames of a page.
    #[must_use]
    pub const fn frames(self) -> u64 {
        self.bytes() / SMALL
    }

    /// Bytes that one table maps, to which a region is aligned: 2 MiB or 1 GiB.
    #[must_use]
    pub const fn alignment(self) -> u64 {
        self.bytes() * 512
    }

    pub(super) const fn level(self) -> u32 {
        match self {
            PageSize::Small => 1,
            PageSize::Large => 2,
        }
    }

    /// A page of memory, zeros.
    pub(super) fn allocate(self) -> Option<Block> {
        let mut block = frames::allocate_block(self.frames(), self.frames())?;
        block.clear();
        Some(block)
    }
}
